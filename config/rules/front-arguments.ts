import { broken, type Rule } from "./rule.ts";

/**
 * Arguments of `llama-server` that a user may not hand over in `front.arguments`, because the plan decides them or
 * because they break a cluster. In llama.cpp an
 * argument overrides the environment, so it would silently replace what the plan decided.
 */

const DECIDED_ELSEWHERE: readonly (readonly [flags: string, remedy: string])[] = [
  ["-m --model", "Set model.source instead."],
  ["-mu --model-url -hf --hf-repo -hff --hf-file -dr --docker-repo", "Download the file and set model.source instead."],
  ["-a --alias", "Set model.alias instead."],
  ["-c --ctx-size", "Set model.contextTokens instead."],
  [
    "--kv-unified-per-slot -kvu --kv-unified -no-kvu --no-kv-unified",
    "Set model.contextTokens and model.parallelSlots instead.",
  ],
  ["-np --parallel", "Set model.parallelSlots instead."],
  ["-b --batch-size", "Set model.batchTokens instead."],
  ["-ub --ubatch-size", "Set model.microBatchTokens instead."],
  ["-fa --flash-attn", "Set model.flashAttention instead."],
  ["-ctk --cache-type-k -ctv --cache-type-v", "Set model.kvCacheType instead."],
  ["-t --threads", "Set front.threads instead."],
  ["--embedding --embeddings --pooling --rerank --reranking", "Set front.embeddings instead."],
  ["--host", "Remove it: the front is published on this machine's loopback address alone."],
  ["--port", "Set front.hostPort instead."],
  [
    "--api-prefix",
    "Remove it: the output endpoint and the checks expect the API at the root; add a path in a proxy in front.",
  ],
  [
    "--ssl-key-file --ssl-cert-file",
    "Remove it: the front is published on the loopback address alone; put TLS in a proxy in front.",
  ],
  ["--rpc", "Set backends instead."],
  [
    "-ts --tensor-split -ngl --gpu-layers --n-gpu-layers -fit --fit -fitt --fit-target -fitc --fit-ctx -fitp --fit-print",
    "Set backends[].memory instead: the split follows from it.",
  ],
  [
    "-sm --split-mode -mg --main-gpu -dev --device -ot --override-tensor -cmoe --cpu-moe -ncmoe --n-cpu-moe -ncffn --n-cpu-ffn",
    "Set backends[].memory instead: the planner places the layers.",
  ],
  [
    "-kvo --kv-offload -nkvo --no-kv-offload --swa-full -cram --cache-ram",
    "Remove it: the planned memory would be wrong.",
  ],
  ["--api-key --api-key-file", "Remove it: the stack makes a key; see the output apiKey."],
  ["--metrics", "Remove it: metrics are always on."],
  [
    "-lv --verbosity --log-verbosity -v --verbose --log-verbose --log-disable --log-file",
    "Remove it: the start-up check reads the log.",
  ],
  [
    "--models-dir --models-preset --models-max --models-autoload --no-models-autoload",
    "Remove it: llama.cpp's router does not work with RPC backends; make one stack for each model.",
  ],
  ["--tools --agent", "Remove it: it lets everybody who has the API key run programs in the front."],
  ["-h --help --usage --version --list-devices --completion-bash", "Remove it: the server would print and exit."],
];

const REMEDIES: ReadonlyMap<string, string> = new Map(
  DECIDED_ELSEWHERE.flatMap(([flags, remedy]) => flags.split(" ").map((flag) => [flag, remedy] as const)),
);

/** What to do instead of handing over this argument, or null if it may be handed over. */
export function remedyForArgument(argument: string): string | null {
  return REMEDIES.get(flagOf(argument)) ?? null;
}

/** What follows the equals sign may be a secret. */
function flagOf(argument: string): string {
  const [flag = ""] = argument.split("=", 1);
  return flag;
}

export const argumentsAreFree: Rule = ({ front }) =>
  front.arguments.flatMap((argument, index) => {
    const remedy = remedyForArgument(argument);
    if (remedy === null) return [];
    const rule = "must not be an argument that the plan decides";
    return broken(`front.arguments[${index}]`, flagOf(argument), rule, remedy);
  });
