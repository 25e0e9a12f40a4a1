/** The tools that come from Debian's packages. */
import { existsSync, readdirSync } from "node:fs";
import { chmod, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isRoot, which } from "../../setup/programs.ts";
import { writeAtomically } from "../../setup/stamps.ts";
import { installPackages, isDebian } from "../debian.ts";
import { build, type GoProgram, goCaches, goMissing, isBuilt } from "../go.ts";
import { unpackPackage } from "./debian.ts";
import { pythonTool } from "./python.ts";
import type { Tool } from "./tool.ts";

/** The machine's own registry, Debian's unpacked package, or a build from its Go module. */
export function registry(folder: string): Tool {
  const unpacked = join(folder, "docker-registry");
  const program = join(unpacked, "usr", "bin", "docker-registry");
  const built: GoProgram = {
    module: "registry",
    package: "github.com/distribution/distribution/v3/cmd/registry",
    linkerFlags: "-s -w",
    output: join(folder, "bin", "registry"),
    typical: "2 to 3 min with cold Go caches",
  };
  return {
    find: () =>
      which("docker-registry") ?? [program, ...(isBuilt(built) ? [built.output] : [])].find(existsSync) ?? null,
    get: async (report, signal) => {
      try {
        report.say("unpacks Debian's docker-registry into .toolchain");
        await unpackPackage("docker-registry", unpacked, report, signal);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        const noGo = await goMissing();
        if (noGo !== null) throw new Error(`${why}; nor can it be built: ${noGo}`);
        report.say(`builds it from its Go module instead (${why}); ${(await goCaches()).join("; ")}`);
        await build(built, report, signal);
      }
    },
  };
}

/** qemu's emulators for programs of other architectures: `emulator(folder, "qemu-aarch64")`. */
export function emulator(folder: string, name: string): Tool {
  const unpacked = join(folder, "qemu-user-static");
  const program = join(unpacked, "usr", "bin", `${name}-static`);
  return {
    find: () => which(`${name}-static`) ?? (existsSync(program) ? program : null),
    get: async (report, signal) => {
      report.say("unpacks Debian's qemu-user-static into .toolchain, 63 MB");
      await unpackPackage("qemu-user-static", unpacked, report, signal);
      if (!existsSync(program)) throw new Error(`Debian's qemu-user-static holds no ${name}-static`);
    },
  };
}

/** The machine's own faketime, or Debian's library with our own program, because Debian's searches only /usr/lib. */
export function faketime(folder: string): Tool {
  const unpacked = join(folder, "libfaketime");
  const program = join(folder, "bin", "faketime");
  return {
    find: () => which("faketime") ?? (existsSync(program) ? program : null),
    get: async (report, signal) => {
      report.say("unpacks Debian's libfaketime into .toolchain");
      await unpackPackage("libfaketime", unpacked, report, signal);
      const library = readdirSync(unpacked, { recursive: true, encoding: "utf8" }).find((file) =>
        file.endsWith("/libfaketimeMT.so.1"),
      );
      if (library === undefined) throw new Error("Debian's libfaketime holds no libfaketimeMT.so.1");
      await writeProgram(
        program,
        `#!/bin/sh
# faketime '<date>' <program> [<argument> …]
set -eu
start="$(date --date "$1" +%s)"
shift
exec env LD_PRELOAD='${join(unpacked, library)}' FAKETIME_FMT=%s FAKETIME="@$start" "$@"
`,
      );
    },
  };
}

/** The machine's own cloud-init, or Debian's unpacked package with its imports from PyPI. */
export function cloudInit(folder: string): Tool {
  const unpacked = join(folder, "cloud-init");
  const program = join(folder, "bin", "cloud-init");
  const imports = pythonTool({ list: "cloud-init", folder: join(folder, "cloud-init-python") }, "python");
  return {
    find: () => which("cloud-init") ?? (existsSync(program) && imports.find() !== null ? program : null),
    get: async (report, signal) => {
      await imports.get(report, signal);
      report.say("unpacks Debian's cloud-init into .toolchain");
      await unpackPackage("cloud-init", unpacked, report, signal);
      const modules = join(unpacked, "usr", "lib", "python3", "dist-packages");
      await writeProgram(
        program,
        `#!/bin/sh\nPYTHONPATH='${modules}' exec '${imports.find()}' -m cloudinit.cmd.main "$@"\n`,
      );
    },
  };
}

/** The machine's own systemd-analyze, or Debian's installed package, because it needs its library in the system's folder. */
export const systemdAnalyze: Tool = {
  find: () => which("systemd-analyze"),
  get: async (report, signal) => {
    if (!isDebian()) throw new Error("install systemd's systemd-analyze so that it is on PATH");
    if (!isRoot()) throw new Error("only root can install it: sudo apt-get install systemd");
    report.say("outside this project's folder: installs the Debian package systemd (apt-get)");
    await installPackages(["systemd"], report, signal);
  },
};

async function writeProgram(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeAtomically(file, text);
  await chmod(file, 0o755);
}
