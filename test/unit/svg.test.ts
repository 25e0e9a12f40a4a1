import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCluster } from "../../config/parse.ts";
import { planCluster } from "../../plan/index.ts";
import { svgPlan } from "../../plan/svg.ts";
import { escaped, shortened } from "../../plan/svg-text.ts";
import { configurationWith } from "../support/configurations.ts";
import { smallModelFacts } from "../support/models.ts";

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
    expect(text({ "backends[0].count": 1 })).toContain("nothing to object to");
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
