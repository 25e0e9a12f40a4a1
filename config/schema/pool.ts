import * as z from "zod";
import { MAX_BACKENDS } from "../bounds.ts";
import {
  absent,
  flavour,
  gpus,
  listOf,
  machine,
  mapping,
  memory,
  notes,
  oneOf,
  threads,
  wholeNumber,
  written,
} from "./fields.ts";

const market = () =>
  oneOf(
    ["on-demand", "spot", "capacity-block"],
    'Write "spot" for machines that cost less and that EC2 may stop at any time.',
  );

/** A capacity block is a capacity reservation that was paid in advance, so one key names both. */
const reservation = () =>
  written(
    /^cr-[0-9a-f]{8,17}$/,
    "the id of a capacity reservation",
    'Write it like "cr-0123456789abcdef0"; `aws ec2 describe-capacity-reservations` lists yours.',
  );

export const poolSchema = z
  .strictObject({
    name: written(
      /^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$/,
      "a name of at most 30 lower-case letters, digits and hyphens that begins with a letter",
      'Write it like "cpu" or "gpu-a10"; containers are named after it.',
    ).describe("Name of the pool; its backends are called `<name>-0`, `<name>-1`, …"),
    machine: machine().describe(
      "EC2 type of the pool's machines. A machine with several GPUs runs a backend for each.",
    ),
    market: absent(market(), "on-demand; not allowed with target docker").describe(
      "How the pool's machines are bought, with target aws.",
    ),
    reservation: absent(reservation(), "any free capacity; required with market capacity-block").describe(
      "Capacity reservation, or capacity block, that the pool's machines run in.",
    ),
    flavour: absent(flavour(), "cpu; with target aws cuda if the machine has a GPU").describe(
      "Image that the pool's backends run.",
    ),
    count: wholeNumber(
      1,
      MAX_BACKENDS,
      `Give the number of backends in this pool, at most ${MAX_BACKENDS} in all pools, or remove the pool.`,
    )
      .default(1)
      .describe("Number of equal backends in this pool; with target aws, of machines."),
    memory: absent(memory(), "required; with target aws the machine's, and not allowed").describe(
      "Memory that each backend lends to the model, its program included: container limit on `cpu`, GPU memory on `cuda`.",
    ),
    threads: absent(threads(), "2; with target aws the machine's cores, and not allowed").describe(
      "CPU threads of each `ggml-rpc-server` (`--threads`).",
    ),
    layers: absent(
      listOf(
        wholeNumber(1, 1024, "Give the number of layers of that backend."),
        "a list of whole numbers, one for each backend of the pool",
        "Write it like [12, 12], or leave it out of every pool so that the planner splits the layers.",
      ),
      "as the planner splits them",
    ).describe(
      "Your own split: repeating layers of each backend of the pool, for all pools or for none. Layers that are left stay on the front.",
    ),
    gpus: absent(gpus(), "all on flavour cuda, none on cpu").describe(
      "GPUs handed to each backend, of which the first is used; for flavour cuda only.",
    ),
  })
  .register(notes, mapping('Write each pool like `- { name: cpu, count: 2, memory: "1 GiB" }`.'));
