import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { readMachine } from "../../config/machine.ts";
import { root } from "../image/images.ts";
import { ensureEmulator } from "../support/test-tools.ts";

/** How programs of a foreign architecture run here. */
export interface Emulation extends AsyncDisposable {
  /** Local base image of the architecture, where the registry's can't be had. */
  baseImage?: string | undefined;
  /** Why there is no base image; the images can't be built then. */
  baseMissing?: string;
  /** Why programs can't be started; undefined if they can. */
  blocked?: string | undefined;
}

interface Architecture {
  /** In Debian's words. */
  debian: string;
  qemu: string;
  /** How the kernel recognizes its programs: magic and mask of the ELF header, as qemu registers them. */
  magic: string;
  mask: string;
}

const architectures: Record<"arm64" | "arm/v7", Architecture> = {
  arm64: {
    debian: "arm64",
    qemu: "qemu-aarch64",
    magic: "\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00",
    mask: "\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff",
  },
  "arm/v7": {
    debian: "armhf",
    qemu: "qemu-arm",
    magic: "\\x7fELF\\x01\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\x28\\x00",
    mask: "\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff",
  },
};

const firstLines = (error: unknown) => String(error).split("\n").slice(0, 4).join(" ");

const FORMATS = "/proc/sys/fs/binfmt_misc";

/**
 * Lets the kernel start an architecture's programs by qemu for as long as the result is held, and makes a base image
 * where none can be pulled. Only for these tests: the images themselves are cross-compiled.
 */
export async function emulate(name: "arm64" | "arm/v7"): Promise<Emulation> {
  const architecture = architectures[name];
  const registered = await register(architecture);
  const undo = { [Symbol.asyncDispose]: async () => registered.undo() };
  if (readMachine(root).builder !== "engine") return { blocked: registered.blocked, ...undo };
  try {
    return { baseImage: await makeBase(name, architecture), blocked: registered.blocked, ...undo };
  } catch (error) {
    return { baseMissing: `no base image could be made: ${firstLines(error)}`, ...undo };
  }
}

async function register({ qemu, magic, mask }: Architecture): Promise<{ blocked?: string; undo: () => void }> {
  const nothing = () => undefined;
  const entry = join(FORMATS, qemu);
  if (existsSync(entry)) return { undo: nothing };
  const { program: interpreter, reason } = await ensureEmulator(root, qemu);
  if (interpreter === null) return { blocked: reason ?? `no ${qemu}-static`, undo: nothing };
  if (process.getuid?.() !== 0) return { blocked: `only root can let the kernel use ${qemu}`, undo: nothing };
  if (!existsSync(join(FORMATS, "register"))) {
    const mounted = await execa("mount", ["-t", "binfmt_misc", "binfmt_misc", FORMATS], { reject: false, all: true });
    if (mounted.exitCode !== 0) return { blocked: `no binfmt_misc in this kernel: ${mounted.all}`, undo: nothing };
  }
  // F: the interpreter is opened now, so that it is found from inside containers too.
  writeFileSync(join(FORMATS, "register"), `:${qemu}:M::${magic}:${mask}:${interpreter}:F`);
  console.log(`programs of ${qemu} run by emulation until this ends`);
  return { undo: () => writeFileSync(entry, "-1") };
}

/** A minimal Debian of the architecture from the package mirror, as set-up makes this machine's own. */
async function makeBase(name: string, { debian }: Architecture): Promise<string> {
  const image = `llama-rpc-cluster-test/base:${debian}`;
  const there = await execa("docker", ["image", "inspect", image], { reject: false });
  if (there.exitCode === 0) return image;
  const folder = mkdtempSync(join(tmpdir(), "llama-rpc-cluster-base-"));
  console.log(`making ${image} with mmdebstrap`);
  try {
    const archive = join(folder, "base.tar");
    // Without the update suites: mirrors carry those of rarer architectures late, and apt takes that for an error.
    const source = `deb http://deb.debian.org/debian ${suite()} main`;
    // The kernel starts foreign programs by now, which mmdebstrap believes only a package that is not needed otherwise.
    const options = ["--variant=minbase", "--quiet", "--skip=check/qemu", `--architectures=${debian}`];
    await execa("mmdebstrap", [...options, suite(), archive, source]);
    // `docker import` of an older engine marks every image as its own architecture's; a build does not.
    writeFileSync(join(folder, "Dockerfile"), "FROM scratch\nADD base.tar /\n");
    const build = ["--builder", "default", "--load", "--platform", `linux/${name}`, "--tag", image];
    await execa("docker", ["buildx", "build", ...build, folder]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return image;
}

/** Debian's suite, as the Dockerfile's base image names it. */
function suite(): string {
  const text = readFileSync(join(root, "images", "cpu.Dockerfile"), "utf8");
  const found = /^ARG BASE_IMAGE=debian:([a-z]+)/m.exec(text)?.[1];
  if (!found)
    throw new Error("images/cpu.Dockerfile does not say `ARG BASE_IMAGE=debian:<suite>…`; correct emulation.ts.");
  return found;
}
