import { afterAll, beforeAll, describe, expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { RULES } from "../../policies/rules/index.ts";
import type { Case } from "./cases/case.ts";
import { CASES } from "./cases/index.ts";
import { type EngineResource, type Report, startPack, UNKNOWN_TEXT, urnOf } from "./pack-process.ts";

let pack: Awaited<ReturnType<typeof startPack>>;
beforeAll(async () => {
  pack = await startPack();
});
afterAll(() => pack.stop());

test("the pack says which rules it has", async () => {
  expect(await pack.info()).toEqual({
    name: "llama-rpc-cluster",
    version: packageJson.version,
    policies: RULES.map(({ name }) => name),
  });
});

/** Without a reference there is nothing that a preview does not know. */
const hasReference = ({ resources }: Case) => JSON.stringify(resources).includes("@@");

describe.each([
  {
    when: "in a preview, which knows no id",
    values: previewed,
    cases: CASES.filter((one) => !one.afterwards && hasReference(one)),
  },
  { when: "in an update, which knows all ids", values: updated, cases: CASES },
])("$when", ({ values, cases }) => {
  test.each(cases)("$rule: $title", async (one) => {
    const reports = await everythingSaid(values(one));
    const broken = reports.filter(({ policy }) => policy === one.rule);
    const expected = one.broken.map((place) => {
      const [name = "", ...path] = place.split(" ");
      return `${name}${path.join(" ") === "" ? ":" : `, ${path.join(" ")} is `}`;
    });
    expect(broken, broken.map(({ message }) => message).join("\n")).toHaveLength(expected.length);
    for (const place of expected)
      expect(broken.map(({ message }) => message)).toContainEqual(expect.stringContaining(place));
    for (const { enforcement } of broken) expect(enforcement, "mandatory: it must stop the update").toBe(1);
  });
});

test("a secret that the program marked is found where everybody can read it, and told to nobody", async () => {
  const secret = "s3cr3t-of-the-api-0123456789";
  const marked = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value: secret };
  const reports = await everythingSaid([
    { type: "pulumi:index:Stash", name: "key", properties: { output: marked }, origins: {} },
    { type: "aws:ec2/instance:Instance", name: "m", properties: { userData: `KEY=${secret}` }, origins: {} },
  ]);
  const found = reports.filter(({ policy }) => policy === "no-secret-in-plain-sight");
  expect(found.map(({ urn }) => urn)).toEqual(["urn:pulumi:test::project::aws:ec2/instance:Instance::m"]);
  expect(JSON.stringify(reports)).not.toContain(secret);
});

async function everythingSaid(resources: readonly EngineResource[]): Promise<Report[]> {
  const alone = await Promise.all(resources.map((resource) => pack.analyze(resource)));
  return [...alone.flat(), ...(await pack.analyzeStack(resources))];
}

const MARKER = /@@(\w+)\/([^@]+)\.(\w+)@@/g;

/** What a value refers to becomes unknown, and a dependency of its property. */
function previewed({ resources }: Case): EngineResource[] {
  return translated(
    resources,
    (text) => (text.search(MARKER) >= 0 ? UNKNOWN_TEXT : text),
    () => ({}),
  );
}

/** What a value refers to becomes an id, which the resource has itself. */
function updated({ resources }: Case): EngineResource[] {
  const idOf = (kind: string, name: string, output: string) => `${kind}-${name}-${output}`;
  return translated(
    resources,
    (text) => text.replaceAll(MARKER, (_, kind: string, name: string, output: string) => idOf(kind, name, output)),
    ({ type, name }) => {
      const kind = type.split(":").at(-1) ?? "";
      return { id: idOf(kind, name, "id"), arn: idOf(kind, name, "arn") };
    },
  );
}

function translated(
  resources: Case["resources"],
  text: (text: string) => string,
  outputs: (resource: { type: string; name: string }) => Record<string, unknown>,
): EngineResource[] {
  const deep = (value: unknown): unknown => {
    if (typeof value === "string") return text(value);
    if (Array.isArray(value)) return value.map(deep);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, deep(inner)]));
  };
  return resources.map(({ type, name, inputs }) => ({
    type,
    name,
    properties: { ...outputs({ type, name }), ...(deep(inputs) as Record<string, unknown>) },
    origins: Object.fromEntries(
      Object.entries(inputs as Record<string, unknown>).map(([property, value]) => [
        property,
        [...JSON.stringify(value ?? null).matchAll(MARKER)].flatMap(([, kind, named]) =>
          resources.filter((other) => other.type.endsWith(`:${kind}`) && other.name === named).map(urnOf),
        ),
      ]),
    ),
  }));
}
