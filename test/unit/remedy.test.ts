import { describe, expect, test } from "vitest";
import { configurationWith } from "../../bench/support/configurations.ts";
import { parseCluster } from "../../config/parse.ts";
import { resolve } from "../../plan/hosts/resolve.ts";
import { applyChange, bothChanges, changedPath, setting, withPoolsAlone } from "../../plan/remedies/change.ts";
import { type Remedy, remedyText } from "../../plan/remedies/remedy.ts";

const config = parseCluster(
  configurationWith({
    backends: [
      { name: "a", count: 2, memory: "1 GiB", layers: [10, 5] },
      { name: "b", memory: "2 GiB", layers: [10] },
      { name: "c", memory: "3 GiB", layers: [5] },
    ],
  }),
);

describe("the text of a remedy", () => {
  const costs = (usdPerHour: number, more: Partial<Remedy["costs"]> = {}): Remedy => ({
    change: setting("backends[0].count", 3),
    costs: { usdPerHour, of: "cluster", hasSpot: false, ...more },
  });

  test.each<[string, Remedy]>([
    ["Choose a smaller model.", { action: "choose a smaller model" }],
    ["Set front.memory to at least 2 GiB.", { change: setting("front.memory", "2 GiB", "at least") }],
    ["Set backends[0].count to at most 3.", { change: setting("backends[0].count", 3, "at most") }],
    ['Set aws.vcpuQuotas to {"L-1":4}.', { change: setting("aws.vcpuQuotas", { "L-1": 4 }) }],
    [
      "Set a to 1, b to 2 and c to 3.",
      { change: [setting("b", 2), setting("c", 3)].reduce(bothChanges, setting("a", 1)) },
    ],
    [
      "Set backends to one pool of 2 × g6.xlarge, market spot.",
      { change: setting("backends", [{ name: "a", machine: "g6.xlarge", count: 2, market: "spot" }]) },
    ],
    ["Set backends[0].count to 3, which costs 2.55 US dollars per hour more.", costs(2.55)],
    [
      "Set backends[0].count to 3, which saves 1.20 US dollars per hour at on-demand prices.",
      costs(-1.2, { hasSpot: true }),
    ],
    ["Set backends[0].count to 3, which costs the same.", costs(0.001)],
    ["Set backends[0].count to 3, at 0.80 US dollars per hour each.", costs(0.8, { of: "each machine" })],
    [
      "Download the file. Set model.source to a.gguf. It is large. Or choose another file. It may be smaller. Or wait.",
      {
        action: "download the file",
        change: setting("model.source", "a.gguf"),
        note: "It is large.",
        or: [{ action: "choose another file", note: "It may be smaller." }, { action: "wait" }],
      },
    ],
  ])("is %s", (text, remedy) => expect(remedyText(remedy)).toBe(text));
});

describe("a change", () => {
  test("names pools by their place before it, whatever else it removes", () => {
    const cluster = resolve(config);
    const kept = cluster.pools.filter(({ name }) => name === "b");
    const { change, config: changed } = withPoolsAlone(cluster, kept, 1);
    expect(change).toEqual({
      set: [],
      remove: [{ path: "backends[0]", pool: "a" }, { path: "backends[2]", pool: "c" }, { path: "backends[1].layers" }],
    });
    expect(changed.backends.map(({ name, layers }) => [name, layers])).toEqual([["b", undefined]]);
    expect(remedyText({ change })).toBe("Remove pools a and c and leave layers out of every pool.");
  });

  test("sets the count of the pool that it keeps, if there are more", () => {
    const cluster = resolve(config);
    const { change, config: changed } = withPoolsAlone(cluster, cluster.pools.slice(0, 1), 1);
    expect(change.set).toEqual([{ path: "backends[0].count", value: 1 }]);
    expect(changed.backends).toMatchObject([{ name: "a", count: 1 }]);
  });

  test("leaves the configuration that it is made from as it is", () => {
    const before = structuredClone(config);
    applyChange(config, {
      set: [{ path: "front.memory", value: "8 GiB" }],
      remove: [{ path: "backends[0]", pool: "a" }],
    });
    expect(config).toEqual(before);
  });

  test("of a section that the configuration does not have is refused", () =>
    expect(() => applyChange(config, setting("backends[7].memory", "1 GiB"))).toThrow("nothing at backends[7].memory"));

  test("is where all that it sets is, or else all that it removes", () => {
    expect(changedPath(setting("backends[0].count", 3))).toBe("backends[0].count");
    expect(changedPath(bothChanges(setting("backends[0].machine", "m"), setting("backends[0].count", 3)))).toBe(
      "backends[0]",
    );
    expect(changedPath(bothChanges(setting("backends[0].count", 2), setting("backends[1].count", 3)))).toBe("backends");
    expect(changedPath({ set: [], remove: [{ path: "backends[1].layers" }] })).toBe("backends[1].layers");
    expect(changedPath({ set: [], remove: [] })).toBeUndefined();
  });
});
