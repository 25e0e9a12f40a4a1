import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { execa } from "execa";
import { parse } from "yaml";
import { type NodeStatus, parseStatus } from "../../../aws/machine-status.ts";
import type { NodeBoot } from "../../../components/aws/boot/node-boot.ts";
import { renderUserData, scriptsOf } from "../../../components/aws/boot/user-data.ts";
import { sleep } from "../../image/containers.ts";
import { type Outcome, type Program, startProgram } from "./boot-program.ts";

/** Programs that would change this machine: here they write down that they were called, and fail. Only powering off works. */
const STAND_INS = ["systemctl", "chronyc", "dnf", "nvidia-smi"];

/** What keeps containers from the metadata service, as iptables is told. */
export const METADATA_RULE = [
  ...["OUTPUT", "--destination", "169.254.169.254", "--match", "owner", "--uid-owner", "10001"],
  ...["--jump", "REJECT"],
];

/** Surroundings of a machine. */
export interface Surroundings {
  /** Path of the AWS command line. */
  aws: string;
  /** Variables that lead it to the double. */
  environment: Readonly<Record<string, string>>;
}

/**
 * A folder that a machine's user data has been written into as cloud-init does it, and what the units start there: the
 * programs that a machine of EC2 runs, on this machine's Docker engine.
 */
export class BootedMachine {
  readonly root: string;
  readonly node: NodeBoot;
  readonly #environment: Record<string, string>;
  readonly #undo: (() => Promise<unknown>)[] = [];
  readonly #running = new Set<Program>();

  private constructor(root: string, node: NodeBoot, { aws, environment }: Surroundings) {
    this.root = root;
    this.node = node;
    const path = [join(root, "stand-ins"), dirname(aws), process.env["PATH"] ?? ""].join(delimiter);
    // No pause between two tries: what fails here fails again.
    const switches = { LLAMA_RPC_ROOT: root, LLAMA_RPC_RETRY_SECONDS: "0" };
    this.#environment = { PATH: path, HOME: root, LC_ALL: "C", ...environment, ...switches };
  }

  /** A machine before its first boot. Its scripts are there already, unless they are to come from the bucket. */
  static async make(node: NodeBoot, surroundings: Surroundings, fetchesScripts = false): Promise<BootedMachine> {
    const machine = new BootedMachine(await mkdtemp(join(tmpdir(), "llama-rpc-machine-")), node, surroundings);
    const config = parse(renderUserData(node)) as {
      write_files: { path: string; permissions: string; content: string }[];
    };
    for (const { path, permissions, content } of config.write_files) {
      await machine.write(path, content);
      await chmod(join(machine.root, path), Number.parseInt(permissions, 8));
    }
    if (!fetchesScripts)
      for (const { name, body } of scriptsOf(node))
        await machine.write(`/usr/local/lib/llama-rpc-cluster/${name}`, body);
    await machine.write("/dev/console", "");
    for (const name of STAND_INS) await machine.standIn(name, '[ "$1" = poweroff ]');
    return machine;
  }

  async write(path: string, content: string): Promise<void> {
    const file = join(this.root, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }

  /** A program that the machine calls instead of its own; it writes down that it was called. */
  async standIn(name: string, script: string): Promise<void> {
    await this.write(`/stand-ins/${name}`, `#!/bin/sh\necho "${name} $*" >>"${this.root}/called"\n${script}\n`);
    await chmod(join(this.root, "stand-ins", name), 0o755);
  }

  /** Text of a file of the machine; empty where there is none. */
  read(path: string): Promise<string> {
    return readFile(join(this.root, path), "utf8").catch(() => "");
  }

  /** Which stand-ins were called, with their arguments. */
  async called(): Promise<string[]> {
    return (await this.read("/called")).split("\n").filter(Boolean);
  }

  /** What the machine has told its console, in order. */
  async statuses(): Promise<NodeStatus[]> {
    const lines = (await this.read("/dev/console")).split("\n").filter(Boolean);
    return lines.map((line) => {
      const status = parseStatus(line.slice(`llama-rpc-cluster ${this.node.machine}: `.length));
      if (status === null) throw new Error(`The console holds a line that is no status: ${line}`);
      return status;
    });
  }

  /** The same without the time, as text. */
  async told(): Promise<string[]> {
    return (await this.statuses()).map(({ step, state, text }) => `${step} ${state} ${text}`);
  }

  /** Something to undo before the machine's folder goes. */
  beforeRemoval(undo: () => Promise<unknown>): void {
    this.#undo.push(undo);
  }

  /** Starts what a unit starts: `node.sh <container>`, `stop.sh`. */
  start(command: readonly string[], wrapper: readonly string[] = []): Program {
    const [program = "", ...args] = [...wrapper, join(this.root, "usr/local/sbin/llama-rpc-boot"), ...command];
    const child = startProgram(program, args, this.#environment);
    this.#running.add(child);
    return child;
  }

  /** Runs it to its end; more than the limit fails with what it said. */
  async run(command: readonly string[], limitSeconds: number, wrapper: readonly string[] = []): Promise<Outcome> {
    const child = this.start(command, wrapper);
    for (const end = Date.now() + limitSeconds * 1000; child.ended === undefined && Date.now() < end; ) await sleep(50);
    if (child.ended !== undefined) return child.ended;
    child.kill("SIGKILL");
    const console = await this.read("/dev/console");
    throw new Error(`${command.join(" ")} still ran after ${limitSeconds} s; the console:\n${console}`);
  }

  /** Waits for a status; a machine that fails or ends before it, or the limit, fails with all that it told. */
  async reached(child: Program, wanted: (status: NodeStatus) => boolean, limitSeconds: number): Promise<NodeStatus> {
    for (const end = Date.now() + limitSeconds * 1000; ; await sleep(200)) {
      const status = (await this.statuses()).find(wanted);
      if (status !== undefined) return status;
      if (child.ended !== undefined || Date.now() > end) {
        const why = child.ended === undefined ? `within ${limitSeconds} s` : `before it ended: ${child.ended.output}`;
        throw new Error(`The machine did not come there ${why}:\n${await this.read("/dev/console")}`);
      }
    }
  }

  /** Ends what runs, as systemd does, and takes the folder and the machine's containers away. */
  async remove(): Promise<void> {
    for (const child of this.#running) child.kill("SIGTERM");
    await Promise.all([...this.#running].map(({ end }) => end));
    const names = this.node.containers.map(({ name }) => name);
    await execa("docker", ["rm", "--force", ...names], { reject: false });
    for (const undo of this.#undo) await undo();
    // node.sh has closed the metadata service to containers, which this machine needs no longer.
    await execa("iptables", ["--wait", "--delete", ...METADATA_RULE], { reject: false });
    await rm(this.root, { recursive: true, force: true });
  }
}
