/**
 * The stack file's schema, one file for each section. Every field says what it is for (`describe`) and, for the error
 * messages and the reference, which values it takes and what to do about a wrong one (`notes`). `docs/configuration.md` is
 * generated from here.
 */

import * as z from "zod";
import { accessSchema } from "./access.ts";
import { awsSchema } from "./aws.ts";
import { absent, listOf, oneOf } from "./fields.ts";
import { frontSchema } from "./front.ts";
import { imagesSchema } from "./images.ts";
import { limitsSchema } from "./limits.ts";
import { modelSchema } from "./model.ts";
import { poolSchema } from "./pool.ts";

export { PINNED_LLAMACPP_VERSION } from "./images.ts";

/** The whole of a stack's configuration, one property for each key of the project. */
export const clusterSchema = z.strictObject({
  target: oneOf(["docker", "aws"], "Write docker for this machine, or leave the key out.")
    .default("docker")
    .describe("Where the cluster runs: `docker` is this machine's Docker engine, `aws` machines on EC2."),
  aws: absent(awsSchema, "required with target aws, not allowed with target docker").describe(
    "Account and region of target aws.",
  ),
  model: modelSchema.describe("The model to serve and how."),
  front: frontSchema.prefault({}).describe("The container that runs `llama-server`."),
  backends: listOf(
    poolSchema,
    "a list of at least one pool",
    'Write at least `- { name: cpu, count: 2, memory: "1 GiB" }` below it.',
  ).describe("Pools of backends, in the order in which they get layers."),
  access: accessSchema.prefault({}).describe("Networks and who may reach them."),
  images: imagesSchema.prefault({}).describe("What the containers run."),
  limits: limitsSchema.prefault({}).describe("What the cluster may cost."),
});

/** A stack's configuration after validation, with every default filled in. */
export type ClusterConfig = z.output<typeof clusterSchema>;
/** One pool of backends. */
export type PoolConfig = ClusterConfig["backends"][number];
