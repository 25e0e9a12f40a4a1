import type { ContainerBoot, NodeBoot } from "../../../components/aws/boot/node-boot.ts";

/** What a test says about a machine beyond the usual. */
export type Deviation = Partial<NodeBoot>;

/** A backend's machine with one container. */
export function backendNode(container: Partial<ContainerBoot> = {}, deviation: Deviation = {}): NodeBoot {
  const name = container.name ?? "cpu-0";
  return {
    stack: "test",
    machine: "cpu-machine-1",
    region: "us-east-1",
    statusParameter: "/llama-rpc-cluster/test/status/cpu-machine-1",
    bucket: "llama-rpc-cluster-test",
    containers: [
      {
        name,
        role: "backend",
        image: `123456789012.dkr.ecr.us-east-1.amazonaws.com/llama-rpc-cluster/test/cpu@sha256:${"0".repeat(64)}`,
        environment: { APP_MODE: "backend", APP_BIND: "10.0.0.20", APP_PORT: "50052", APP_MEM: "2048", APP_CACHE: "1" },
        arguments: [],
        gpus: null,
        memoryBytes: 2 ** 31,
        ...container,
      },
    ],
    front: null,
    stopAfterIdleMinutes: null,
    stopAfterHours: null,
    instanceStore: false,
    ...deviation,
  };
}

/** The front's machine. */
export function frontNode(container: Partial<ContainerBoot> = {}, deviation: Deviation = {}): NodeBoot {
  return backendNode(
    {
      name: "front",
      role: "server",
      environment: {
        APP_MODE: "server",
        APP_BIND: "0.0.0.0",
        APP_PORT: "8080",
        APP_MODEL: "/models/small.gguf",
        APP_RPC_BACKENDS: "10.0.0.20:50052",
        LLAMA_ARG_API_KEY_FILE: "/run/secrets/api-key",
      },
      ...container,
    },
    {
      machine: "front",
      statusParameter: "/llama-rpc-cluster/test/status/front",
      front: {
        keyParameter: "/llama-rpc-cluster/test/api-key",
        model: { bucket: "llama-rpc-cluster-test", keys: ["models/small.gguf"], bytes: 98_362_432 },
        startupSeconds: 300,
      },
      ...deviation,
    },
  );
}

/** A machine with eight GPUs that stops itself: the longest user data. */
export function eightGpus(): NodeBoot {
  const image = `123456789012.dkr.ecr.eu-central-1.amazonaws.com/llama-rpc-cluster/a-longer-name/cuda@sha256:${"a".repeat(64)}`;
  const containers = Array.from({ length: 8 }, (_, gpu): ContainerBoot => {
    const environment = {
      ...{ APP_MODE: "backend", APP_BIND: "10.0.0.20", APP_PORT: String(50_052 + gpu), APP_MEM: "81920" },
      ...{ APP_CACHE: "1", APP_THREADS: "24", APP_DEVICE: "CUDA0" },
    };
    return {
      name: `gpu-${gpu}`,
      role: "backend",
      image,
      environment,
      arguments: [],
      gpus: String(gpu),
      memoryBytes: 2 ** 36,
    };
  });
  return backendNode({}, { containers, stopAfterIdleMinutes: 60, stopAfterHours: 8, instanceStore: true });
}
