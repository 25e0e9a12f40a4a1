/** A resource graph as a module in Terraform's JSON syntax, for the AWS provider's own judgement. */

import { createHash } from "node:crypto";
import { markerName } from "../../../bench/support/registration.ts";
import type { GraphNode } from "../resource-graph.ts";
import { labelOf, snakeCase, terraformName } from "./names.ts";
import type { Block, ProviderSchema } from "./schema.ts";
import { DATA, RENAMED, SINCE_VERSION_6, TYPES } from "./types.ts";

/** A module's `main.tf.json`, and what could not be said in it. */
export interface TerraformModule {
  file: Record<string, unknown>;
  /** `aws_instance.front` -> `<Pulumi type> <name>`. */
  origins: ReadonlyMap<string, string>;
  /** Names of the variables that it wants. */
  variables: string[];
  /** Resources of other providers and types or inputs that this version of the provider lacks, sorted. */
  skipped: string[];
}

type Values = Readonly<Record<string, unknown>>;

/**
 * @param literals texts of the configuration that stand for something made elsewhere (an existing VPC's id), with
 *   Terraform's expression for it
 */
export function translate(
  graph: readonly GraphNode[],
  schema: ProviderSchema,
  literals: Readonly<Record<string, string>> = {},
): TerraformModule {
  return new Translation(graph, schema, literals).module();
}

class Translation {
  readonly #graph: readonly GraphNode[];
  readonly #schema: ProviderSchema;
  readonly #literals: [string, string][];
  readonly #skipped = new Set<string>();
  readonly #origins = new Map<string, string>();
  /** By the start of a marker. */
  readonly #targets = new Map<string, { address: string; block: Block }>();
  readonly #data: Record<string, Record<string, Values>> = {};
  readonly #defaultTags: Values;

  constructor(graph: readonly GraphNode[], schema: ProviderSchema, literals: Readonly<Record<string, string>>) {
    this.#graph = graph;
    this.#schema = schema;
    this.#literals = Object.entries(literals);
    const provider = graph.find(({ type }) => type === "pulumi:providers:aws")?.inputs as Values | undefined;
    const defaults = provider?.["defaultTags"];
    const parsed = (typeof defaults === "string" ? JSON.parse(defaults) : defaults) as { tags?: Values } | undefined;
    this.#defaultTags = parsed?.tags ?? {};
  }

  module(): TerraformModule {
    const known: { node: GraphNode; type: string; block: Block }[] = [];
    for (const node of this.#graph) {
      const type = TYPES[node.type];
      const block = type && this.#schema.resource_schemas[type]?.block;
      if (!type || !block) {
        this.#skip(node);
        continue;
      }
      const address = `${type}.${labelOf(node.name)}`;
      if (this.#origins.has(address)) throw new Error(`Two resources translate to ${address}: name them apart.`);
      this.#origins.set(address, `${node.type} ${node.name}`);
      this.#targets.set(markerName(`${node.type} ${node.name}`), { address, block });
      known.push({ node, type, block });
    }
    const resource: Record<string, Record<string, unknown>> = {};
    for (const { node, type, block } of known) {
      resource[type] ??= {};
      resource[type][labelOf(node.name)] = this.#resource(node, type, block);
    }
    const wanted = [...JSON.stringify(resource).matchAll(/\$\{var\.(\w+)\}/g)].map(([, name = ""]) => name);
    const variables = [...new Set(wanted)].sort();
    return {
      file: {
        terraform: { required_providers: { aws: { source: "hashicorp/aws" } } },
        ...(variables.length > 0 && {
          variable: Object.fromEntries(variables.map((name) => [name, { type: "string" }])),
        }),
        ...(Object.keys(this.#data).length > 0 && { data: this.#data }),
        resource,
      },
      variables,
      origins: this.#origins,
      skipped: [...this.#skipped].sort(),
    };
  }

  #skip(node: GraphNode): void {
    // Components and providers are no resources to Terraform.
    if (/^(llama-rpc-cluster|pulumi:(providers|pulumi)):/.test(node.type)) return;
    this.#skipped.add(node.type.startsWith("aws:") ? `${node.type} ${node.name}` : node.type);
  }

  #resource(node: GraphNode, type: string, block: Block): Record<string, unknown> {
    const inputs = { ...(node.inputs as Values) };
    if (block.attributes?.["tags"] && Object.keys(this.#defaultTags).length > 0)
      inputs["tags"] = { ...this.#defaultTags, ...(inputs["tags"] as Values) };
    const body = this.#block(inputs, block, type, type);
    const dependsOn = (node.dependsOn ?? [])
      .map((dependency) => this.#targets.get(markerName(dependency))?.address)
      .filter((address) => address !== undefined);
    const ignored = (node.options?.ignoreChanges ?? [])
      .map((path) => terraformName(block, path.split(/[.[]/)[0] ?? path))
      .filter((name) => name !== undefined);
    const timeouts = block.block_types?.["timeouts"] ? node.options?.customTimeouts : undefined;
    return {
      ...body,
      ...(timeouts && { timeouts }),
      ...(dependsOn.length > 0 && { depends_on: dependsOn }),
      ...(ignored.length > 0 && { lifecycle: { ignore_changes: ignored } }),
    };
  }

  /** @param path where the block is, for the list of what was skipped */
  #block(values: Values, block: Block, type: string, path: string): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(values)) {
      if (value === undefined || value === null || key === "__defaults") continue;
      const since6 = SINCE_VERSION_6[`${path}.${key}`] ?? (path === type ? SINCE_VERSION_6[`*.${key}`] : undefined);
      const name = (path === type ? RENAMED[type]?.[key] : undefined) ?? terraformName(block, key);
      if (name !== undefined) result[name] = this.#value(value, block, name, type, `${path}.${name}`);
      else {
        const instead = since6?.(value) ?? null;
        if (instead === null) this.#skipped.add(`${path}.${snakeCase(key)}`);
        else Object.assign(result, this.#block(instead, block, type, path));
      }
    }
    return result;
  }

  #value(value: unknown, block: Block, name: string, type: string, path: string): unknown {
    const inner = block.block_types?.[name]?.block ?? block.attributes?.[name]?.nested_type;
    if (inner && Array.isArray(value)) return value.map((one) => this.#block(one as Values, inner, type, path));
    if (inner) return this.#block(value as Values, inner, type, path);
    return this.#literal(value);
  }

  /** Keys inside an attribute (tags, environment variables) are the user's. */
  #literal(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((one) => this.#literal(one));
    if (typeof value === "string") return this.#text(value);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [this.#text(key), this.#literal(one)]));
  }

  #text(text: string): string {
    const marked = this.#literals.reduce((all, [literal, by]) => all.replaceAll(literal, `@@=${by}@@`), text);
    const escaped = marked.replace(/[$%](?=\{)/g, (sign) => sign + sign);
    return escaped.replace(/@@(.+?)@@/g, (_, marker: string) => this.#reference(marker));
  }

  #reference(marker: string): string {
    if (marker.startsWith("=")) return `\${${marker.slice(1)}}`;
    const split = [...marker.matchAll(/\./g)].map(({ index }) => index).reverse();
    for (const at of split) {
      const start = marker.slice(0, at);
      const target = this.#targets.get(start) ?? this.#dataSource(start);
      if (target) return `\${${attribute(target.address, target.block, marker.slice(at + 1), marker)}}`;
    }
    const digest = createHash("sha256").update(marker).digest("hex");
    // What is built by another provider is only a name to AWS.
    return marker.endsWith(".digest") ? `sha256:${digest}` : labelOf(marker);
  }

  #dataSource(start: string): { address: string; block: Block } | undefined {
    const [call = "", ...key] = start.split("/");
    const source = DATA[call];
    const block = source && this.#schema.data_source_schemas[source.type]?.block;
    if (!source || !block) return undefined;
    const label = labelOf(key.join("/"));
    this.#data[source.type] ??= {};
    Object.assign(this.#data[source.type] ?? {}, { [label]: { [source.argument]: key.join("/"), ...source.more } });
    return { address: `data.${source.type}.${label}`, block };
  }
}

/** `domainValidationOptions[0].resourceRecordName` in Terraform's words; a set has no places, a list made of it has. */
function attribute(address: string, block: Block, path: string, marker: string): string {
  const [head = "", index, rest] = /^(\w+)(?:\[(\d+)\]\.(\w+))?$/.exec(path)?.slice(1) ?? [];
  const name = head === "id" ? "id" : terraformName(block, head);
  if (name === undefined) throw new Error(`@@${marker}@@: this version of the provider computes no ${head}.`);
  if (rest === undefined) return `${address}.${name}`;
  return `tolist(${address}.${name})[${index}].${snakeCase(rest)}`;
}
