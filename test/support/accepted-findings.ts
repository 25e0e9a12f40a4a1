import { readFileSync } from "node:fs";
import { parse } from "yaml";
import * as z from "zod";

/** What a tool has to say against something of this project. */
export interface Finding {
  /** Rule, as the tool names it. */
  rule: string;
  /** `images/cpu.Dockerfile`; of a stack's resource `<stack>/<resource>`. */
  where: string;
  /** In words, for who reads the failure. */
  what: string;
}

const FILE = "test/lint/accepted-findings.yaml";

const schema = z.array(
  z.strictObject({
    tool: z.enum(["checkov", "hadolint", "policies"]),
    rule: z.string().min(1),
    /** `*` stands for any text. */
    where: z.string().min(1),
    reason: z.string().min(20),
  }),
);

/** A tool whose findings are accepted one by one. */
export type Judge = z.output<typeof schema>[number]["tool"];

/** What is different from judging everything by the project's list. */
export interface Judging {
  /** Whether an entry's place was looked at in this run; the others are not called stale. @default all were */
  covers?: (where: string) => boolean;
  /** The list. @default the project's file */
  entries?: unknown;
}

/**
 * What is wrong between a tool's findings and those that are accepted with a reason, in sentences: findings that no entry
 * accepts, and entries that nothing was found for any more.
 */
export function disagreements(tool: Judge, findings: readonly Finding[], judging: Judging = {}): string[] {
  const { covers = () => true, entries: list = parse(readFileSync(FILE, "utf8")) } = judging;
  const entries = schema.parse(list).filter((entry) => entry.tool === tool);
  const accepts = (entry: (typeof entries)[number], { rule, where }: Finding) =>
    entry.rule === rule && globs(entry.where).test(where);
  const open = findings.filter((finding) => !entries.some((entry) => accepts(entry, finding)));
  const stale = entries.filter((entry) => covers(entry.where) && !findings.some((finding) => accepts(entry, finding)));
  return [
    ...open.map(({ rule, where, what }) => `${where}: ${rule}: ${what} (mend it, or accept it in ${FILE})`),
    ...stale.map(({ rule, where }) => `${FILE} accepts ${rule} at ${where}, where ${tool} finds it no more: remove it`),
  ].sort();
}

function globs(pattern: string): RegExp {
  const texts = pattern.split("*").map((text) => text.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${texts.join(".*")}$`);
}
