import { describe, expect, test } from "vitest";
import { violationsOf } from "../../policies/check.ts";
import { randomClusters } from "../support/random-clusters.ts";
import { graphOfSections } from "../support/resource-graph.ts";
import { scratchModel } from "../support/scratch-model.ts";

/** Others than those that the AWS provider is asked about: LLAMA_RPC_SEED=7 npx vitest run --project policies test/policies/random.test.ts */
const SEED = Number(process.env["LLAMA_RPC_SEED"] ?? 1000);
const { model, scratch } = scratchModel();

describe("whatever a stack file may say of a cluster on EC2", () => {
  test.each(randomClusters(30, SEED).map((cluster, index) => ({ ...cluster, number: SEED + index })))(
    "no rule is broken by the cluster of seed $number",
    async ({ stack, sections }) => {
      const violations = violationsOf(await graphOfSections(stack, { ...sections, model }, scratch));
      const found = violations.map(({ rule, message }) => `${rule}: ${message}`);
      expect(found, `its stack file says ${JSON.stringify(sections)}`).toEqual([]);
    },
  );
});
