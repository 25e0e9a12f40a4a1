import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { configurationWith } from "../../bench/support/configurations.ts";
import { smallModelFacts } from "../../bench/support/models.ts";
import { parseCluster } from "../../config/parse.ts";
import { planCluster } from "../../plan/index.ts";
import type { ClusterPlan } from "../../plan/plan.ts";
import { svgPlan } from "../../report/svg/index.ts";
import { escaped, shortened } from "../../report/svg/text.ts";
import { awsPlan, MIXED, PUBLISHED_CLUSTER, tooSmall } from "../support/aws-plans.ts";

const planWith = (values: Readonly<Record<string, unknown>>, facts = smallModelFacts()) =>
  planCluster(parseCluster(configurationWith(values)), facts, { stack: "local" });

/** The numbers of each element with this name, by attribute. */
function shapes(svg: string, name: string): Record<string, number>[] {
  return [...svg.matchAll(new RegExp(`<${name} ([^>]*)>`, "g"))].map(([, text = ""]) =>
    Object.fromEntries([...text.matchAll(/([\w-]+)="(-?[\d.]+)"/g)].map(([, key, value]) => [key, Number(value)])),
  );
}

/** What keeps a text from being XML: a tag that is not closed, a bare sign, an attribute without quotes. */
function faultsOf(xml: string): string[] {
  const open: string[] = [];
  const rest = xml.replaceAll(/<(\/?)([a-z]+)((?: [a-zA-Z-]+="[^"<]*")*)(\/?)>/g, (_, end, name, __, alone) => {
    if (end === "/") return open.pop() === name ? "" : `[${name} is not open]`;
    if (alone !== "/") open.push(name);
    return "";
  });
  return [...open, ...(rest.match(/[<>]|&(?!(?:amp|lt|gt|quot);)|\[\w+ is not open\]/g) ?? [])];
}

describe("the picture of a plan", () => {
  test.each([1, 2, 3, 4, 5, 8, 9, 15])(
    "of %i backends is XML and shows each, none over another or over the edge",
    (count) => {
      const plan = planWith({ "backends[0].count": count });
      const svg = svgPlan(plan);
      expect(faultsOf(svg)).toEqual([]);
      for (const { name, device, address, port } of plan.backends) {
        for (const text of [name, `${device} · CPU`, `${address}:${port}`]) expect(svg).toContain(`>${text}</text>`);
      }
      const [, , , height = 0] = (/viewBox="([\d .]+)"/.exec(svg)?.[1] ?? "").split(" ").map(Number);
      const boxes = shapes(svg, "rect").map(({ x = 0, y = 0, width = 0, height = 0 }) => ({ x, y, width, height }));
      for (const { x, y, width, height: tall } of boxes) {
        expect(x).toBeGreaterThanOrEqual(0);
        expect(x + width).toBeLessThanOrEqual(1120);
        expect(y + tall).toBeLessThanOrEqual(height);
      }
      const cards = boxes.filter((box) => box.height === 118);
      expect(cards).toHaveLength(count + 1);
      const touching = cards.filter((a, index) =>
        cards
          .slice(index + 1)
          .some((b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height),
      );
      expect(touching).toEqual([]);
    },
  );

  test("has bars as long as the memory, and never beyond the card", () => {
    for (const memory of ["512 MiB", "100 MiB"]) {
      const plan = planWith({ "backends[0].memory": memory, "front.memory": "256 MiB" });
      const bars = shapes(svgPlan(plan), "rect")
        .filter(({ height }) => height === 12)
        .slice(0, -5);
      const last = plan.backends.at(-1)?.memory;
      if (last === undefined) throw new Error("there must be a backend");
      const isFree = bars.findLastIndex(({ width }) => width === 312);
      const parts = bars.slice(isFree + 1);
      const filled = parts.reduce((sum, { width = 0 }) => sum + width, 0);
      expect(filled).toBeCloseTo(312 * Math.min(1, last.totalBytes / last.capacityBytes), 0);
    }
  });

  test("shows every layer once, in the order of the devices", () => {
    const plan = planWith({ "backends[0].memory": "128 MiB", "model.contextTokens": 2048 });
    expect(plan.front.layers).not.toBeNull();
    const stretches = shapes(svgPlan(plan), "rect").filter(({ height }) => height === 22);
    expect(stretches).toHaveLength(3);
    const lengths = stretches.map(({ width = 0 }) => width + 1.5);
    const total = lengths.reduce((sum, length) => sum + length, 0);
    const layers = [plan.front.layers?.count ?? 0, ...plan.backends.map((backend) => backend.layers.count)];
    expect(lengths.map((length) => Math.round((length / total) * 30))).toEqual(layers);
  });

  test("says what is found, the worst in its colour", () => {
    const text = (values: Readonly<Record<string, unknown>>) => svgPlan(planWith(values));
    expect(text({ "backends[0].count": 1 })).toContain("no findings");
    expect(text({ "front.memory": "128 MiB" })).toMatch(/class="over">error F02 front-memory-too-small/);
    expect(text({ "model.contextTokens": 32_768 })).toMatch(/class="warn">warning F06 /);
  });

  test("is the same each time", () => expect(svgPlan(planWith({}))).toBe(svgPlan(planWith({}))));

  test("has colours for light and for dark pages, and asks nobody for anything", () => {
    const svg = svgPlan(planWith({}));
    expect(svg).toContain("@media (prefers-color-scheme:dark)");
    expect(svg).not.toMatch(/<script|href=|url\(|@import|<image|<foreignObject/);
    const classes = new Set([...svg.matchAll(/class="([\w-]+)"/g)].map((match) => match[1]));
    for (const name of classes) expect(svg.split(`.${name}`).length, name).toBeGreaterThanOrEqual(3);
  });

  test("holds whatever a model calls itself", () => {
    const plan = planWith({});
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 120 }), (name) => {
        const svg = svgPlan({ ...plan, model: { ...plan.model, name: `${name}<x a="&">\u0000\ud800` } });
        expect(faultsOf(svg)).toEqual([]);
        expect(svg.isWellFormed()).toBe(true);
        expect(svg).not.toMatch(/[^\n\P{Cc}]/u);
      }),
      { numRuns: 40 },
    );
    expect(escaped('a<b>&"c"\u0007')).toBe("a&lt;b&gt;&amp;&quot;c&quot; ");
  });

  test("cuts a text that is too long, at the end that says less", () => {
    expect(shortened("a-long-name-14", 60, 10)).toBe("a-long-na…");
    expect(shortened("a-long-name-14", 60, 10, "end")).toBe("…g-name-14");
    expect(shortened("short", 60, 10)).toBe("short");
  });
});

interface Box {
  style: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

function boxesOf(svg: string): Box[] {
  return [...svg.matchAll(/<rect ([^>]*)>/g)].map(([, text = ""]) => {
    const value = (name: string) => new RegExp(`(?:^| )${name}="([^"]*)"`).exec(text)?.[1] ?? "";
    const number = (name: string) => Number(value(name));
    return { style: value("class"), x: number("x"), y: number("y"), width: number("width"), height: number("height") };
  });
}

const isInside = (inner: Box, outer: Box) =>
  inner.x >= outer.x &&
  inner.y >= outer.y &&
  inner.x + inner.width <= outer.x + outer.width + 0.01 &&
  inner.y + inner.height <= outer.y + outer.height + 0.01;

const meets = (a: Box, b: Box) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

interface Rented {
  type: string;
  market: "on-demand" | "spot";
  /** Number of its backends. */
  lends: number;
  pool: string;
}

/** Machines with one backend or several, bought either way, at most 15 backends in all. */
const rented: fc.Arbitrary<Rented[]> = fc
  .array(
    fc.record({
      machine: fc.constantFrom(
        { type: "c8g.xlarge", lends: 1 },
        { type: "m8g.48xlarge", lends: 1 },
        { type: "g6.xlarge", lends: 1 },
        { type: "g7e.24xlarge", lends: 4 },
        { type: "p6-b200.48xlarge", lends: 8 },
      ),
      market: fc.constantFrom("on-demand" as const, "spot" as const),
      pool: fc.stringMatching(/^[a-z][a-z0-9]{0,27}$/),
    }),
    { minLength: 1, maxLength: 15 },
  )
  .map((machines) => {
    let room = 15;
    return machines.flatMap(({ machine, ...rest }) => {
      if (machine.lends > room) return [];
      room -= machine.lends;
      return [{ ...rest, ...machine }];
    });
  });

/** A plan whose machines are other ones: the picture goes by what a plan says, and asks no planner. */
function rentedPlan(plan: ClusterPlan, drawn: readonly Rented[]): ClusterPlan {
  const [front, machine] = plan.machines;
  const [backend] = plan.backends;
  if (front === undefined || machine === undefined || backend === undefined) throw new Error("there must be machines");
  let device = 0;
  const machines = drawn.map(({ type, market, lends, pool }) => {
    const backends = Array.from({ length: lends }, () => `${pool}-${device++}`);
    return { ...machine, type, market, pool, backends };
  });
  const backends = machines.flatMap((one) => one.backends);
  return {
    ...plan,
    machines: [front, ...machines],
    backends: backends.map((name, index) => ({ ...backend, name, device: `RPC${index}` })),
  };
}

describe("the picture of rented machines", () => {
  test("has every backend inside its machine, and no machine over another, whatever is rented", () => {
    const small = awsPlan({ backends: [{ name: "gpu", machine: "g6.xlarge" }] }, smallModelFacts());
    fc.assert(
      fc.property(rented, (drawn) => {
        const plan = rentedPlan(small, drawn);
        const svg = svgPlan(plan);
        expect(faultsOf(svg)).toEqual([]);
        const boxes = boxesOf(svg);
        const cards = boxes.filter(({ style }) => style === "card" || style === "full");
        const machines = boxes.filter(({ style }) => style === "machine" || style === "spot");
        const panel = boxes.find(({ style }) => style === "panel");
        if (panel === undefined) throw new Error("there must be a panel");
        expect(cards).toHaveLength(plan.backends.length + 1);
        expect(machines.map((machine) => cards.filter((card) => isInside(card, machine)).length)).toEqual(
          plan.machines.map(({ backends: inside }) => Math.max(1, inside.length)),
        );
        for (const machine of machines) expect(isInside(machine, panel)).toBe(true);
        for (const group of [cards, machines]) {
          const pairs = group.flatMap((a, index) => group.slice(index + 1).filter((b) => meets(a, b)));
          expect(pairs).toEqual([]);
        }
        expect(machines.map(({ style }) => style === "spot")).toEqual(
          plan.machines.map(({ market }) => market === "spot"),
        );
      }),
      { numRuns: 20 },
    );
  });

  test("says type, hardware and price of each machine, and speed and cost of all at its head", () => {
    const svg = svgPlan(awsPlan(MIXED));
    for (const text of ["g6e.12xlarge", "4 × L40S", "c8g.8xlarge", "32 vCPUs"])
      expect(svg).toContain(`>${text}</text>`);
    expect(svg).toMatch(/>spot, \$\d+\.\d\d–\d+\.\d\d per hour</);
    expect(svg).toMatch(
      />about [\d.]+ tokens per second \([\d.]+–[\d.]+\) {2}· {2}\$[\d.]+–[\d.]+ per hour {2}· {2}\$\d+–\d+ per month</,
    );
    expect(svg).toContain(">RPC0 · L40S</text>");
    expect(svg).toContain(">RPC8 · CPU</text>");
  });

  test("shows that the network is what a user waits for, only where it is", () => {
    const slow = { front: { machine: "c8g.large" }, backends: [{ name: "gpu", machine: "g6.2xlarge" }] };
    const bound = svgPlan(awsPlan(slow, smallModelFacts()));
    expect(bound).toMatch(/<path [^>]*class="hot"/);
    expect(bound).toMatch(/class="warn">network: \d+ % of a token's time, and the limit for prompts</);
    const free = svgPlan(awsPlan(PUBLISHED_CLUSTER));
    expect(free).not.toMatch(/<path [^>]*class="hot"/);
    expect(free).toMatch(/class="soft">network: 0 % of a token's time</);
  });

  test("names the way in, and not the loopback address", () => {
    const allowedCidrs = ["203.0.113.0/24"];
    const ways = [
      { mode: "ssm" },
      { mode: "private", allowedCidrs },
      { mode: "public", allowedCidrs, domain: "llm.example.com" },
    ].map((access) => svgPlan(awsPlan({ ...PUBLISHED_CLUSTER, access })));
    const said = ["your SSM session", "a load balancer in your networks", "a load balancer on the Internet"];
    for (const [index, svg] of ways.entries()) {
      expect(svg).toContain(`>${said[index]}</text>`);
      expect(svg).not.toContain("127.0.0.1");
    }
  });

  test("promises no speed of a model that does not fit", () => {
    const svg = svgPlan(tooSmall(awsPlan(PUBLISHED_CLUSTER)));
    expect(svg).not.toMatch(/tokens per second|token's time/);
    expect(svg).toMatch(/>\$[\d.]+ per hour/);
  });
});
