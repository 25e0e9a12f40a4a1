import { randomBytes } from "node:crypto";
import { execa } from "execa";

/** Everything that one test file makes in the engine carries this label, and is taken away by it; another run's is left. */
const LABEL = `llama-rpc-cluster-test=${randomBytes(5).toString("hex")}`;

/** How a container is started. */
export interface Start {
  image: string;
  env?: Readonly<Record<string, string>>;
  /** Container arguments. */
  args?: readonly string[];
  /** Options of `docker run`. */
  options?: readonly string[];
}

/** How a container ended. */
export interface Ended {
  exitCode: number;
  /** Standard output and error together. */
  output: string;
  milliseconds: number;
}

/** The options of a hardened container, as the cluster's components set them. */
export const hardened = [
  ...["--read-only", "--tmpfs", "/tmp:rw,nosuid,nodev,noexec,size=64m"],
  ...["--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
];

/** Runs `docker`; a failure's message is what docker said. */
export async function docker(args: readonly string[]): Promise<string> {
  const result = await execa("docker", args, { reject: false, all: true });
  if (result.exitCode !== 0) throw new Error(`docker ${args.join(" ")}\n${result.all}`);
  return result.stdout;
}

function runArguments(start: Start, mode: readonly string[], name: string): string[] {
  const env = Object.entries(start.env ?? {}).flatMap(([key, value]) => ["--env", `${key}=${value}`]);
  const rest = [...env, ...(start.options ?? []), start.image, ...(start.args ?? [])];
  return ["run", ...mode, "--name", name, "--label", LABEL, ...rest];
}

const newName = () => `llama-rpc-cluster-test-${randomBytes(5).toString("hex")}`;

/** Runs a container to its end; one that does not end in time is removed, and its output told. */
export async function runToEnd(start: Start, limitMs = 30_000): Promise<Ended> {
  const name = newName();
  const begin = performance.now();
  const result = await execa("docker", runArguments(start, ["--rm"], name), {
    reject: false,
    all: true,
    timeout: limitMs,
    stdin: "ignore",
  });
  const milliseconds = performance.now() - begin;
  if (result.timedOut) {
    await docker(["rm", "--force", name]);
    throw new Error(`The container still ran after ${limitMs} ms; it was expected to end. It said:\n${result.all}`);
  }
  return { exitCode: result.exitCode ?? -1, output: result.all, milliseconds };
}

/** A running container. */
export class Container {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  static async start(start: Start): Promise<Container> {
    const name = newName();
    await docker(runArguments(start, ["--detach"], name));
    return new Container(name);
  }

  async logs(): Promise<string> {
    return (await execa("docker", ["logs", this.name], { all: true })).all;
  }

  /** Waits until the log matches; a container that ends before that, or a time limit, fails with the log's end. */
  async logged(pattern: RegExp, limitMs = 60_000): Promise<string> {
    for (const end = Date.now() + limitMs; ; await sleep(150)) {
      const log = await this.logs();
      if (pattern.test(log)) return log;
      const running = await this.running();
      if (!running || Date.now() > end) {
        const why = running ? `within ${limitMs} ms` : "before the container ended";
        throw new Error(`The log did not show ${pattern} ${why}:\n${log.split("\n").slice(-40).join("\n")}`);
      }
    }
  }

  async running(): Promise<boolean> {
    return (await this.inspect("{{.State.Running}}")) === "true";
  }

  inspect(format: string): Promise<string> {
    return docker(["inspect", "--format", format, this.name]);
  }

  /** Address in its only network. */
  address(): Promise<string> {
    return this.inspect("{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}");
  }

  /** Runs a program inside. */
  async exec(...command: string[]): Promise<Ended> {
    const begin = performance.now();
    const result = await execa("docker", ["exec", this.name, ...command], { reject: false, all: true });
    return { exitCode: result.exitCode ?? -1, output: result.all, milliseconds: performance.now() - begin };
  }

  /** Command line of a program inside, argument by argument. */
  async commandLine(program: string): Promise<string[]> {
    const script = 'for f in /proc/[0-9]*; do [ "$(cat $f/comm)" = "$0" ] && cat $f/cmdline && exit; done; exit 1';
    const result = await this.exec("bash", "-c", script, program.slice(0, 15));
    if (result.exitCode !== 0) throw new Error(`${program} does not run in the container:\n${await this.logs()}`);
    return result.output.split("\0").filter((argument) => argument !== "");
  }

  /** `docker stop`, and how the container ended. */
  async stop(): Promise<Ended> {
    const begin = performance.now();
    await docker(["stop", "--time", "10", this.name]);
    const milliseconds = performance.now() - begin;
    const exitCode = Number(await this.inspect("{{.State.ExitCode}}"));
    return { exitCode, output: await this.logs(), milliseconds };
  }

  /** Waits for the end that the container finds by itself. */
  async ended(limitMs = 60_000): Promise<Ended> {
    const begin = performance.now();
    const result = await execa("docker", ["wait", this.name], { reject: false, timeout: limitMs });
    const output = await this.logs();
    if (result.timedOut) throw new Error(`The container still ran after ${limitMs} ms:\n${output}`);
    return { exitCode: Number(result.stdout), output, milliseconds: performance.now() - begin };
  }

  async remove(): Promise<void> {
    await docker(["rm", "--force", "--volumes", this.name]);
  }
}

/** A bridge network of its own for the containers of one file. */
export async function createNetwork(): Promise<string> {
  const name = newName();
  await docker(["network", "create", "--label", LABEL, name]);
  return name;
}

/** Takes away every container, network and volume that this test file made. */
export async function removeEverything(): Promise<void> {
  const filter = ["--filter", `label=${LABEL}`, "--quiet"];
  const containers = (await docker(["ps", "--all", ...filter])).split("\n").filter(Boolean);
  if (containers.length > 0) await docker(["rm", "--force", "--volumes", ...containers]);
  const networks = (await docker(["network", "ls", ...filter])).split("\n").filter(Boolean);
  if (networks.length > 0) await docker(["network", "rm", ...networks]);
  const volumes = (await docker(["volume", "ls", ...filter])).split("\n").filter(Boolean);
  if (volumes.length > 0) await docker(["volume", "rm", ...volumes]);
}

export const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
