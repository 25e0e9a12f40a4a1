import { describe, expect, test } from "vitest";
import { configurationWith } from "../../bench/support/configurations.ts";
import { ConfigError, parseCluster } from "../../config/parse.ts";
import type { Cluster } from "../../plan/hosts/cluster.ts";
import { resolve, resolveOnAws } from "../../plan/hosts/resolve.ts";
import { planCluster } from "../../plan/index.ts";
import { rented } from "../../plan/resources/rented.ts";
import { cluster, small } from "../support/aws-situations.ts";

const pools = [
  { machine: "g6.12xlarge", count: 2 },
  { machine: "c8g.4xlarge", market: "spot" },
];
const namesOf = ({ backends }: Pick<Cluster, "backends">) => backends.map(({ name }) => name);

describe("a resolved cluster on EC2", () => {
  const resolved = resolveOnAws(cluster("c8g.2xlarge", pools));

  test("has machines that own their backends, and every backend on one of them", () => {
    expect(resolved.machines.map((machine) => [machine.name, namesOf(machine)])).toEqual([
      ["p0-machine-0", ["p0-0", "p0-1", "p0-2", "p0-3"]],
      ["p0-machine-1", ["p0-4", "p0-5", "p0-6", "p0-7"]],
      ["p1-machine-0", ["p1-0"]],
    ]);
    expect(resolved.machines.flatMap(namesOf)).toEqual(namesOf(resolved));
    expect(resolved.pools.flatMap(namesOf)).toEqual(namesOf(resolved));
  });

  test("gives a machine and its backends one address, and each pool a block of its own", () => {
    for (const { addressOffset, backends } of resolved.machines) {
      expect(new Set(backends.map((backend) => backend.addressOffset))).toEqual(new Set([addressOffset]));
    }
    const smaller = resolveOnAws(cluster("c8g.2xlarge", [{ ...pools[0], count: 1 }, { ...pools[1] }]));
    expect(smaller.machines.at(-1)?.addressOffset).toBe(resolved.machines.at(-1)?.addressOffset);
  });

  test("fills in how machines are bought and how the front is reached", () => {
    expect(resolved.pools.map(({ market, reservation }) => [market, reservation])).toEqual([
      ["on-demand", null],
      ["spot", null],
    ]);
    expect(resolved.access).toEqual({ mode: "ssm" });
    expect(resolved.limits.schedule).toBeNull();
  });

  test("refuses machines that the catalog does not know, in a trial of a search too", () => {
    expect(() => resolve(cluster("c8g.2xlage", pools))).toThrow(ConfigError);
  });
});

describe("a resolved cluster of containers", () => {
  const resolved = resolve(parseCluster(configurationWith({ "model.contextTokens": 1000, "model.parallelSlots": 3 })));

  test("rounds the settings as llama.cpp does, once for all who ask", () => {
    expect(resolved.settings).toMatchObject({ slotContextTokens: 512, slots: 3 });
  });

  test("gives every backend an address of its own, right after the front's", () => {
    const offsets = resolved.backends.map(({ addressOffset }) => addressOffset);
    expect(offsets).toEqual(resolved.backends.map((_, device) => 11 + device));
  });

  test("has no machines to rent", () => {
    expect(() => resolveOnAws(resolved.config)).toThrow("has no machines to rent");
  });
});

describe("the machines of a plan", () => {
  const plan = planCluster(cluster("c8g.2xlarge", pools), small, { stack: "walked" });

  test("say what they have and cost, so that nobody has to look it up", () => {
    expect(plan.machines.map(({ hardware }) => [hardware.vcpus, hardware.gpu])).toEqual([
      [8, null],
      [48, { name: "L4", count: 4, memoryBytes: expect.any(Number) }],
      [48, { name: "L4", count: 4, memoryBytes: expect.any(Number) }],
      [16, null],
    ]);
    const [front, , , spot] = plan.machines.map(({ usdPerHour }) => usdPerHour);
    expect(front?.low).toBe(front?.high);
    expect(spot?.low).toBeLessThan(spot?.high ?? 0);
  });

  test("are walked with the backends that they name", () => {
    const walked = rented(plan);
    expect(walked?.front.name).toBe("front");
    expect(walked?.others.map(({ machine }) => machine)).toEqual(plan.machines.slice(1));
    for (const { machine, backends } of walked?.others ?? []) {
      expect(backends.map(({ name }) => name)).toEqual(machine.backends);
      for (const { address } of backends) expect(address).toBe(machine.address);
    }
  });

  test("are none where the machine is the user's own", () => {
    expect(rented(planCluster(parseCluster(configurationWith({})), small, { stack: "own" }))).toBeNull();
  });
});
