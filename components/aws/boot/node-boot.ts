/** The boot configuration of a machine of target aws, in plain strings, so that user data is rendered without Pulumi. */

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

/** What the front's machine needs in addition. */
export interface FrontBoot {
  /**
   * Name of the SSM SecureString with the API key. The machine reads it itself into a file on tmpfs, mounted at
   * `/run/secrets`.
   */
  keyParameter: string;
  /** The model in the bucket, each file as `models/<fileName>`; the machine copies it to `/models`. `bytes` is the sum. */
  model: { bucket: string; keys: readonly string[]; bytes: number };
  /** Longest wait for the backends and the load, in seconds since the container's start. */
  startupSeconds: number;
}

/** The boot configuration of one machine. */
export interface NodeBoot {
  /** Cluster's stack, for messages. */
  stack: string;
  /** Machine's name, for messages. */
  machine: string;
  region: string;
  /** SSM parameter (String) for the machine's status: `/llama-rpc-cluster/<stack>/status/<machine>`. */
  statusParameter: string;
  /**
   * Bucket that holds `bootScripts`, each under its key, before the machine starts. The role of every machine, also a
   * backend's, must allow `s3:GetObject` on its `boot/*`.
   */
  bucket: string;
  containers: readonly ContainerBoot[];
  /** Only for the front's machine. */
  front: FrontBoot | null;
  /**
   * Stop the machine after this many minutes without a request (front) or without a client (backend, which waits at least
   * two hours for its first client); null: never.
   */
  stopAfterIdleMinutes: number | null;
  /** Stop the machine this many hours after each start; null: never. */
  stopAfterHours: number | null;
  /** Use the machine's NVMe instance store for model and cache; its content is lost at each stop. */
  instanceStore: boolean;
}
