/** What a machine of target aws is told when it boots; plain strings, so that user data can be rendered without Pulumi. */

/** One container of a machine. */
export interface ContainerBoot {
  /** Backend's name (`gpu-0`) or `front`: the systemd instance and the container's name. */
  name: string;
  role: "backend" | "server";
  /** Reference by digest: `<registry>/<repository>@sha256:…`. */
  image: string;
  /** The plan's environment; holds no secret. */
  environment: Readonly<Record<string, string>>;
  /** The plan's container arguments. */
  arguments: readonly string[];
  /** GPU numbers (`0`, `0,1`) or `all`; null on a CPU. */
  gpus: string | null;
  /** cgroup limit. */
  memoryBytes: number;
}

/** What the front's machine needs beyond its container. */
export interface FrontBoot {
  /**
   * Name of the SSM SecureString with the API key. The machine reads it itself, into a file on tmpfs that is mounted at
   * `/run/secrets`.
   */
  keyParameter: string;
  /** The model in the bucket, each file as `models/<fileName>`; it comes to `/models`. `bytes` is the sum of all parts. */
  model: { bucket: string; keys: readonly string[]; bytes: number };
  /** Longest wait for the backends and the load, in seconds from the container's start. */
  startupSeconds: number;
}

/** One machine. */
export interface NodeBoot {
  /** Cluster's stack, for messages. */
  stack: string;
  /** Machine's name, for messages. */
  machine: string;
  region: string;
  /** SSM parameter (String) that the machine writes its status into: `/llama-rpc-cluster/<stack>/status/<machine>`. */
  statusParameter: string;
  /**
   * Bucket that holds `bootScripts`, each under its key, before the machine starts. The machine's role has to allow
   * `s3:GetObject` on `boot/*` there, a backend's role too.
   */
  bucket: string;
  containers: readonly ContainerBoot[];
  /** The front's machine only. */
  front: FrontBoot | null;
  /**
   * Stop the machine after so many minutes without a request (front) or without a client (backend, which before its first
   * client waits for at least two hours); null: never.
   */
  stopAfterIdleMinutes: number | null;
  /** Stop the machine so many hours after each start; null: never. */
  stopAfterHours: number | null;
  /** Use the machine's NVMe instance store for model and cache; the disk's content is lost at each stop. */
  instanceStore: boolean;
}
