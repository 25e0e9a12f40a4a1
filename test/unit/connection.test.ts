import { describe, expect, test } from "vitest";
import type { Outputs } from "../../cli/live/cluster.ts";
import { connectionOf } from "../../cli/live/connection.ts";
import { planIn } from "../../cli/live/plan-output.ts";
import { formatSummary } from "../../report/summary.ts";
import { awsPlan, MIXED, PUBLISHED_CLUSTER } from "../support/aws-plans.ts";

const SHORT = "npm run connect -- -s aws-dev";
const LONG = "aws ssm start-session --target i-0f";

function outputsWith(connect: string, access: Record<string, unknown> = {}): Outputs {
  const plan = awsPlan({ ...PUBLISHED_CLUSTER, access });
  return { endpoint: "http://127.0.0.1:8080", apiKey: "key", connect, plan };
}

const stateWith = (outputs: Record<string, unknown>) => ({
  deployment: {
    resources: [
      { type: "pulumi:pulumi:Stack", outputs: { connectCommand: "another's" } },
      { type: "llama-rpc-cluster:aws:AwsCluster", outputs },
    ],
  },
});

describe("the way to an endpoint", () => {
  test("is open already if the stack has no command for it", () => {
    expect(connectionOf(outputsWith(""), {})).toEqual({ kind: "reachable" });
  });

  test("is the long command in the state, which the output is too short for", () => {
    const found = connectionOf(outputsWith(SHORT), stateWith({ connectCommand: LONG }));
    expect(found).toEqual({ kind: "session", command: LONG });
  });

  test("is the output itself for a cluster that has the long command there", () => {
    expect(connectionOf(outputsWith(LONG), stateWith({ connect: LONG }))).toEqual({ kind: "session", command: LONG });
  });

  test("is another account's to open if it is a PrivateLink service", () => {
    const access = {
      mode: "private",
      allowedCidrs: ["10.0.0.0/8"],
      privateLinkPrincipals: ["arn:aws:iam::123456789012:root"],
    };
    const command = "aws ec2 create-vpc-endpoint --vpc-id <yours>";
    const found = connectionOf(outputsWith(SHORT, access), stateWith({ connectCommand: command }));
    expect(found).toEqual({ kind: "elsewhere", command });
  });
});

describe("the output `plan`", () => {
  const plan = awsPlan(PUBLISHED_CLUSTER);

  test("is read from the asset that holds it, without loss", () => {
    expect(planIn({ text: JSON.stringify(plan), hash: "d1" })).toEqual(plan);
  });

  test("is read from an older state, which holds the plan itself", () => {
    expect(planIn(plan)).toBe(plan);
  });
});

test("a plan's summary is one line with the model, the shape, the price and where the rest is", () => {
  const summary = formatSummary(awsPlan(MIXED), "aws-dev");
  expect(summary).toMatch(
    /^\S.* on a front and 9 backends, target aws, \d+\.\d\d–\d+\.\d\d US dollars per hour\. .*npm run plan -- -s aws-dev$/,
  );
  const alone = formatSummary({ ...awsPlan(PUBLISHED_CLUSTER), backends: [], cost: null }, "local");
  expect(alone).toContain(" on a front alone, target aws, no cost per hour.");
});
