import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";
import { FINDING_NUMBERS } from "../../plan/findings/codes.ts";
import { projectFiles, textOf } from "./files.ts";

const files = projectFiles();

/** GitHub's anchor of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, "")
    .replaceAll(" ", "-");

/** Anchors of a Markdown file. */
const anchorsOf = (file: string): string[] =>
  [...textOf(file).matchAll(/^#+ (.+)$/gm)].map((match) => anchorOf(match[1] ?? ""));

describe("the documents keep up with the code", () => {
  test("every finding of the planner is in docs/findings.md, and nothing else is", () => {
    const planner = files.filter((file) => file.startsWith("plan/") && file.endsWith(".ts")).map(textOf);
    const codes = planner.flatMap((text) => [...text.matchAll(/\bcode: "([a-z-]+)"/g)].map((match) => match[1]));
    const documented = [...textOf("docs/findings.md").matchAll(/^### (\S+)$/gm)].map((match) => match[1]);
    expect(documented.toSorted(), "describe each code under its own heading").toEqual([...new Set(codes)].toSorted());
    const numbers = [...textOf("docs/findings.md").matchAll(/^### (\S+)\n\n\*\*(F\d+)\.\*\* /gm)];
    expect(
      Object.fromEntries(numbers.map(([, code, number]) => [code, number])),
      "begin each description with its number, like **F01.**",
    ).toEqual(FINDING_NUMBERS);
  });

  test("every variable of the images is in README.md, and nothing else is", () => {
    const known = textOf("images/runtime/settings.sh").match(/KNOWN_VARIABLES="([^"]+)"/)?.[1] ?? "";
    const variables = known.split(/[\s\\]+/).filter((name) => name !== "");
    const documented = [...textOf("README.md").matchAll(/^\| `(APP_\w+)` \|/gm)].map((match) => match[1]);
    expect(documented.toSorted(), "keep the table under 'The images alone' complete").toEqual(variables.toSorted());
  });

  test("every build argument of the images is in docs/images.md", () => {
    const dockerfiles = ["images/cpu.Dockerfile", "images/cuda.Dockerfile"].map(textOf);
    const names = dockerfiles.flatMap((text) => {
      const globals = text.slice(0, text.indexOf("\nFROM "));
      return [...globals.matchAll(/^ARG (\w+)=/gm)].map((match) => match[1] ?? "");
    });
    // These two follow from CUDA_VERSION.
    const derived = ["CUDA_BUILD_IMAGE", "CUDA_BASE_IMAGE"];
    const missing = [...new Set(names)].filter(
      (name) => !derived.includes(name) && !textOf("docs/images.md").includes(name),
    );
    expect(missing, "add them to the table under 'Building'").toEqual([]);
  });

  test("README.md names only npm scripts that there are, and every one of them", () => {
    const { scripts } = JSON.parse(textOf("package.json")) as { scripts: Record<string, string> };
    const named = [...textOf("README.md").matchAll(/npm (?:run (?:--silent )?)?([a-z:]+)/g)].map(
      (match) => match[1] ?? "",
    );
    const called = named.filter((name) => name !== "ci" && name !== "run");
    expect([...new Set(called)].toSorted()).toEqual(Object.keys(scripts).toSorted());
  });

  test("every kind of resource on EC2 is in the table of docs/aws.md, and nothing else is", () => {
    const components = files.filter((file) => /^components\/aws\/.*\.ts$/.test(file)).map(textOf);
    const made = components.flatMap((text) => [...text.matchAll(/new aws\.(\w+\.\w+)\(/g)].map((match) => match[1]));
    const table = textOf("docs/aws.md").split("## Every resource")[1]?.split("\n## ")[0] ?? "";
    const rows = [...table.matchAll(/^\| (`[^|]+`) \|/gm)].map((match) => match[1] ?? "");
    const documented = rows.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]));
    expect(documented.toSorted(), "say why each is there, what it costs and what removes it").toEqual(
      [...new Set(made)].toSorted(),
    );
  });

  test("README.md names the stacks that there are", () => {
    const stacks = files.flatMap((file) => /^stacks\/Pulumi\.([\w-]+)\.yaml$/.exec(file)?.[1] ?? []);
    const section = textOf("README.md").split("### Stacks")[1]?.split("### ")[0] ?? "";
    const documented = [...section.matchAll(/^\| `([\w-]+)` \|/gm)].map((match) => match[1]);
    expect(documented.toSorted()).toEqual(stacks.toSorted());
  });

  test("every link between the project's files leads somewhere", () => {
    const pages = files.filter((file) => file.endsWith(".md"));
    const dead = pages.flatMap((page) =>
      [...textOf(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].flatMap(([link, path = "", anchor]) => {
        const target = path === "" ? page : normalize(join(dirname(page), path));
        const isThere = files.some((file) => file === target || file.startsWith(`${target}/`));
        const hasAnchor = anchor === undefined || (isThere && anchorsOf(target).includes(anchor));
        return isThere && hasAnchor ? [] : [`${page}: ${link}`];
      }),
    );
    expect(dead).toEqual([]);
  });
});
