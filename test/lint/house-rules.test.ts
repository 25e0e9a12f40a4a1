import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";
import { projectFiles, textOf } from "./files.ts";

const MOST_LINES = 400;

/** Which other rooms a room may import from. A room that is not named here may import from all of them. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  config: [],
  plan: ["config"],
  report: ["config", "plan"],
  aws: ["config", "plan"],
  docker: ["config", "plan"],
  components: ["config", "plan", "aws", "docker"],
  stacks: ["components"],
  "index.ts": ["config", "plan", "report", "aws", "docker", "components", "stacks"],
  setup: ["config"],
  offline: ["config", "setup"],
  cli: ["config", "plan", "report", "aws", "docker", "components", "setup", "offline"],
  policies: [],
  bench: ["config", "plan", "report", "aws", "components", "setup", "cli"],
};

const files = projectFiles();
const code = files.filter((file) => /\.(ts|mjs)$/.test(file));

/** A static import, export-from or dynamic import of one module. */
interface Import {
  file: string;
  /** As written. */
  specifier: string;
  /** The imported file relative to the root; null for a package. */
  target: string | null;
}

function importsOf(file: string): Import[] {
  const pattern =
    /^\s*(?:import|export)\s[^;"']*?from\s*["']([^"']+)["']|^\s*import\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm;
  return [...textOf(file).matchAll(pattern)].map((match) => {
    const specifier = match[1] ?? match[2] ?? match[3] ?? "";
    const target = specifier.startsWith(".") ? normalize(join(dirname(file), specifier)) : null;
    return { file, specifier, target };
  });
}

const roomOf = (file: string): string => file.split("/")[0] ?? file;
const say = (line: Import): string => `${line.file} imports ${line.specifier}`;

/** The lines of files that match, as `file:line: text`. */
function linesThat(match: RegExp, among: string[]): string[] {
  return among.flatMap((file) =>
    textOf(file)
      .split("\n")
      .flatMap((line, index) => (match.test(line) ? [`${file}:${index + 1}: ${line.trim().slice(0, 120)}`] : [])),
  );
}

test(`no file of code is longer than ${MOST_LINES} lines`, () => {
  const counted = files.filter((file) => /\.(ts|mjs|sh)$|Dockerfile/.test(file));
  const long = counted
    .map((file) => ({ file, lines: textOf(file).split("\n").length - 1 }))
    .filter(({ lines }) => lines > MOST_LINES);
  expect(long, "split each of these by what its parts do").toEqual([]);
});

test("imports go config → plan → report, aws and docker → components → index.ts, config → setup → offline, and never back", () => {
  const forbidden = code.flatMap(importsOf).filter(({ file, target }) => {
    const allowed = ROOMS[roomOf(file)];
    if (allowed === undefined || target === null) return false;
    return roomOf(target) !== roomOf(file) && !allowed.includes(roomOf(target));
  });
  expect(forbidden.map(say), "move what is shared to the earlier room; no room imports tests").toEqual([]);
});

test("every folder with code is a room of the import rules", () => {
  const rooms = new Set(code.map(roomOf).filter((room) => !["test", ".github", "vitest.config.ts"].includes(room)));
  const unknown = [...rooms].filter((room) => !(room in ROOMS));
  expect(unknown, "name it in ROOMS and say what it may import").toEqual([]);
});

test("only cli/steps.ts imports offline/", () => {
  const doors = code
    .filter((file) => roomOf(file) !== "offline" && roomOf(file) !== "test")
    .flatMap(importsOf)
    .filter(({ file, target }) => target !== null && roomOf(target) === "offline" && file !== "cli/steps.ts");
  expect(doors.map(say), "hand it in through cli/steps.ts, so that the project works without offline/").toEqual([]);
});

test("a report is made from the plan alone, never from today's catalog", () => {
  const catalog = code
    .filter((file) => roomOf(file) === "report")
    .flatMap(importsOf)
    .filter(({ target }) => target?.startsWith("plan/catalog/"));
  expect(catalog.map(say), "put what the report needs into the plan").toEqual([]);
});

/** Files of plan/ that may know a configuration as the stack file has it, and why. */
const KNOW_THE_CONFIGURATION: Readonly<Record<string, string>> = {
  "plan/index.ts": "takes it and resolves it",
  "plan/hosts/resolve.ts": "interprets it",
  "plan/hosts/cluster.ts": "keeps it for those who edit it",
  "plan/remedies/change.ts": "edits it",
  "plan/advise/context.ts": "takes the request of a search and resolves it",
  "plan/advise/search.ts": "hands out the configurations that it found",
};

test("a configuration is interpreted once: the rest of plan/ takes a resolved cluster", () => {
  const knowing = files.filter((file) => /\b(ClusterConfig|PoolConfig)\b/.test(textOf(file)));
  const known = knowing.filter((file) => roomOf(file) === "plan").sort();
  expect(known, "take a Cluster of plan/hosts/cluster.ts").toEqual(Object.keys(KNOW_THE_CONFIGURATION).sort());
});

test("no one outside plan/hosts asks what a configuration means", () => {
  const among = code.filter((file) => !file.startsWith("plan/hosts/") && roomOf(file) !== "test");
  const found = linesThat(/(?<!function )\b(slotsOf|frontHost|poolHost|runSettings)\(/, among);
  expect(found, "take it from a resolved cluster").toEqual([]);
});

test("no circle of imports", () => {
  const imports = new Map(code.map((file) => [file, importsOf(file).flatMap(({ target }) => target ?? [])]));
  const done = new Set<string>();
  const circles: string[] = [];
  const walk = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) {
      circles.push([...way.slice(way.indexOf(file)), file].join(" → "));
      return;
    }
    if (done.has(file)) return;
    for (const next of imports.get(file) ?? []) walk(next, [...way, file]);
    done.add(file);
  };
  for (const file of imports.keys()) walk(file, []);
  expect(circles, "move what both need to a file of its own").toEqual([]);
});

const MOST_PLACES_IN_PLAN = 16;

test(`plan/ holds at most ${MOST_PLACES_IN_PLAN} files and folders`, () => {
  const places = new Set(files.filter((file) => roomOf(file) === "plan").map((file) => file.split("/")[1]));
  expect(places.size, `group by subject: ${[...places].sort().join(", ")}`).toBeLessThanOrEqual(MOST_PLACES_IN_PLAN);
});

test("no room but components/ and index.ts knows Pulumi's SDK", () => {
  const pulumi = code
    .filter((file) => ["plan", "config", "report", "aws", "docker", "setup"].includes(roomOf(file)))
    .flatMap(importsOf)
    .filter(({ specifier }) => specifier.startsWith("@pulumi/"));
  expect(pulumi.map(say), "hand plain data over to components/ instead").toEqual([]);
});

test("policies know nothing of the program that they judge", () => {
  const known = code
    .filter((file) => roomOf(file) === "policies")
    .flatMap(importsOf)
    .filter(({ specifier, target }) =>
      target === null ? !/^(node:|@pulumi\/policy$)/.test(specifier) : roomOf(target) !== "policies",
    );
  expect(known.map(say), "write it down again: shared code would share its mistakes").toEqual([]);
});

test("components read no YAML", () => {
  const yaml = code
    .filter((file) => roomOf(file) === "components")
    .flatMap(importsOf)
    .filter(({ specifier }) => specifier === "yaml");
  expect(yaml.map(say), "the plan holds what components need").toEqual([]);
});

test("every relative import names a file that is there", () => {
  const lost = code.flatMap(importsOf).filter(({ target }) => target !== null && !files.includes(target));
  expect(lost.map(say), "write the file's name with its extension").toEqual([]);
});

/** Files of other rooms that may read environment variables, which, and why. */
const READ_THE_ENVIRONMENT: Readonly<Record<string, RegExp>> = {
  // Pulumi's docker provider reads them itself: the preview has to ask the same engine.
  "docker/address.ts": /process\.env\["DOCKER_(HOST|CONTEXT)"\]/,
};

test("only cli/, setup/ and offline/ read environment variables, and docker/address.ts those of Docker's engine", () => {
  const among = code.filter((file) => !["cli", "setup", "offline", "test"].includes(roomOf(file)));
  const found = among.flatMap((file) =>
    linesThat(/process\.env\b/, [file]).filter((line) => READ_THE_ENVIRONMENT[file]?.test(line) !== true),
  );
  expect(found, "take the value from the stack file, or hand it over as an argument").toEqual([]);
});

test("no committed file names a path of somebody's machine", () => {
  // Dockerfiles speak of paths inside the image; hash lists hold no prose.
  const among = files.filter((file) => !/Dockerfile|package-lock\.json$|go\.sum$|\.(png|gguf)$/.test(file));
  const homes = ["root", "work", "home/[a-z][\\w-]*", "Users/[A-Za-z][\\w-]*"].join("|");
  const found = linesThat(new RegExp(`(?<![\\w.$}~*-])/(?:${homes})/\\w`), among);
  expect(found, "use a path relative to the project's root").toEqual([]);
});

test("no stack file holds an encryption salt: it belongs to one user's passphrase and locks every other one out", () => {
  const salted = files.filter((file) => /^stacks\/.*\.yaml$/.test(file) && /^encryptionsalt:/m.test(textOf(file)));
  expect(salted, "remove the line; `npm run pulumi` does so by itself, `pulumi` typed by hand does not").toEqual([]);
});

test("the lock file names no registry but npm's own", () => {
  const resolved = textOf("package-lock.json").match(/"resolved": "[^"]+"/g) ?? [];
  const foreign = resolved.filter((line) => !line.includes('"https://registry.npmjs.org/'));
  expect(
    [...new Set(foreign)].slice(0, 5),
    "run npm install with `--replace-registry-host=never` and npm's registry",
  ).toEqual([]);
});

test("the lock file holds every package that it asks for, on every platform", () => {
  const { packages } = JSON.parse(textOf("package-lock.json")) as {
    packages: Record<string, { dependencies?: Record<string, string>; optionalDependencies?: Record<string, string> }>;
  };
  /** Folders from a package's own up to the root, in each of which Node looks for a dependency. */
  const above = (place: string): string[] => {
    const at = place.lastIndexOf("node_modules/");
    return at < 0 ? [""] : [`${place}/`, ...above(place.slice(0, at).replace(/\/$/, ""))];
  };
  const lacking = Object.entries(packages).flatMap(([place, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => !above(place).some((folder) => `${folder}node_modules/${name}` in packages))
      .map((name) => `${place || "package.json"} needs ${name}`),
  );
  const remedy = "delete package-lock.json and node_modules and run npm install: npm ci refuses such a file elsewhere";
  expect(lacking, remedy).toEqual([]);
});
