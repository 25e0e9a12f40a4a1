/** Tools of the tests, from offline/; where that folder is absent, none, with the reason. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { AwsTestToolName, LintToolName, TestTools } from "../../setup/test-tools.ts";

export type { AwsTestToolName, AwsTestTools, LintToolName, LintTools } from "../../setup/test-tools.ts";

const DOOR = join(import.meta.dirname, "..", "..", "offline", "test-tools", "index.ts");
const REASON = "offline/, which gets the tools of the tests, is not part of this copy of the project";

const AWS: readonly AwsTestToolName[] = [
  ...(["python", "aws", "cloudInit", "systemdAnalyze", "registry", "faketime"] as const),
  ...(["terraform", "terraformProviderMirror"] as const),
];
const LINTERS: readonly LintToolName[] = ["shellcheck", "hadolint", "actionlint"];

/** Each of the tools with the same answer. */
function all<Name extends string, Answer>(names: readonly Name[], answer: Answer): Record<Name, Answer> {
  return Object.fromEntries(names.map((name) => [name, answer])) as Record<Name, Answer>;
}

const none: TestTools = {
  ensureAwsTestTools: async () => ({ ...all(AWS, null), reasons: all(AWS, REASON) }),
  ensureCheckov: async () => ({ checkov: null, reason: REASON }),
  ensureEmulator: async () => ({ program: null, reason: REASON }),
  ensureCompose: async () => ({ program: null, reason: REASON }),
  ensureLintTools: async () => ({ ...all(LINTERS, null), reasons: all(LINTERS, REASON) }),
};

/** Not a plain import: the project is type-checked without offline/ too. */
async function tools(): Promise<TestTools> {
  if (!existsSync(DOOR)) return none;
  const { testTools }: { testTools: TestTools } = await import(pathToFileURL(DOOR).href);
  return testTools;
}

/** See {@link TestTools}. */
export const ensureAwsTestTools: TestTools["ensureAwsTestTools"] = async (root) =>
  (await tools()).ensureAwsTestTools(root);

/** See {@link TestTools}. */
export const ensureCheckov: TestTools["ensureCheckov"] = async (root) => (await tools()).ensureCheckov(root);

/** See {@link TestTools}. */
export const ensureEmulator: TestTools["ensureEmulator"] = async (root, name) =>
  (await tools()).ensureEmulator(root, name);

/** See {@link TestTools}. */
export const ensureCompose: TestTools["ensureCompose"] = async (root) => (await tools()).ensureCompose(root);

/** See {@link TestTools}. */
export const ensureLintTools: TestTools["ensureLintTools"] = async (root) => (await tools()).ensureLintTools(root);
