/**
 * Decides what the workflow `images` builds, and prints it as `key=value` lines for GITHUB_OUTPUT:
 *
 *   node .github/scripts/release.ts --image ghcr.io/owner/llama-rpc-cluster [--requested b1234] [--rebuild true]
 *
 * version=        the release to build; empty if there is nothing to do
 * newest=         whether it is the newest release, the only one that may become `latest`
 * commit=, rpc_protocol=, ggml_version=   versions in its source, for the images' labels
 */
import { execFileSync, spawnSync } from "node:child_process";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

export const LLAMACPP_REPO = "https://github.com/ggml-org/llama.cpp";
const RAW = "https://raw.githubusercontent.com/ggml-org/llama.cpp";

/** The suffixes of the tags of one release; `` is the cpu image with all programs. */
export const TAG_SUFFIXES = ["", "-backend", "-cuda", "-cuda-backend"] as const;

/** A llama.cpp release: its tag and commit. */
export interface Release {
  tag: string;
  commit: string;
}

/** Every `bNNNN` tag in the output of `git ls-remote --tags`, oldest first. Nothing else is a release of ours. */
export function releasesOf(lsRemote: string): Release[] {
  const commits = new Map<string, string>();
  for (const line of lsRemote.split("\n")) {
    const match = /^([0-9a-f]{40})\trefs\/tags\/(b[0-9]+)(\^\{\})?$/.exec(line.trim());
    // An annotated tag has a second line, `^{}`, with its commit, which comes later and wins.
    if (match?.[1] && match[2]) commits.set(match[2], match[1]);
  }
  const number = (tag: string): number => Number(tag.slice(1));
  return [...commits].map(([tag, commit]) => ({ tag, commit })).sort((a, b) => number(a.tag) - number(b.tag));
}

/** The release to build; null if it is already published and no rebuild is requested. */
export function choose(
  releases: readonly Release[],
  requested: string,
  rebuild: boolean,
  isPublished: (tag: string) => boolean,
): { release: Release; newest: boolean } | null {
  const last = releases.at(-1);
  if (!last) throw new Error(`${LLAMACPP_REPO} lists no tag of the form b1234: look at its tags.`);
  const release = requested === "" ? last : releases.find(({ tag }) => tag === requested);
  if (!release)
    throw new Error(`'${requested}' is no release of llama.cpp: give a tag of the form b1234, such as ${last.tag}.`);
  if (!rebuild && TAG_SUFFIXES.every((suffix) => isPublished(release.tag + suffix))) return null;
  return { release, newest: release.tag === last.tag };
}

/** The versions in the source; `identify.sh` in the image build refuses a wrong one. */
export function claimsOf(rpcHeader: string, ggmlCmake: string): { rpcProtocol: string; ggmlVersion: string } {
  const number = (text: string, name: string): string => {
    const match = new RegExp(`\\b${name}\\s+(\\d+)`).exec(text);
    if (!match?.[1])
      throw new Error(`${name} is not at its old place in llama.cpp's source: fix claimsOf in release.ts.`);
    return match[1];
  };
  const version = (text: string, prefix: string): string =>
    ["MAJOR", "MINOR", "PATCH"].map((part) => number(text, prefix.replace("*", part))).join(".");
  return {
    rpcProtocol: version(rpcHeader, "RPC_PROTO_*_VERSION"),
    ggmlVersion: version(ggmlCmake, "GGML_VERSION_*"),
  };
}

/** Asks the registry for one tag. Only a clear "not found" counts as missing, because an outage must not cause a build. */
function isPublished(reference: string): boolean {
  const answer = spawnSync("docker", ["buildx", "imagetools", "inspect", reference], { encoding: "utf8" });
  if (answer.status === 0) return true;
  if (/not found|manifest unknown|name unknown|denied/i.test(answer.stderr)) return false;
  throw new Error(`The registry did not say whether ${reference} exists: ${answer.stderr.trim()}`);
}

async function textAt(commit: string, path: string): Promise<string> {
  const answer = await fetch(`${RAW}/${commit}/${path}`);
  if (!answer.ok) throw new Error(`${path} of llama.cpp ${commit} can't be read: HTTP ${answer.status}`);
  return answer.text();
}

async function main(): Promise<void> {
  const options = { image: { type: "string" }, requested: { type: "string" }, rebuild: { type: "string" } } as const;
  const { image = "", requested = "", rebuild = "" } = parseArgs({ options }).values;
  // One answer has every tag, without pages.
  const tags = execFileSync("git", ["ls-remote", "--tags", LLAMACPP_REPO, "b*"], { encoding: "utf8" });
  const chosen = choose(releasesOf(tags), requested, rebuild === "true", (tag) => isPublished(`${image}:${tag}`));
  if (!chosen) {
    console.error("The newest release is published with every flavour and role: nothing to build.");
    console.log("version=");
    return;
  }
  const { tag, commit } = chosen.release;
  const header = await textAt(commit, "ggml/include/ggml-rpc.h");
  const { rpcProtocol, ggmlVersion } = claimsOf(header, await textAt(commit, "ggml/CMakeLists.txt"));
  console.error(`llama.cpp ${tag} (${commit}), RPC protocol ${rpcProtocol}, ggml ${ggmlVersion}`);
  console.log(`version=${tag}\nnewest=${chosen.newest}\ncommit=${commit}`);
  console.log(`rpc_protocol=${rpcProtocol}\nggml_version=${ggmlVersion}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
