import { createServer, type Server } from "node:net";
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EngineStack, engineStack, freePort, leftovers } from "../support/engine-stack.ts";

const STACK = "test-preflight";
const OTHER_NETWORK = "llama-rpc-cluster-test-overlapping";
const CIDR = "10.66.12.0/24";

describe("a cluster whose port and addresses others have", () => {
  let cluster: EngineStack;
  let holder: Server;
  let hostPort: number;

  beforeAll(async () => {
    cluster = await engineStack(STACK, "local");
    hostPort = await freePort();
    holder = createServer();
    await new Promise<void>((resolve) => holder.listen(hostPort, "127.0.0.1", resolve));
    await execa("docker", ["network", "rm", OTHER_NETWORK], { reject: false });
    await execa("docker", ["network", "create", "--subnet", "10.66.0.0/16", OTHER_NETWORK]);
    cluster.configure("front", { memory: "1 GiB", threads: 1, hostPort });
    cluster.configure("access", { privateCidr: CIDR });
  });

  afterAll(async () => {
    await execa("docker", ["network", "rm", OTHER_NETWORK]);
    await new Promise((resolve) => holder.close(resolve));
    await cluster.stack.destroy();
    await cluster.dispose();
  });

  test.each(["preview", "up"] as const)(
    "is refused by %s with both remedies, before anything exists",
    async (command) => {
      const errors: string[] = [];
      const onEvent = ({ diagnosticEvent: said }: EngineEvent) => {
        if (said?.severity === "error") errors.push(said.message);
      };
      await expect(cluster.stack[command]({ onEvent })).rejects.toThrow("The plan can't be carried out:");
      expect(errors).toHaveLength(1);
      const refusal = errors.join();
      expect(refusal).toContain(
        `front.hostPort: Port ${hostPort} of 127.0.0.1 is taken by another program of this machine.`,
      );
      expect(refusal).toMatch(/Set front\.hostPort to \d+\. Or choose another free port\. \(F31 port-taken\)/);
      expect(refusal).toContain(
        `access.privateCidr: The cluster's network ${CIDR} overlaps with the Docker network ${OTHER_NETWORK} (10.66.0.0/16).`,
      );
      expect(refusal).toMatch(/Set access\.privateCidr to 10\.\d+\.\d+\.0\/24\. No Docker .*\(F32 network-overlaps\)/);
      expect(await leftovers(STACK)).toEqual([]);
      const { deployment } = await cluster.stack.exportStack();
      expect(deployment.resources?.filter(({ type }: { type: string }) => type.startsWith("docker:")) ?? []).toEqual(
        [],
      );
    },
  );

  test("is planned with the values of the remedies", async () => {
    const refusal = String(await cluster.stack.preview().catch((error: unknown) => error));
    const port = /Set front\.hostPort to (\d+)\./.exec(refusal)?.[1];
    const cidr = /Set access\.privateCidr to (\S+)\. /.exec(refusal)?.[1];
    cluster.configure("front", { memory: "1 GiB", threads: 1, hostPort: Number(port) });
    cluster.configure("access", { privateCidr: cidr });
    const { changeSummary } = await cluster.stack.preview();
    expect(changeSummary["create"]).toBeGreaterThan(5);
  });
});
