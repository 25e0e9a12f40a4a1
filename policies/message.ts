/** How a finding is told: resource, path, value, rule and remedy in one line. */
import { type Finding, type Resource, type Rule, UNKNOWN } from "./model.ts";

const SHOWN_LENGTH = 80;

/** The whole message. */
export function describe(rule: Rule, { type, name }: Pick<Resource, "type" | "name">, finding: Finding): string {
  return `${type} ${name}${where(finding)}: ${rule.must}. ${rule.remedy}`;
}

function where({ path, value }: Finding): string {
  if (path === "") return "";
  return value === undefined ? `, ${path} is missing` : `, ${path} is ${shown(value)}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) => (part === UNKNOWN ? "(known later)" : part));
  if (value === UNKNOWN) return "known later";
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
}
