/** Which images run. */
import { docker, elements, type Finding, type Resource, type Rule, UNKNOWN } from "../model.ts";
import { userDataOf } from "./user-data.ts";

const DIGEST = /@sha256:[0-9a-f]{64}$/;
const IMAGE_ID = /^sha256:[0-9a-f]{64}$/;

/** An image of a registry: a host with a dot or a port, a path, and what says which image of that path. */
const REFERENCE =
  /(?<![\w./:@-])(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?(?:\/[a-z0-9._-]+)+(?::[\w.-]+@sha256:[0-9a-f]*|:[\w][\w.-]*|@sha256:[0-9a-f]*)(?![\w/])/g;
/** ECR's names are images even without a tag, which Docker takes for `latest`. */
const ECR_REFERENCE = /\b\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?\/[\w./-]*\w(?:[:@][\w.:@-]*\w)?/g;

const imagesByDigest: Rule = {
  name: "images-by-digest",
  must: "an image must be named by its digest or its id",
  why: "A tag can name another image tomorrow, and a front and a backend of different builds refuse each other.",
  remedy: "Write `<repository>@sha256:<digest>`; builds and registries report the digest.",
  check: (resource) => {
    if (resource.type === docker("Container")) return ofContainer(resource.props["image"]);
    if (resource.type === docker("RemoteImage")) return ofRemoteImage(resource);
    return userDataOf(resource).flatMap(({ path, text }) =>
      imagesIn(text)
        .filter((image) => !DIGEST.test(image))
        .map((value) => ({ path, value })),
    );
  },
};

function ofContainer(image: unknown): Finding[] {
  if (image === UNKNOWN || (typeof image === "string" && (IMAGE_ID.test(image) || DIGEST.test(image)))) return [];
  return [{ path: "image", value: image }];
}

/** A name without a digest is as good where the stack builds the image itself and says which build it is. */
function ofRemoteImage({ props }: Resource): Finding[] {
  const { name } = props;
  if (name === UNKNOWN || DIGEST.test(String(name)) || IMAGE_ID.test(String(name))) return [];
  const triggers = elements(props["pullTriggers"]);
  const isBuilt = triggers.some((trigger) => trigger === UNKNOWN || /sha256:[0-9a-f]{64}/.test(String(trigger)));
  return isBuilt ? [] : [{ path: "name", value: name }];
}

/** What a script calls an image, or pulls: whatever it looks like, it is one. */
const NAMED = /^\s*(?:export\s+)?\w*IMAGE=["']?([^\s"'$]+)["']?\s*$|\bdocker\s+pull\s+["']?([^\s"'$]+)/gm;

/** Every reference to an image in a text. */
export function imagesIn(text: string): string[] {
  const found = [...text.matchAll(REFERENCE), ...text.matchAll(ECR_REFERENCE)].map(([image]) => image);
  const named = [...text.matchAll(NAMED)].map(([, assigned, pulled]) => assigned ?? pulled ?? "");
  return [...new Set([...found, ...named])];
}

/** The rules of this file. */
export const imageRules: readonly Rule[] = [imagesByDigest];
