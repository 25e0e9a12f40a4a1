import { execa } from "execa";
import { docker } from "../image/containers.ts";
import { root } from "../image/images.ts";
import { localRegistry, pull } from "../support/local-registry.ts";
import { pushedStack } from "../support/pushed-images.ts";
import { ensureAwsTestTools } from "../support/test-tools.ts";
import { type Candidate, type Started, tagOf } from "./candidate.ts";

const STACK = "test-push-arm64";
const REPOSITORY = `llama-rpc-cluster/${STACK}/cpu`;
const WHAT = "pushed by its component and pulled back";

/** What became of the images' way through a registry. Disposing removes what was pulled. */
export interface Pulled extends AsyncDisposable {
  /** Where an image is now, and how it got there. */
  of(candidate: Candidate): { reference?: string; tried: Started };
}

/**
 * Pushes images of flavour cpu for linux/arm64 to a registry by the component that target aws uses, forgets them, and
 * pulls them back by digest. A failure is told, not thrown.
 */
export async function pushedAndPulled(candidates: readonly Candidate[]): Promise<Pulled> {
  const references = new Map<Candidate["role"], string>();
  const dispose = async () => {
    for (const reference of references.values()) await execa("docker", ["image", "rm", reference], { reject: false });
  };
  const answer = (tried: Omit<Started, "what">): Pulled => ({
    of: ({ role }) => {
      const reference = references.get(role);
      return { ...(reference ? { reference } : {}), tried: { what: WHAT, ...tried } };
    },
    [Symbol.asyncDispose]: dispose,
  });
  const { registry: program, reasons } = await ensureAwsTestTools(root);
  if (program === null) return answer({ ok: true, note: `not started: ${reasons.registry}` });
  try {
    await using registry = await localRegistry(program, { login: true });
    await using pushed = await pushedStack(STACK, {
      registry,
      repository: REPOSITORY,
      images: candidates.map(({ flavour, role }) => ({ flavour, role, architecture: "arm64" })),
      baseImage: candidates[0]?.baseImage,
    });
    await pushed.stack.up();
    const digests = await pushed.references();
    // Neither the build's own images nor those that were pushed may stand in for what is pulled.
    const tags = (await registry.tagsOf(REPOSITORY)).map((tag) => `${registry.address}/${REPOSITORY}:${tag}`);
    await docker(["image", "rm", "--force", ...tags, ...candidates.map(tagOf)]);
    for (const [at, { role }] of candidates.entries()) {
      const reference = digests[at] ?? "";
      const digest = reference.replace(`${registry.address}/${REPOSITORY}@`, "");
      if ((await registry.digestOf(REPOSITORY, digest)) !== digest)
        throw new Error(`the component hands out ${reference}, which the registry does not have`);
      await pull(registry, reference, ["--platform", "linux/arm64"]);
      references.set(role, reference);
    }
    return answer({ ok: true, note: "by the registry's own digest" });
  } catch (error) {
    return answer({ ok: false, note: error instanceof Error ? error.message : String(error) });
  }
}
