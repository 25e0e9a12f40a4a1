/** Runs the real programs and reads from the log how big the buffers are that llama.cpp allocates. */

import { randomBytes } from "node:crypto";
import { execa } from "execa";
import { docker } from "../image/containers.ts";
import { images } from "../image/images.ts";

/** MiB of one device's buffers, as the log writes them: two digits. */
export interface DeviceSizes {
  weights: number;
  /** KV cache and recurrent state. */
  cache: number;
  compute: number;
}

/** Sizes of a whole cluster: the devices in order, and the front. */
export interface Sizes {
  devices: DeviceSizes[];
  front: DeviceSizes;
}

const MOST_DEVICES = 4;
const FIRST_PORT = 50_061;
const LONGEST_LIFE = "45m";
const address = (device: number) => `127.0.0.1:${FIRST_PORT + device}`;

/** Starts the server and hands its log over until the buffers are reserved; then there is nothing more to learn. */
const UNTIL_RESERVED = `
cd /app
model="$1"; shift
coproc SERVER { exec ./llama-server -m "$model" --cache-ram 0 --fit off --verbosity 4 --no-warmup --host 127.0.0.1 --port 9931 -t 1 "$@" 2>&1 </dev/null; }
exec 3<&"\${SERVER[0]}"
while IFS= read -r -t 110 -u 3 line; do
  echo "$line"
  case "$line" in *"sched copies"*) break ;; esac
done
kill -9 "$SERVER_PID" 2>/dev/null
true
`;

/** A container without any network but its own loopback, in which four backends run. */
export class Oracle {
  private readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  /** @param folders folders of models; each is seen inside under its own number below `/oracle` */
  static async start(folders: readonly string[]): Promise<Oracle> {
    // Not one of the image tests' containers: these take away all of their own when they end.
    const name = `llama-rpc-cluster-oracle-${randomBytes(4).toString("hex")}`;
    const mounts = folders.flatMap((folder, index) => ["--volume", `${folder}:/oracle/${index}:ro`]);
    const options = [
      "--rm",
      "--detach",
      "--init",
      "--network",
      "none",
      "--entrypoint",
      "sleep",
      "--name",
      name,
      ...mounts,
    ];
    // It ends by itself, also where the test that started it was killed.
    await docker(["run", ...options, images.server, LONGEST_LIFE]);
    const ports = Array.from({ length: MOST_DEVICES }, (_, device) => FIRST_PORT + device).join(" ");
    // A client that is killed while it is being answered would end a backend by SIGPIPE: that signal is ignored here.
    const start = "(setsid ./ggml-rpc-server -H 127.0.0.1 -p $port -t 1 >/dev/null 2>&1 &)";
    await docker([
      "exec",
      name,
      "bash",
      "-c",
      `trap '' PIPE; cd /app; for port in ${ports}; do ${start}; done; sleep 1`,
    ]);
    return new Oracle(name);
  }

  /** Sizes that llama.cpp reports for a model (`<folder's number>/<file>`) over so many devices. */
  async measure(model: string, devices: number, args: readonly string[]): Promise<Sizes> {
    const addresses = Array.from({ length: devices }, (_, device) => address(device));
    const all = [
      ...["exec", this.name, "bash", "-c", UNTIL_RESERVED, "oracle", `/oracle/${model}`],
      "--rpc",
      addresses.join(","),
      ...args,
    ];
    const { all: log } = await execa("docker", all, { reject: false, all: true, timeout: 120_000 });
    return sizesOf(log, devices, `${model} ${args.join(" ")}`);
  }

  async stop(): Promise<void> {
    await docker(["rm", "--force", this.name]);
  }
}

const LINE =
  /(?:load_tensors|llama_kv_cache|llama_memory_recurrent|sched_reserve):\s+(\S+) (model|KV|RS|compute) buffer size = +([\d.]+) MiB/;
const PARTS = { model: "weights", KV: "cache", RS: "cache", compute: "compute" } as const;

/** Adds up the lines of a log by device. */
export function sizesOf(log: string, devices: number, what: string): Sizes {
  const none = (): DeviceSizes => ({ weights: 0, cache: 0, compute: 0 });
  const sizes: Sizes = { devices: Array.from({ length: devices }, none), front: none() };
  const buffers = Array.from({ length: devices }, (_, device) => `RPC0[${address(device)}]`);
  for (const line of log.split("\n")) {
    const match = LINE.exec(line);
    if (match === null) continue;
    const [, buffer = "", part = "", size = ""] = match;
    const device = buffers.indexOf(buffer);
    const place = device >= 0 ? sizes.devices[device] : sizes.front;
    const key = PARTS[part as keyof typeof PARTS];
    if (place !== undefined) place[key] = Math.round((place[key] + Number(size)) * 100) / 100;
  }
  if (!log.includes("sched copies")) {
    throw new Error(
      `llama-server did not get as far as its buffers with ${what}:\n${log.split("\n").slice(-15).join("\n")}`,
    );
  }
  return sizes;
}
