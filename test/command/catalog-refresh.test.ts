import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { refreshed } from "../../cli/catalog/rewrite.ts";
import { readTable, tableText, writeTable } from "../../cli/catalog/table-file.ts";
import { machineTable } from "../../plan/catalog/data.ts";
import { findMachineType, type MachineType, machineTypes, REGIONS } from "../../plan/catalog/index.ts";
import { type AwsDouble, awsDouble, ec2Type, worldOfCatalog } from "../support/aws-catalog.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Each run of the command is a process that loads the AWS SDK. */
const SEVERAL_RUNS_MS = 300_000;

let aws: AwsDouble;
let project = "";

beforeAll(async () => {
  aws = await awsDouble();
});
afterAll(() => aws.close());
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "catalog-refresh-"));
  for (const part of [
    "cli",
    "setup",
    "offline",
    "aws",
    "report",
    "components",
    "plan",
    "config",
    "package.json",
    "biome.json",
    "tsconfig.json",
    ".gitignore",
  ])
    cpSync(join(ROOT, part), join(project, part), { recursive: true });
  mkdirSync(join(project, "test/unit"), { recursive: true });
  cpSync(join(ROOT, "test/unit/catalog.test.ts"), join(project, "test/unit/catalog.test.ts"));
  symlinkSync(join(ROOT, "node_modules"), join(project, "node_modules"));
  aws.world = worldOfCatalog();
  aws.requests.length = 0;
  return () => rmSync(project, { recursive: true });
});

/** Runs a program in the copy of the project, without what vitest and this machine's AWS set-up have in the environment. */
async function run(program: string, args: string[], env: Record<string, string> = {}) {
  const kept = ["PATH", "HOME", "TMPDIR"].map((name) => [name, process.env[name]]);
  const { exitCode, stdout, stderr } = await execa(program, args, {
    cwd: project,
    preferLocal: true,
    reject: false,
    extendEnv: false,
    env: { ...Object.fromEntries(kept), ...env },
  });
  return { exitCode, stdout, stderr };
}

const refresh = (args: string[] = [], env: Record<string, string> = {}) =>
  run(process.execPath, ["cli/main.ts", "catalog:refresh", ...args], {
    AWS_ENDPOINT_URL: aws.url,
    AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
    AWS_SECRET_ACCESS_KEY: "secret",
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_CONFIG_FILE: "none",
    AWS_SHARED_CREDENTIALS_FILE: "none",
    ...env,
  });

const files = () =>
  ["types", "families"].map((name) => readFileSync(join(project, `plan/catalog/${name}.json`), "utf8")).join("");

/** The catalog as the copy of the project has it now. */
async function catalog(): Promise<{ types: Map<string, MachineType>; asOf: string; spot: Record<string, object> }> {
  const script = `const files = ["./plan/catalog/index.ts", "./plan/catalog/data.ts"];
    const [c, d] = await Promise.all(files.map((file) => import(file)));
    console.log(JSON.stringify({ types: c.machineTypes(), asOf: c.PRICES_AS_OF, spot: d.machineTable.spotUsdPerHour }));`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script]);
  const { types, asOf, spot } = JSON.parse(stdout);
  return { types: new Map(types.map((type: MachineType) => [type.name, type])), asOf, spot };
}

function known(name: string): MachineType {
  const type = findMachineType(name);
  if (type === undefined) throw new Error(`${name} is not in the catalog: take another type for this test`);
  return type;
}

/** What AWS may have changed in a year. */
function changeTheWorld(): void {
  const { types, usdPerHour, offered, spotUsdPerHour } = aws.world;
  usdPerHour["us-east-1"].set("g6.xlarge", 0.75125);
  usdPerHour["eu-west-1"].set("g6.xlarge", 0.9);
  offered["eu-west-1"].add("g6.xlarge");
  offered["eu-central-1"].delete("g5.xlarge");
  spotUsdPerHour["us-east-1"] = new Map([
    ["g6.xlarge", 0.3],
    // As dear as on demand.
    ["g5.xlarge", usdPerHour["us-east-1"].get("g5.xlarge") ?? 0],
  ]);
  types.set(
    "m8g.4xlarge",
    ec2Type({ ...known("m8g.4xlarge"), networkBaseGbps: 9.5, diskBaseMegabytesPerSecond: 700, nvmeGigabytes: 0 }),
  );
  types.set("p5.48xlarge", ec2Type({ ...known("p5.48xlarge"), autoRecovery: true }));
  for (const [name, like] of [
    ["g6.96xlarge", "g6.48xlarge"],
    ["c10g.large", "c8g.large"],
    ["c6g.large", "c8g.large"],
    ["m8g.metal-96xl", "m8g.48xlarge"],
  ] as const) {
    types.set(name, ec2Type({ ...known(like), name }));
    offered["us-west-2"].add(name);
    usdPerHour["us-west-2"].set(name, 26.5);
  }
}

describe("npm run catalog:refresh", () => {
  test("writes every price and number that AWS states, and a catalog that is whole", {
    timeout: SEVERAL_RUNS_MS,
  }, async () => {
    changeTheWorld();
    const told = await refresh();
    expect(told).toMatchObject({ exitCode: 0, stderr: "" });
    expect(told.stdout).toMatch(/^g6\.xlarge +USD\/h in us-east-1 +0\.8048 → 0\.75125$/m);
    expect(told.stdout).toMatch(/^g6\.xlarge +USD\/h in eu-west-1 +not sold → 0\.9$/m);
    expect(told.stdout).toMatch(/^g5\.xlarge +USD\/h in eu-central-1 +~?[\d.]+ → not sold$/m);
    expect(told.stdout).toMatch(/^m8g\.4xlarge +network, Gbps +7\.5 → 9\.5$/m);
    expect(told.stdout).toMatch(/^m8g\.4xlarge +disk, MB\/s +625 → 700$/m);
    const person = told.stdout.split("Change by hand:")[1]?.split("\n\n")[0]?.trim().split("\n  ");
    expect(person).toEqual([
      "p5.48xlarge: autoRecovery is now true, not false: change its family.",
      'g6.96xlarge (L4, 22888 MiB) is new. Its row: ["g6.96xlarge", 192, 768, 8, 100, 100, 7500, 7500, 7520, null, 26.5, null, null],',
      'c10g.large (Graviton) is new. Its row: ["c10g.large", 2, 4, 0, 0.937, 12.5, 78.75, 1250, 0, null, 26.5, null, null],',
    ]);

    const { types, asOf, spot } = await catalog();
    expect(asOf).toBe(new Date().toISOString().slice(0, 10));
    for (const before of machineTypes()) {
      const prices = REGIONS.flatMap((region) => {
        const usd = aws.world.usdPerHour[region].get(before.name);
        return usd === undefined || !aws.world.offered[region].has(before.name)
          ? []
          : [[region, { usd, estimated: false }] as const];
      });
      const changed = before.name === "m8g.4xlarge" ? { networkBaseGbps: 9.5, diskBaseMegabytesPerSecond: 700 } : {};
      expect(types.get(before.name)).toEqual({ ...before, ...changed, usdPerHour: Object.fromEntries(prices) });
    }
    expect(spot["g6.xlarge"]).toEqual({ "us-east-1": 0.3 });
    expect(spot["g5.xlarge"]).toBeUndefined();

    const settings = { extends: "./tsconfig.json", compilerOptions: { types: [] }, include: [] };
    writeFileSync(
      join(project, "tsconfig.catalog.json"),
      JSON.stringify({ ...settings, files: ["plan/catalog/index.ts"] }),
    );
    const checks = await Promise.all([
      run("tsc", ["-p", "tsconfig.catalog.json"]),
      run("biome", ["check", "plan/catalog"]),
      run("vitest", ["run", "test/unit/catalog.test.ts"]),
    ]);
    expect(
      checks.map(({ exitCode }) => exitCode),
      checks.map(({ stdout }) => stdout).join("\n"),
    ).toEqual([0, 0, 0]);

    aws.world.types.delete("g6.96xlarge");
    aws.world.types.delete("c10g.large");
    aws.world.types.set("p5.48xlarge", ec2Type(known("p5.48xlarge")));
    const again = await refresh(["--check"]);
    expect(again).toMatchObject({ exitCode: 0 });
    expect(again.stdout.trim()).toBe("No row differs.");
  });

  test("only says what differs if it is asked to, and asks for no prices if it need not", {
    timeout: SEVERAL_RUNS_MS,
  }, async () => {
    changeTheWorld();
    const before = files();
    const told = await refresh(["--check", "--no-prices"]);
    expect(told.exitCode).toBe(1);
    expect(told.stdout).toMatch(/^m8g\.4xlarge +network, Gbps +7\.5 → 9\.5$/m);
    expect(told.stdout).toMatch(/^g5\.xlarge +USD\/h in eu-central-1 +~?[\d.]+ → not sold$/m);
    expect(told.stdout).not.toContain("0.75125");
    expect(files()).toBe(before);
    expect(aws.requests.filter((request) => /GetProducts|Spot/.test(request))).toEqual([]);
    for (const region of REGIONS) expect(aws.requests).toContain(`DescribeInstanceTypeOfferings ${region}`);
  });

  test.each<[what: string, spoil: () => Record<string, string>, told: RegExp]>([
    [
      "there are no credentials",
      () => ({ AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" }),
      /^There are no AWS credentials \(.+\): run `aws sso login`, .+ Nothing was changed\.$/,
    ],
    [
      "the credentials may not ask",
      () => {
        aws.world.refusal = { action: "GetProducts", status: 400, code: "AccessDeniedException" };
        return {};
      },
      /^AWS refuses pricing:GetProducts for .+ \(AccessDeniedException: told by the server\): the credentials need ec2:Desc.+ Nothing was changed\.$/,
    ],
    [
      "the credentials are not known",
      () => {
        aws.world.refusal = { action: "DescribeInstanceTypes", status: 401, code: "AuthFailure" };
        return {};
      },
      /^AWS does not accept the credentials for ec2:DescribeInstanceTypes in .+ Nothing was changed\.$/,
    ],
    [
      "the price list is empty",
      () => {
        for (const region of REGIONS) aws.world.usdPerHour[region].clear();
        return {};
      },
      /^AWS's price list has no prices for the catalog's types in .+: nothing was changed\.$/,
    ],
    [
      "an option is not known",
      () => ({}),
      /^Unknown option '--frobnicate'.*; see npm run catalog:refresh -- --help\.$/,
    ],
  ])("changes nothing and says why in one sentence if %s", { timeout: SEVERAL_RUNS_MS }, async (what, spoil, told) => {
    const before = files();
    const { exitCode, stderr, stdout } = await refresh(what.includes("option") ? ["--frobnicate"] : [], spoil());
    expect(stderr.trim()).toMatch(told);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(files()).toBe(before);
  });
});

describe("the table's file", () => {
  const original = join(ROOT, "plan/catalog/types.json");
  const nothingSeen = { types: new Map(), regions: new Map() };
  const reading = { observed: nothingSeen, today: machineTable.typesAsOf, prices: false };

  test("stays as it is, byte for byte, if a refresh finds nothing", () => {
    const path = join(project, "plan/catalog/types.json");
    expect(writeTable(path, refreshed(readTable(path), [], reading))).toBe(false);
    expect(files().startsWith(readFileSync(original, "utf8"))).toBe(true);
  });

  test("gets new values in the lines of their types and no other line moves", () => {
    const changes = [
      { name: "g6.xlarge", column: 10, from: "~0.8048", to: 0.25 },
      { name: "c9g.large", column: 12, from: null, to: 1 },
    ];
    const text = tableText(refreshed(readTable(original), changes, { ...reading, today: "2031-01-31" }));
    const before = readFileSync(original, "utf8").split("\n");
    const changed = text.split("\n").flatMap((line, index) => (line === before[index] ? [] : [line.trim()]));
    expect(text.split("\n")).toHaveLength(before.length);
    expect(changed).toEqual([
      '"typesAsOf": "2031-01-31",',
      expect.stringMatching(/^\["g6\.xlarge", .+, 0\.8048, 0\.25, /),
      expect.stringMatching(/^\["c9g\.large", .+, 1\],$/),
    ]);
  });

  test("has one line for each part of what would be longer than a line may be, as the formatter has it", async () => {
    const path = join(project, "plan/catalog/types.json");
    const table = readTable(path);
    const prices = { "us-east-1": 100.123456, "us-west-2": 101.123456, "eu-central-1": 102.123456, "eu-west-1": 1.1 };
    writeTable(path, { ...table, spotUsdPerHour: { "p6-b300.48xlarge": prices, "g6.xlarge": { "us-east-1": 0.3 } } });
    expect(readFileSync(path, "utf8")).toContain('"p6-b300.48xlarge": {\n      "us-east-1": 100.123456,\n');
    expect((await run("biome", ["check", "plan/catalog"])).exitCode).toBe(0);
    writeTable(path, { ...table, spotUsdPerHour: {} });
    expect((await run("biome", ["check", "plan/catalog"])).exitCode).toBe(0);
  });

  test("is refused with every place that is wrong", () => {
    const path = join(project, "plan/catalog/types.json");
    writeFileSync(
      path,
      readFileSync(path, "utf8").replace('["g6.xlarge", 4', '["g6.xlarge", "four"').replace('"~0.526"', "-1"),
    );
    expect(() => readTable(path)).toThrow(
      /types\.json is not the catalog's table:[\s\S]+types\[0\]\[10\][\s\S]+types\[\d+\]\[1\]/,
    );
  });
});
