import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalWorkspace, type Stack } from "@pulumi/pulumi/automation/index.js";
import { execa } from "execa";
import { parse, stringify } from "yaml";

/** A stack of this project in a state backend of its own, driven by the real engine. */
export interface EngineStack {
  stack: Stack;
  /** Sets a section (`front`) to a value, as the stack file would. */
  configure(section: string, value: unknown): void;
  /** All that the state backend keeps of the stack, as it lies on the disk. */
  stateOnDisk(): string;
  /** Removes state and stack file; the cluster must have been destroyed before. */
  dispose(): Promise<void>;
}

/**
 * Makes a stack with the configuration of another one.
 * @param name the new stack
 * @param like stack whose file is taken as it is
 */
export async function engineStack(name: string, like: string): Promise<EngineStack> {
  const root = process.cwd();
  // A run that was killed leaves containers that no state knows, under the names that this one needs.
  await removeLeftovers(name);
  const state = mkdtempSync(join(tmpdir(), "llama-rpc-cluster-state-"));
  const stack = await LocalWorkspace.createOrSelectStack(
    { stackName: name, workDir: root },
    {
      envVars: {
        PULUMI_BACKEND_URL: `file://${state}`,
        PULUMI_CONFIG_PASSPHRASE: "only for tests",
        PULUMI_CONFIG_PASSPHRASE_FILE: "",
      },
    },
  );
  const file = join(root, "stacks", `Pulumi.${name}.yaml`);
  const edit = (change: (config: Record<string, unknown>) => void) => {
    const written = existsSync(file) ? (parse(readFileSync(file, "utf8")) as StackFile | null) : null;
    const config = written?.config ?? {};
    change(config);
    writeFileSync(file, stringify({ ...written, config }));
  };
  const original = parse(readFileSync(join(root, "stacks", `Pulumi.${like}.yaml`), "utf8")) as StackFile;
  edit((config) => Object.assign(config, original.config));
  return {
    stack,
    configure: (section, value) =>
      edit((config) => {
        config[`llama-rpc-cluster:${section}`] = value;
      }),
    stateOnDisk: () =>
      readdirSync(state, { recursive: true, encoding: "utf8", withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
        .join("\n"),
    async dispose() {
      rmSync(state, { recursive: true, force: true });
      rmSync(file, { force: true });
    },
  };
}

interface StackFile {
  config?: Record<string, unknown>;
}

const KINDS = ["container", "network", "volume"] as const;

/** Names of whatever the engine still holds of a stack: containers, networks, volumes, images. */
export async function leftovers(stack: string): Promise<string[]> {
  const found = await Promise.all([...KINDS.map((kind) => labelled(kind, stack)), imagesOf(stack)]);
  return found.flat();
}

async function removeLeftovers(stack: string): Promise<void> {
  for (const kind of KINDS) {
    const names = await labelled(kind, stack);
    if (names.length > 0) await execa("docker", [kind, "rm", "--force", ...names]);
  }
  const images = await imagesOf(stack);
  if (images.length > 0) await execa("docker", ["image", "rm", ...images]);
}

async function labelled(kind: (typeof KINDS)[number], stack: string): Promise<string[]> {
  const label = `label=llama-rpc-cluster/stack=${stack}`;
  const all = kind === "container" ? ["--all"] : [];
  const format = kind === "container" ? "{{.Names}}" : "{{.Name}}";
  return linesOf(await execa("docker", [kind, "ls", ...all, "--filter", label, "--format", format]));
}

async function imagesOf(stack: string): Promise<string[]> {
  const reference = `reference=llama-rpc-cluster/${stack}-*`;
  return linesOf(await execa("docker", ["image", "ls", "--filter", reference, "--format", "{{.Repository}}:{{.Tag}}"]));
}

const linesOf = ({ stdout }: { stdout: string }) => stdout.split("\n").filter((line) => line !== "");

/** A TCP port of this machine that nobody uses now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (address && typeof address === "object" ? resolve(address.port) : reject(address)));
    });
  });
}
