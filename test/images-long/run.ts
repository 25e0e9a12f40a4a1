/**
 * The long image work: builds the images of the architectures and flavours that no quick test builds, starts their
 * programs (under user-mode emulation where they are foreign), and writes what was seen into `bench/RESULTS.md`.
 *
 *     npm run test:images                     everything; hours on two cores
 *     npm run test:images -- arm64 arm/v7     some of: arm64, arm/v7, cuda
 *
 * Ends with status 1 if anything failed. What this machine can't do is printed with the reason, and counted.
 */
import { parseArgs } from "node:util";
import { removeEverything } from "../image/containers.ts";
import { buildImages, root } from "../image/images.ts";
import { type Attempt, build, type Candidate, started } from "./candidate.ts";
import { type Emulation, emulate } from "./emulation.ts";
import { pushedAndPulled } from "./pushed.ts";
import { report } from "./report.ts";

/** One CUDA architecture is enough to see that the flavour compiles; Turing has the fewest kernels. */
const CUDA_ARCHITECTURE = "75-real";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { "cuda-architecture": { type: "string", default: CUDA_ARCHITECTURE } },
});

const all = ["arm64", "arm/v7", "cuda"] as const;
type Subject = (typeof all)[number];
const isSubject = (word: string): word is Subject => (all as readonly string[]).includes(word);
const unknown = positionals.filter((word) => !isSubject(word));
if (unknown.length > 0) {
  console.error(
    `${unknown.join(", ")}: nothing to build by that name; name some of ${all.join(", ")}, or none for all.`,
  );
  process.exit(2);
}
const subjects = positionals.length > 0 ? positionals.filter(isSubject) : [...all];

const attempts: Attempt[] = [];

const ROLES = ["backend", "server"] as const;

/** Builds both roles of one flavour and platform and starts their programs. */
async function go(candidate: Omit<Candidate, "role">, emulation?: Emulation): Promise<void> {
  const built: { image: Candidate; attempt: Attempt }[] = [];
  for (const role of ROLES) {
    const image: Candidate = { ...candidate, role };
    const { flavour, platform } = candidate;
    const missing = emulation?.baseMissing;
    const attempt = missing ? { image: `${flavour}-${role}`, platform, skipped: missing } : await build(image);
    built.push({ image, attempt });
    attempts.push(attempt);
  }
  const usable = built.filter(({ attempt }) => !attempt.skipped && !attempt.failed);
  if (usable.length < ROLES.length || candidate.platform !== "linux/arm64") {
    for (const { image, attempt } of usable) attempt.started = await started(image, emulation);
    return;
  }
  // The machines that rent arm64 pull from a registry: what is started is what came back from one.
  await using pulled = await pushedAndPulled(usable.map(({ image }) => image));
  for (const { image, attempt } of usable) {
    const { reference, tried } = pulled.of(image);
    attempt.started = [tried, ...(tried.ok ? await started({ ...image, reference }, emulation) : [])];
  }
}

async function main(): Promise<void> {
  await buildImages();
  for (const subject of subjects) {
    console.log(`\n== ${subject}`);
    if (subject === "cuda") {
      await go({ flavour: "cuda", platform: "linux/amd64", cudaArchitectures: values["cuda-architecture"] });
      continue;
    }
    await using emulation = await emulate(subject);
    await go({ flavour: "cpu", platform: `linux/${subject}`, baseImage: emulation.baseImage }, emulation);
  }
}

try {
  await main();
} finally {
  await removeEverything();
}
process.exitCode = report(root, attempts) ? 0 : 1;
