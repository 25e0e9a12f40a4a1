/**
 * The flags and variables of `llama-server` and `ggml-rpc-server`. Only this file knows them.
 * Names at the pinned commit: `common/arg.cpp` (`set_env`), `tools/rpc/rpc-server.cpp`; `APP_*` is the entry point's
 * contract in `images/`.
 */

import { MIB } from "../../config/units.ts";
import type { Backend, Cluster } from "../hosts/cluster.ts";

/** Port of `ggml-rpc-server` in its container. Further GPUs of a machine use the next ports. */
export const RPC_PORT = 50_052;
/** Port of `llama-server` in its container. */
export const FRONT_PORT = 8080;
/** File in the front with the API key. The key is never in the environment or on the command line. */
export const API_KEY_FILE = "/run/secrets/api-key";
/** Directory in the front with the model. */
export const MODEL_DIRECTORY = "/models";

/** Environment and arguments of a container. */
export interface ContainerFlags {
  environment: Record<string, string>;
  arguments: string[];
}

/** What the planner decides for the front in addition to its configuration. */
export interface FrontDecision {
  modelFileName: string;
  /** `address:port` of each backend, in the order of the devices. */
  rpcBackends: readonly string[];
  /** Entries of `--tensor-split`, one for each device. */
  tensorSplit: readonly number[];
  /** Number of layers on the devices, including the output layer. */
  offloadedLayers: number;
  startupSeconds: number;
}

/** The environment and arguments of `llama-server`. */
export function frontFlags(cluster: Cluster, decision: FrontDecision): ContainerFlags {
  const { model, front } = cluster;
  const { contextTokens, batchTokens, microBatchTokens } = cluster.batches;
  // On EC2 the container shares the machine's network, and a session connects to the loopback address.
  const isReachedBySession = cluster.target === "aws" && cluster.access.mode === "ssm";
  return {
    environment: {
      APP_MODE: "server",
      APP_BIND: isReachedBySession ? "127.0.0.1" : "0.0.0.0",
      APP_PORT: String(FRONT_PORT),
      APP_MODEL: `${MODEL_DIRECTORY}/${decision.modelFileName}`,
      APP_RPC_BACKENDS: decision.rpcBackends.join(","),
      APP_GPU_LAYERS: String(decision.offloadedLayers),
      APP_THREADS: String(front.threads),
      APP_WAIT_SECONDS: String(decision.startupSeconds),
      LLAMA_ARG_TENSOR_SPLIT: decision.tensorSplit.join(","),
      LLAMA_ARG_SPLIT_MODE: "layer",
      LLAMA_ARG_CTX_SIZE: String(contextTokens),
      LLAMA_ARG_N_PARALLEL: String(model.parallelSlots),
      LLAMA_ARG_BATCH: String(batchTokens),
      LLAMA_ARG_UBATCH: String(microBatchTokens),
      LLAMA_ARG_FLASH_ATTN: model.flashAttention,
      LLAMA_ARG_CACHE_TYPE_K: model.kvCacheType,
      LLAMA_ARG_CACHE_TYPE_V: model.kvCacheType,
      // The plan makes everything fit, so llama.cpp must not change the settings.
      LLAMA_ARG_FIT: "off",
      // The server aborts when it saves prompts to RAM while the KV cache is on RPC devices.
      LLAMA_ARG_CACHE_RAM: "0",
      LLAMA_ARG_ALIAS: model.alias ?? decision.modelFileName.replace(/\.gguf$/, ""),
      LLAMA_ARG_API_KEY_FILE: API_KEY_FILE,
      LLAMA_ARG_ENDPOINT_METRICS: "1",
      // From 4 on the log shows which device has which buffer, which proves to the entry point that each backend is used.
      LLAMA_ARG_LOG_VERBOSITY: "4",
      ...(front.embeddings ? { LLAMA_ARG_EMBEDDINGS: "1", LLAMA_ARG_POOLING: "mean" } : {}),
    },
    arguments: [...front.arguments],
  };
}

/**
 * The environment and arguments of `ggml-rpc-server`.
 * @param address that of its machine; in a container with a separate network it listens on every address
 */
export function backendFlags({ type, flavour, capacityBytes, threads, gpu }: Backend, address: string): ContainerFlags {
  return {
    environment: {
      APP_MODE: "backend",
      APP_BIND: type === null ? "0.0.0.0" : address,
      APP_PORT: String(RPC_PORT + gpu),
      APP_MEM: String(capacityBytes / MIB),
      APP_THREADS: String(threads),
      APP_CACHE: "1",
      // One process would offer every GPU as a separate device, but the plan counts one device for each backend.
      ...(flavour === "cuda" ? { APP_DEVICE: "CUDA0" } : {}),
    },
    arguments: [],
  };
}
