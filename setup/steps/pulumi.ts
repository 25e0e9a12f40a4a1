/** Steps for the Pulumi CLI and its language host for Node. */
import { existsSync, realpathSync } from "node:fs";
import { chmod, mkdir, rename, rm } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { execa } from "execa";
import semver from "semver";
import { download } from "../download.ts";
import { paths } from "../paths.ts";
import { unreachable } from "../probe.ts";
import { answerOf, versionIn, which } from "../programs.ts";
import type { Step, Way } from "../runner.ts";
import { isStamped, keyOf, stamp } from "../stamps.ts";
import type { Report } from "../terminal.ts";
import { versions } from "../versions.ts";

/** The language host's program. */
export const HOST = "pulumi-language-nodejs";

const archiveKey = keyOf("archive", versions.pulumi.version, process.platform, process.arch);
/** Whether our program comes from the archive of the pinned version. */
export const fromArchive = (program: string) =>
  existsSync(join(paths.bin, program)) && isStamped(paths.stamps, `archive-${program}`, archiveKey);

/** The user's own CLI on PATH, outside our folder; null if there is none of a suitable version. */
export async function usersPulumi(): Promise<{ file: string; version: string } | null> {
  const path = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== paths.bin);
  const file = which("pulumi", path.join(delimiter));
  if (file === null) return null;
  const version = versionIn((await answerOf(file, ["version"])) ?? "");
  return version !== null && isUsable(version) ? { file, version } : null;
}

/** Whether a version of the CLI is suitable. */
export const isUsable = (version: string): boolean =>
  semver.gte(version, versions.pulumi.minimum) && semver.major(version) < versions.pulumi.beforeMajor;

/** One archive holds the CLI and the language hosts; each step extracts its own program. */
const archive = (program: string): Way => {
  const platform = process.platform;
  const url = versions.pulumi.archive(platform, process.arch === "x64" ? "x64" : process.arch);
  return {
    how: "Pulumi's own archive",
    typical: "about 100 MB",
    blocked: async () => (await unreachable(url)) ?? (await unreachable(versions.pulumi.checksums)),
    run: (report, signal) => takeFromArchive(program, url, report, signal),
  };
};

async function takeFromArchive(program: string, url: string, report: Report, signal: AbortSignal): Promise<void> {
  const name = new URL(url).pathname.split("/").at(-1) ?? "";
  const sums = await (await fetch(versions.pulumi.checksums, { signal })).text();
  const sha256 = checksumOf(sums, name);
  if (sha256 === null) throw new Error(`the checksum file of the release does not list ${name}`);
  const file = join(paths.downloads, name);
  await download(url, file, sha256, report, signal);
  const scratch = join(paths.build, `pulumi-archive.${process.pid}`);
  await mkdir(scratch, { recursive: true });
  await mkdir(paths.bin, { recursive: true });
  try {
    await execa("tar", ["-xzf", file, "-C", scratch, "--strip-components=1", `pulumi/${program}`], {
      cancelSignal: signal,
    });
    await chmod(join(scratch, program), 0o755);
    await rename(join(scratch, program), join(paths.bin, program));
    await stamp(paths.stamps, `archive-${program}`, archiveKey);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The hash of a name in a `sha256sum` file; null if the file does not list it. */
export function checksumOf(list: string, name: string): string | null {
  for (const line of list.split("\n")) {
    const [hash, file] = line.trim().split(/\s+\*?/);
    if (file === name && hash && /^[0-9a-f]{64}$/.test(hash)) return hash;
  }
  return null;
}

/** The CLI: the user's own if it is suitable. */
export const pulumiStep: Step = {
  name: "pulumi",
  why: "the engine that creates and destroys clusters",
  lane: "build",
  have: async () => {
    if (fromArchive("pulumi")) return `${versions.pulumi.version}, from its archive`;
    const users = await usersPulumi();
    return users && `${users.version}, your own (${users.file})`;
  },
  get: archive("pulumi"),
};

/** The language host, which every official installation has beside the CLI. */
export const languageHostStep: Step = {
  name: "language host",
  why: "runs index.ts for the engine",
  lane: "build",
  needs: ["pulumi"],
  have: async () => {
    if (fromArchive(HOST)) return `${versions.pulumi.version}, from Pulumi's archive`;
    if (fromArchive("pulumi")) return null;
    const users = await usersPulumi();
    if (users && existsSync(join(dirname(realpathSync(users.file)), HOST))) return `beside ${users.file}`;
    const ambient = users && which(HOST);
    return ambient ? `your own (${ambient})` : null;
  },
  get: archive(HOST),
};
