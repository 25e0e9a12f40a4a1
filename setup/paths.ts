import { join, resolve } from "node:path";

/** Root of the project: the folder that holds Pulumi.yaml. */
export const projectRoot = resolve(import.meta.dirname, "..");

/** Where set-up puts what it makes. Nothing outside these is written without being named first. */
export interface ProjectPaths {
  root: string;
  /** Everything that set-up makes. */
  toolchain: string;
  /** Programs for PATH. */
  bin: string;
  /** Provider plugins that were built here. */
  plugins: string;
  /** Archives, complete (checked) or partial (`.part`). */
  downloads: string;
  /** Scratch space of steps; may be deleted at any time. */
  build: string;
  /** What was made from which pins, one file per step. */
  stamps: string;
  /** What this machine provides, for config/machine.ts. */
  machineFile: string;
  passphraseFile: string;
  /** Pulumi's home where the user has no backend of their own. */
  pulumiHome: string;
  /** State where the user has no backend of their own. */
  state: string;
  models: string;
}

/** The places of one project. */
export function pathsOf(root: string): ProjectPaths {
  const toolchain = join(root, ".toolchain");
  return {
    root,
    toolchain,
    bin: join(toolchain, "bin"),
    plugins: join(toolchain, "plugins"),
    downloads: join(toolchain, "downloads"),
    build: join(toolchain, "build"),
    stamps: join(toolchain, "stamps"),
    machineFile: join(toolchain, "machine.json"),
    passphraseFile: join(toolchain, "passphrase"),
    pulumiHome: join(toolchain, "pulumi-home"),
    state: join(root, ".pulumi-state"),
    models: join(root, ".models"),
  };
}

/** This project's places. */
export const paths = pathsOf(projectRoot);
