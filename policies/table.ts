/** The rules as the table of docs/policies.md. */
import type { Rule } from "./model.ts";

/** One row for each rule. */
export function tableOf(rules: readonly Rule[]): string {
  const rows = rules.map((rule) => {
    const moments = [
      rule.check && "each resource, before it is created",
      rule.checkStack && "all resources, at the end",
    ];
    return `| \`${rule.name}\` | ${sentence(rule.must)} | ${rule.why} | ${moments.filter(Boolean).join("; ")} |`;
  });
  return ["| rule | what must hold | why | looked at |", "|---|---|---|---|", ...rows].join("\n");
}

const sentence = (clause: string) => `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`;
