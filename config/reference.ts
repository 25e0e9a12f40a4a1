/** Text that is generated from the schema: the configuration reference, and the descriptions in `Pulumi.yaml`. */

import { stringify } from "yaml";
import * as z from "zod";
import { unwrap } from "./parse.ts";
import { notes } from "./schema/fields.ts";
import { clusterSchema } from "./schema/index.ts";
import { PROJECT_NAME } from "./stack.ts";

/** File that {@link configurationReference} belongs in. */
export const REFERENCE_FILE = "docs/configuration.md";
/** Command that writes it anew. */
export const REFERENCE_COMMAND = "node config/reference-main.ts";

/** One entry of `Pulumi.yaml`'s `config` block. */
export interface ProjectKey {
  type: "string" | "integer" | "boolean" | "array" | "object";
  items?: { type: "object" };
  description: string;
  /** Absent where the key is required: the engine refuses a stack without a key that has no default. */
  default?: string | Record<string, never>;
}

/** What `Pulumi.yaml` must say of each key of the project. */
export function projectKeys(): Record<string, ProjectKey> {
  return Object.fromEntries(
    Object.entries(clusterSchema.shape).map(([key, schema]) => {
      const bare = unwrap(schema);
      const description = describe(schema);
      if (bare instanceof z.ZodArray) return [key, { type: "array", items: { type: "object" }, description }];
      const preset = schema instanceof z.ZodDefault ? String(schema.def.defaultValue) : {};
      const type = bare instanceof z.ZodObject ? "object" : "string";
      return [key, { type, description, ...(isRequired(schema) ? {} : { default: preset }) }];
    }),
  );
}

/** The `config` block of `Pulumi.yaml`, as text to paste. */
export function projectConfigYaml(): string {
  return stringify({ config: projectKeys() }, { lineWidth: 120 });
}

/** The configuration reference as Markdown. */
export function configurationReference(): string {
  const lines = [
    "# Configuration",
    "",
    `<!-- Generated from config/schema/index.ts by \`${REFERENCE_COMMAND}\`; a test fails when it is stale. -->`,
    "",
    `A stack is configured in \`stacks/Pulumi.<stack>.yaml\`, each key with the prefix \`${PROJECT_NAME}:\`.`,
    "All mistakes are reported at once, each with its place and a remedy, before anything is created.",
    "`npm run plan -- -s <stack>` shows what a configuration leads to.",
    "",
    "```yaml",
    ...EXAMPLE,
    "```",
    "",
    "A cluster on EC2 for a model of 80 layers. Each machine runs one backend for",
    "each of its GPUs. This example sets the split itself: leave `layers` out of every pool and the planner does it.",
    "",
    "```yaml",
    ...AWS_EXAMPLE,
    "```",
    "",
  ];
  for (const [key, schema] of Object.entries(clusterSchema.shape)) lines.push(...section(key, schema));
  return `${lines.join("\n").trimEnd()}\n`;
}

const EXAMPLE = [
  "config:",
  `  ${PROJECT_NAME}:model:`,
  "    source: .models/SmolLM2-135M-Instruct.Q4_1.gguf",
  "    contextTokens: 2048",
  `  ${PROJECT_NAME}:backends:`,
  "    - name: cpu",
  "      count: 2",
  "      memory: 1 GiB",
];

const AWS_EXAMPLE = [
  "config:",
  `  ${PROJECT_NAME}:target: aws`,
  `  ${PROJECT_NAME}:aws:`,
  "    region: us-east-1",
  '    vcpuQuotas: { "L-1216C47A": 32, "L-3819A6DF": 24 } # what your account may run',
  `  ${PROJECT_NAME}:model:`,
  "    source: hf:owner/repository/model.gguf",
  "    contextTokens: 16384",
  `  ${PROJECT_NAME}:front:`,
  "    machine: c8gn.xlarge",
  `  ${PROJECT_NAME}:backends:`,
  "    - name: big",
  "      machine: g7e.2xlarge",
  "      count: 2",
  "      market: spot                                       # EC2 may stop it at any time",
  "      layers: [30, 30]                                   # of each backend, for all pools or for none",
  "    - name: small",
  "      machine: g6e.2xlarge",
  "      market: spot",
  "      layers: [20]",
  `  ${PROJECT_NAME}:access:`,
  "    mode: ssm",
  `  ${PROJECT_NAME}:limits:`,
  "    maxHourlyUsd: 12                                     # a plan that could cost more is refused",
  '    schedule: { days: [mon, tue, wed, thu, fri], start: "08:00", stop: "18:00", timeZone: Europe/Berlin }',
];

function section(key: string, schema: z.ZodType): string[] {
  const bare = unwrap(schema);
  const isList = bare instanceof z.ZodArray;
  const shape = shapeOf(isList ? asType(bare.element) : bare);
  const heading = [`## ${key}`, "", `${describe(schema)}${isRequired(schema) ? " Required." : ""}`, ""];
  if (shape === null) return [...heading, `${sentence(valuesOf(schema))}${defaultSentence(schema)}`, ""];
  const rows = rowsOf(isList ? `${key}[]` : key, shape);
  return [...heading, "| key | values | default | meaning |", "|---|---|---|---|", ...rows, ""];
}

function rowsOf(prefix: string, shape: Record<string, z.ZodType>): string[] {
  return Object.entries(shape).flatMap(([name, schema]) => {
    const path = `${prefix}.${name}`;
    const inner = shapeOf(unwrap(schema));
    const row = [`\`${path}\``, valuesOf(schema), defaultOf(schema), describe(schema)];
    const cells = row.map((cell) => cell.replaceAll("|", "\\|"));
    return [`| ${cells.join(" | ")} |`, ...(inner === null ? [] : rowsOf(path, inner))];
  });
}

function shapeOf(schema: z.ZodType): Record<string, z.ZodType> | null {
  if (!(schema instanceof z.ZodObject)) return null;
  return Object.fromEntries(Object.entries(schema.shape).map(([key, value]) => [key, asType(value)]));
}

function asType(schema: unknown): z.ZodType {
  if (schema instanceof z.ZodType) return schema;
  throw new Error("the schema holds something that is no schema");
}

function describe(schema: z.ZodType): string {
  if (schema.description === undefined) throw new Error("a field of the schema has no description");
  return schema.description;
}

function valuesOf(schema: z.ZodType): string {
  return (notes.get(schema) ?? notes.get(unwrap(schema)))?.rule ?? "";
}

function isRequired(schema: z.ZodType): boolean {
  return !(schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault);
}

function defaultOf(schema: z.ZodType): string {
  if (isRequired(schema)) return "required";
  if (schema instanceof z.ZodDefault) return `\`${JSON.stringify(schema.def.defaultValue)}\``;
  return notes.get(schema)?.whenAbsent ?? "none";
}

function defaultSentence(schema: z.ZodType): string {
  return isRequired(schema) ? "" : ` Default: ${defaultOf(schema)}.`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
