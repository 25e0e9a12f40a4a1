import * as z from "zod";
import {
  absent,
  flavour,
  gpus,
  machine,
  mapping,
  memory,
  notes,
  text,
  threads,
  trueOrFalse,
  wholeNumber,
} from "./fields.ts";

export const frontSchema = z
  .strictObject({
    flavour: flavour().default("cpu").describe("Image that the front runs."),
    hostPort: absent(
      wholeNumber(1, 65_535, "Give a free port of this machine, like 8080.", "port number"),
      "8080; not allowed with target aws",
    ).describe("Port on this machine's loopback address at which the front answers."),
    machine: machine().describe("EC2 type of the front's machine; the front has its memory and its cores."),
    diskMebibytesPerSecond: absent(
      wholeNumber(125, 2000, "Give the throughput of a gp3 volume in MiB/s, like 500, or leave it to the planner."),
      "enough to load the model in good time, with target aws",
    ).describe("Throughput of the volume that the front reads the model from, for target aws."),
    memory: absent(memory(), "2 GiB; with target aws the machine's, and not allowed").describe(
      "Memory of the front: a limit for its container, and what the planner may use.",
    ),
    threads: absent(threads(), "2; with target aws the machine's cores, and not allowed").describe(
      "CPU threads of `llama-server` (`--threads`).",
    ),
    gpus: absent(gpus(), "all on flavour cuda, none on cpu").describe(
      "GPUs handed to the front; for flavour cuda only.",
    ),
    wait: trueOrFalse()
      .default(true)
      .describe(
        "Whether `pulumi up` with target aws follows the start until the front has answered; docker always waits.",
      ),
    embeddings: trueOrFalse()
      .default(false)
      .describe(
        "Serve `/v1/embeddings` too, with mean pooling (`--embeddings --pooling mean`). llama.cpp then computes each input at once: the compute buffers hold a slot's whole context.",
      ),
    arguments: z
      .array(text('Put numbers in quotation marks, like "0.7".'))
      .default([])
      .register(notes, {
        rule: "a list of texts",
        remedy: 'Write one entry for each word of the command line: ["--temp", "0.7"].',
      })
      .describe("More arguments of `llama-server`, passed on unchanged."),
  })
  .register(notes, mapping("Write the front's settings below it, like `hostPort: 8080`, or leave the key out."));
