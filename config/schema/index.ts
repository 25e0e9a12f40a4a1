/**
 * The stack file's schema. Every field says what it is for (`describe`) and, for the error messages and the reference,
 * which values it takes and what to do about a wrong one (`notes`). `docs/configuration.md` is generated from here.
 */

import * as z from "zod";
import { MAX_BACKENDS } from "../bounds.ts";
import { hasCredentials, parseModelSource } from "../model-source.ts";
import { accessSchema, awsSchema, limitsSchema, machine, market, reservation } from "./aws.ts";
import { flavour, gpus, imageReference, mapping, memory, noteOf, notes, oneOf, text, threads } from "./fields.ts";

/** llama.cpp commit that every role and flavour is built from unless the stack file says otherwise. */
export const PINNED_LLAMACPP_VERSION = "0c1e57098";

const modelSchema = z
  .strictObject({
    source: z
      .string()
      .refine((source) => !hasCredentials(source), {
        abort: true,
        params: {
          rule: "an address without a name and password in it",
          remedy: "Remove them, or download the file and give its path.",
        },
      })
      .refine((source) => parseModelSource(source) !== null)
      .register(notes, {
        rule: "the path of a .gguf file, its https:// address, hf:owner/repository/file.gguf or s3://bucket/file.gguf",
        remedy: 'Write it like ".models/model.gguf", relative to the project\'s root or absolute.',
      })
      .describe(
        "The model: path of a GGUF file, relative to the project's root or absolute; of a split model, its first part. To plan only, also the file's `https://` address, `hf:owner/repository/file.gguf` or `s3://bucket/file.gguf`.",
      ),
    sha256: z
      .array(
        z
          .string()
          .regex(/^[0-9a-f]{64}$/)
          .register(notes, {
            rule: "a SHA-256 of 64 small hexadecimal digits",
            remedy: "Copy it from where the model is from; `sha256sum` prints that of a file.",
          }),
      )
      .min(1)
      .optional()
      .register(notes, {
        rule: "a list of SHA-256 sums, one for each file of the model",
        remedy: "Write it like [0f1e…], the first part's first.",
        whenAbsent: "as Hugging Face says; not checked for other addresses; not allowed for a file on this machine",
      })
      .describe(
        "SHA-256 of each file of a model that AWS fetches, for target aws: the import fails if another file comes.",
      ),
    contextTokens: z
      .int()
      .min(256)
      .max(16_777_216)
      .default(4096)
      .register(notes, {
        rule: "a whole number from 256 to 16777216",
        remedy: "Give the tokens of context that all slots share, like 4096.",
      })
      .describe("Tokens of context, shared evenly by the parallel slots (`--ctx-size`)."),
    parallelSlots: z
      .int()
      .min(1)
      .max(256)
      .default(1)
      .register(notes, {
        rule: "a whole number from 1 to 256",
        remedy: "Give the number of requests that are served at the same time, like 1.",
      })
      .describe("Requests served at the same time, each with its share of the context (`--parallel`)."),
    kvCacheType: oneOf(["f16", "q8_0", "q4_0"], 'Write "f16", or "q8_0" for about half of its memory.')
      .default("f16")
      .describe("Type of the KV cache (`--cache-type-k`, `--cache-type-v`)."),
    batchTokens: z
      .int()
      .min(1)
      .max(65_536)
      .default(2048)
      .register(notes, {
        rule: "a whole number from 1 to 65536",
        remedy: "Give the most tokens that are handed over at once, like 2048.",
      })
      .describe("Prompt tokens handed to the model at once (`--batch-size`)."),
    microBatchTokens: z
      .int()
      .min(1)
      .max(65_536)
      .default(512)
      .register(notes, {
        rule: "a whole number from 1 to 65536",
        remedy: "Give the tokens that are computed at once, like 512; compute buffers grow with it.",
      })
      .describe("Prompt tokens computed at once; the compute buffers grow with it (`--ubatch-size`)."),
    flashAttention: oneOf(["auto", "on", "off"], 'Write "auto" unless you must force it one way.')
      .default("auto")
      .describe("Flash attention (`--flash-attn`); a quantized KV cache needs it."),
    alias: z
      .string()
      .regex(/^[A-Za-z0-9._:/-]{1,128}$/)
      .optional()
      .register(notes, {
        rule: "a name of letters, digits and . _ : / -",
        remedy: 'Write it like "smollm2"; clients see it as the name of the model.',
        whenAbsent: "the file's name without .gguf",
      })
      .describe("Name of the model in the API (`--alias`)."),
  })
  .register(notes, mapping("Write at least `source: <path of a .gguf file>` below it."));

const frontSchema = z
  .strictObject({
    flavour: flavour().default("cpu").describe("Image that the front runs."),
    hostPort: z
      .int()
      .min(1)
      .max(65_535)
      .default(8080)
      .register(notes, {
        rule: "a port number from 1 to 65535",
        remedy: "Give a free port of this machine, like 8080.",
      })
      .describe("Port on this machine's loopback address at which the front answers."),
    machine: machine()
      .optional()
      .describe("EC2 type of the front's machine; its memory and its cores are the front's."),
    diskMebibytesPerSecond: z
      .int()
      .min(125)
      .max(2000)
      .optional()
      .register(notes, {
        rule: "a whole number from 125 to 2000",
        remedy: "Give the throughput of a gp3 volume in MiB/s, like 500, or leave it to the planner.",
        whenAbsent: "what loads the model in good time, with target aws",
      })
      .describe("Throughput of the volume that the front reads the model from, for target aws."),
    memory: memory()
      .optional()
      .register(notes, { ...noteOf(memory()), whenAbsent: "2 GiB; with target aws the machine's, and not allowed" })
      .describe("Memory of the front: a limit for its container, and what the planner may use."),
    threads: threads()
      .optional()
      .register(notes, { ...noteOf(threads()), whenAbsent: "2; with target aws the machine's cores, and not allowed" })
      .describe("CPU threads of `llama-server` (`--threads`)."),
    gpus: gpus()
      .optional()
      .register(notes, { ...noteOf(gpus()), whenAbsent: "all on flavour cuda, none on cpu" })
      .describe("GPUs handed to the front; for flavour cuda only."),
    wait: z
      .boolean()
      .default(true)
      .register(notes, { rule: "true or false", remedy: "Write true or false without quotation marks." })
      .describe(
        "Whether `pulumi up` with target aws follows the start until the front has answered; docker always waits.",
      ),
    embeddings: z
      .boolean()
      .default(false)
      .register(notes, { rule: "true or false", remedy: "Write true or false without quotation marks." })
      .describe("Serve `/v1/embeddings` too, with mean pooling (`--embeddings --pooling mean`)."),
    arguments: z
      .array(text('Put numbers in quotation marks, like "0.7".'))
      .default([])
      .register(notes, {
        rule: "a list of texts",
        remedy: 'Write one entry for each word of the command line: ["--temp", "0.7"].',
      })
      .describe("More arguments of `llama-server`, passed on as they are."),
  })
  .register(notes, mapping("Write the front's settings below it, like `hostPort: 8080`, or leave the key out."));

const poolSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$/)
      .register(notes, {
        rule: "a name of at most 30 small letters, digits and hyphens that begins with a letter",
        remedy: 'Write it like "cpu" or "gpu-a10"; containers are named after it.',
      })
      .describe("Name of the pool; its backends are called `<name>-0`, `<name>-1`, …"),
    machine: machine()
      .optional()
      .describe("EC2 type of the pool's machines. One with several GPUs runs a backend for each."),
    market: market()
      .optional()
      .register(notes, { ...noteOf(market()), whenAbsent: "on-demand; not allowed with target docker" })
      .describe("How the pool's machines are bought, with target aws."),
    reservation: reservation()
      .optional()
      .describe("Capacity reservation, or capacity block, that the pool's machines run in."),
    flavour: flavour()
      .optional()
      .register(notes, { ...noteOf(flavour()), whenAbsent: "cpu; with target aws cuda where the machine has a GPU" })
      .describe("Image that the pool's backends run."),
    count: z
      .int()
      .min(1)
      .max(MAX_BACKENDS)
      .default(1)
      .register(notes, {
        rule: `a whole number from 1 to ${MAX_BACKENDS}`,
        remedy: `Give the number of backends in this pool, at most ${MAX_BACKENDS} in all pools, or remove the pool.`,
      })
      .describe("Number of equal backends in this pool; with target aws, of machines."),
    memory: memory()
      .optional()
      .register(notes, { ...noteOf(memory()), whenAbsent: "required; with target aws the machine's, and not allowed" })
      .describe(
        "Memory that each backend lends to the model, its program included: container limit on `cpu`, GPU memory on `cuda`.",
      ),
    threads: threads()
      .optional()
      .register(notes, { ...noteOf(threads()), whenAbsent: "2; with target aws the machine's cores, and not allowed" })
      .describe("CPU threads of each `ggml-rpc-server` (`--threads`)."),
    layers: z
      .array(
        z.int().min(1).max(1024).register(notes, {
          rule: "a whole number from 1 to 1024",
          remedy: "Give the number of layers of that backend.",
        }),
      )
      .min(1)
      .optional()
      .register(notes, {
        rule: "a list of whole numbers, one for each backend of the pool",
        remedy: "Write it like [12, 12], or leave it out of every pool so that the planner splits the layers.",
        whenAbsent: "as the planner splits them",
      })
      .describe(
        "Your own split: repeating layers of each backend of the pool, for all pools or for none. Layers that are left stay on the front.",
      ),
    gpus: gpus()
      .optional()
      .register(notes, { ...noteOf(gpus()), whenAbsent: "all on flavour cuda, none on cpu" })
      .describe("GPUs handed to each backend, of which the first is used; for flavour cuda only."),
  })
  .register(notes, mapping('Write each pool like `- { name: cpu, count: 2, memory: "1 GiB" }`.'));

const flavourImagesSchema = () =>
  z
    .strictObject({
      backend: imageReference().optional().describe("Existing image with the program of a backend."),
      server: imageReference().optional().describe("Existing image with all programs."),
    })
    .register(notes, mapping("Write `backend:` and `server:` with an image's name each below it."));

const imagesSchema = z
  .strictObject({
    version: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/)
      .default(PINNED_LLAMACPP_VERSION)
      .register(notes, {
        rule: "a tag, branch or commit of llama.cpp, as a text",
        remedy: 'Write it like "b9876" or "0c1e57098"; put a commit of digits alone in quotation marks.',
      })
      .describe("llama.cpp version that the images are built from: tag, branch or commit."),
    repository: z
      .string()
      .regex(/^(https|ssh|file):\/\/\S+$/)
      .default("https://github.com/ggml-org/llama.cpp")
      .register(notes, {
        rule: "the address of a git repository",
        remedy: 'Write it like "https://github.com/ggml-org/llama.cpp".',
      })
      .describe("Git repository that llama.cpp is taken from."),
    cpu: flavourImagesSchema().optional().describe("Existing images of flavour cpu; nothing is built for it then."),
    cuda: flavourImagesSchema().optional().describe("Existing images of flavour cuda; nothing is built for it then."),
  })
  .register(notes, mapping("Write `version:` or existing images below it, or leave the key out."));

/** The whole of a stack's configuration, one property for each key of the project. */
export const clusterSchema = z.strictObject({
  target: oneOf(["docker", "aws"], "Write docker for this machine, or leave the key out.")
    .default("docker")
    .describe("Where the cluster runs: `docker` is this machine's Docker engine, `aws` machines on EC2."),
  aws: awsSchema
    .optional()
    .register(notes, { ...noteOf(awsSchema), whenAbsent: "required with target aws, not allowed with target docker" })
    .describe("Account and region of target aws."),
  model: modelSchema.describe("The model to serve and how."),
  front: frontSchema.prefault({}).describe("The container that runs `llama-server`."),
  backends: z
    .array(poolSchema)
    .min(1)
    .register(notes, {
      rule: "a list of at least one pool",
      remedy: 'Write at least `- { name: cpu, count: 2, memory: "1 GiB" }` below it.',
    })
    .describe("Pools of backends, in the order in which they get layers."),
  access: accessSchema.prefault({}).describe("Networks and who may reach them."),
  images: imagesSchema.prefault({}).describe("What the containers run."),
  limits: limitsSchema.prefault({}).describe("What the cluster may cost."),
});

/** A stack's configuration after validation, with every default filled in. */
export type ClusterConfig = z.output<typeof clusterSchema>;
/** One pool of backends. */
export type PoolConfig = ClusterConfig["backends"][number];
