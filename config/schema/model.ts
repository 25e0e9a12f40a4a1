import * as z from "zod";
import { hasCredentials, parseModelSource } from "../model-source.ts";
import { absent, listOf, mapping, notes, oneOf, wholeNumber, written } from "./fields.ts";

export const modelSchema = z
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
        "The model: path of a GGUF file, relative to the project's root or absolute, its `https://` address, `hf:owner/repository/file.gguf` or `s3://bucket/file.gguf`; for a split model, the first part. Target aws fetches a model that is not on this machine; with target docker, `hf:`, `https:` and `s3:` are for planning only.",
      ),
    sha256: absent(
      listOf(
        written(
          /^[0-9a-f]{64}$/,
          "a SHA-256 of 64 lower-case hexadecimal digits",
          "Copy it from the model's page; `sha256sum` prints the sum of a file.",
        ),
        "a list of SHA-256 sums, one for each file of the model",
        "Write it like [0f1e…], with the first part's sum first.",
      ),
      "the sums that Hugging Face reports; not checked for other addresses; not allowed for a file on this machine",
    ).describe(
      "SHA-256 of each file of a model that AWS fetches, for target aws: the import fails if a file has another sum.",
    ),
    contextTokens: wholeNumber(256, 16_777_216, "Give the tokens of context that all slots share, like 4096.")
      .default(4096)
      .describe("Tokens of context, shared evenly by the parallel slots (`--ctx-size`)."),
    parallelSlots: wholeNumber(1, 256, "Give the number of requests that are served at the same time, like 1.")
      .default(1)
      .describe("Requests served at the same time, each with its share of the context (`--parallel`)."),
    kvCacheType: oneOf(["f16", "q8_0", "q4_0"], 'Write "f16", or "q8_0" for about half of its memory.')
      .default("f16")
      .describe("Type of the KV cache (`--cache-type-k`, `--cache-type-v`)."),
    batchTokens: absent(
      wholeNumber(1, 65_536, "Give the most tokens that are handed over at once, like 2048."),
      "2048; with `front.embeddings` at least a slot's context",
    ).describe("Prompt tokens handed to the model at once (`--batch-size`)."),
    microBatchTokens: absent(
      wholeNumber(1, 65_536, "Give the tokens that are computed at once, like 512; compute buffers grow with it."),
      "512, or `model.batchTokens` if that is less; with `front.embeddings` at least a slot's context",
    ).describe("Prompt tokens computed at once; the compute buffers grow with it (`--ubatch-size`)."),
    flashAttention: oneOf(["auto", "on", "off"], 'Write "auto" unless you must force it one way.')
      .default("auto")
      .describe("Flash attention (`--flash-attn`); a quantized KV cache needs it."),
    alias: absent(
      written(
        /^[A-Za-z0-9._:/-]{1,128}$/,
        "a name of letters, digits and . _ : / -",
        'Write it like "smollm2"; clients see it as the name of the model.',
      ),
      "the file's name without .gguf",
    ).describe("Name of the model in the API (`--alias`)."),
  })
  .register(notes, mapping("Write at least `source: <path of a .gguf file>` below it."));
