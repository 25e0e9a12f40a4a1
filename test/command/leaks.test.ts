import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { leakOf, parseArn } from "../../cli/leaks/arns.ts";
import { askDockerForLeaks } from "../../cli/leaks/ask-docker.ts";
import { formatLeaks, inRemovalOrder, type Leak } from "../../cli/leaks/leak.ts";
import { isNameOf } from "../../cli/leaks/names.ts";

describe("the arguments of npm run leaks", () => {
  test.each([
    { args: [], told: "--stack is missing: it must say which stack is meant." },
    { args: ["--stack"], told: "--stack is missing: it must have a value." },
    { args: ["-s", "locl"], told: 'stack is "locl": it must be one of' },
    { args: ["-s", "a b"], told: '--stack is "a b": it must be a name of letters, digits and _ . -' },
    { args: ["-s", "local", "--regoin", "x"], told: 'argument is "--regoin": it must be one of --stack, --region.' },
    { args: ["-s", "aws-dev", "--region", "mars-1"], told: '--region is "mars-1": it must be one of us-east-1,' },
    { args: ["local"], told: 'argument is "local": it must follow an option.' },
  ])("$args are answered with what is wrong and exit code 2", async ({ args, told }) => {
    const run = await execa(process.execPath, ["cli/main.ts", "leaks", ...args], { reject: false });
    expect({ exitCode: run.exitCode, stdout: run.stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(run.stderr).toContain(told);
  });

  test("are explained with the permissions that are needed", async () => {
    const { exitCode, stdout } = await execa(process.execPath, ["cli/main.ts", "leaks", "--help"]);
    expect(exitCode).toBe(0);
    for (const word of ["tag:GetResources", "iam:ListRoles", "Exit code 0", "--region"]) expect(stdout).toContain(word);
  });
});

describe("what is left of a stack on this machine", () => {
  const STACK = "leaks-test";
  const label = (stack: string) => `llama-rpc-cluster/stack=${stack}`;

  test("is what the Docker engine has with its label, and nobody else's", async (context) => {
    const engine = await execa("docker", ["version", "--format", "{{.Server.Version}}"], { reject: false });
    if (engine.failed) context.skip("no Docker engine answers on this machine");
    const names = ["llama-rpc-cluster-leaks-test-cache", "llama-rpc-cluster-leaks-test-2-cache"] as const;
    const signal = new AbortController().signal;
    try {
      await execa("docker", ["volume", "create", "--label", label(STACK), names[0]]);
      await execa("docker", ["volume", "create", "--label", label(`${STACK}-2`), names[1]]);
      expect(await askDockerForLeaks(STACK, signal)).toEqual([
        {
          kind: "volume",
          id: names[0],
          detail: "",
          usdPerHour: null,
          remedy: `docker volume rm --force ${names[0]}`,
        },
      ]);
    } finally {
      await execa("docker", ["volume", "rm", "--force", ...names]);
    }
    expect(await askDockerForLeaks(STACK, signal)).toEqual([]);
  });
});

describe("a name", () => {
  test("is of the stack that it begins with, and not of one whose name is shorter", () => {
    const stacks = ["aws", "aws-dev", "local"];
    expect(isNameOf("llama-rpc-cluster-aws-dev-models", "aws-dev", stacks)).toBe(true);
    expect(isNameOf("llama-rpc-cluster-aws-dev-models", "aws", stacks)).toBe(false);
    expect(isNameOf("llama-rpc-cluster-aws-models", "aws", stacks)).toBe(true);
    expect(isNameOf("llama-rpc-cluster-awsx-models", "aws", stacks)).toBe(false);
    // A stack whose file is gone is in no list.
    expect(isNameOf("llama-rpc-cluster-aws-old-models", "aws-old", stacks)).toBe(true);
  });
});

describe("what AWS names by an ARN", () => {
  test.each([
    [
      "ecr:us-east-1:1:repository/llama-rpc-cluster/aws-dev/cpu",
      "image repository",
      "--repository-name llama-rpc-cluster/aws-dev/cpu",
    ],
    [
      "scheduler:us-east-1:1:schedule-group/llama-rpc-cluster-aws-dev-hours",
      "schedules",
      "--name llama-rpc-cluster-aws-dev-hours",
    ],
    [
      "budgets::1:budget/llama-rpc-cluster-aws-dev-month",
      "budget",
      "--account-id 1 --budget-name llama-rpc-cluster-aws-dev-month",
    ],
    [
      "cloudwatch:us-east-1:1:alarm:llama-rpc-cluster-aws-dev-front",
      "alarm",
      "--alarm-names llama-rpc-cluster-aws-dev-front",
    ],
    [
      "ssm:us-east-1:1:parameter/llama-rpc-cluster/aws-dev/api-key",
      "parameter",
      "--name /llama-rpc-cluster/aws-dev/api-key",
    ],
    [
      "iam::1:role/llama-rpc-cluster/aws-dev/llama-rpc-cluster-aws-dev-front",
      "role",
      "--role-name llama-rpc-cluster-aws-dev-front",
    ],
    [
      "elasticloadbalancing:us-east-1:1:loadbalancer/net/a/b",
      "load balancer",
      "--load-balancer-arn arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/net/a/b",
    ],
    ["wafv2:us-east-1:1:regional/webacl/a/b", "web firewall", "console of WAF"],
  ])("%s is a thing that people know, with a remedy", (rest, kind, remedy) => {
    const leak = leakOf(parseArn(`arn:aws:${rest}`));
    expect(leak.kind).toBe(kind);
    expect(leak.remedy).toContain(remedy);
  });
});

describe("the list of what is left", () => {
  const leak = (kind: string, id: string, usdPerHour: number | null = null): Leak => ({
    kind,
    id,
    detail: "",
    usdPerHour,
    remedy: `remove ${id}`,
  });

  test("has each thing once, in the order in which they can be removed", () => {
    const found = ["VPC", "subnet", "instance", "alarm", "instance", "spot request"].map((kind) => leak(kind, kind));
    expect(inRemovalOrder(found).map(({ kind }) => kind)).toEqual([
      "alarm",
      "spot request",
      "instance",
      "subnet",
      "VPC",
    ]);
  });

  test("adds up what it costs, and says nothing of prices where there are none", () => {
    const leaks = [leak("endpoint", "vpce-1", 0.01), leak("instance", "i-1", 0.8), leak("VPC", "vpc-1")];
    expect(formatLeaks({ leaks, refusals: [] }, "aws-dev", "us-east-1").split("\n")[0]).toBe(
      "Of stack aws-dev, 3 things are left in us-east-1, and together they cost about 0.81 US dollars per hour:",
    );
    expect(formatLeaks({ leaks: leaks.slice(2), refusals: [] }, "aws-dev", "us-east-1")).not.toContain("dollars");
  });
});
