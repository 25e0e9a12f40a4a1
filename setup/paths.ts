import { join, resolve } from "node:path";

/** Root of the project: the folder that holds Pulumi.yaml. */
export const projectRoot = resolve(import.meta.dirname, "..");

/** Folders that set-up writes to. It announces every change outside of them first. */
export interface ProjectPaths {
  root: string;
  /** Everything that set-up creates. */
  toolchain: string;
  /** Programs for PATH. */
  bin: string;
  /** Provider plugins that were built here. */
  plugins: string;
  /** Archives, complete (checked) or partial (`.part`). */
  downloads: string;
  /** Scratch space of steps; may be deleted at any time. */
  build: string;
  /** The pins that each result was made from, one file per step. */
  stamps: string;
  /** What this machine provides, for config/machine.ts. */
  machineFile: string;
  passphraseFile: string;
  /** Pulumi's home if the user has no Pulumi backend. */
  pulumiHome: string;
  /** The state if the user has no Pulumi backend. */
  state: string;
  models: string;
}

/** The paths of a project. */
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

/** This project's paths. */
export const paths = pathsOf(projectRoot);
