/** The parts of `terraform providers schema -json` that a translation needs. */

/** A block's attributes and the blocks inside it. */
export interface Block {
  attributes?: Readonly<Record<string, Attribute>>;
  block_types?: Readonly<Record<string, { nesting_mode: string; max_items?: number; block: Block }>>;
}

export interface Attribute {
  required?: boolean;
  optional?: boolean;
  computed?: boolean;
  nested_type?: Block & { nesting_mode: string };
}

/** One provider's types. */
export interface ProviderSchema {
  resource_schemas: Readonly<Record<string, { block: Block }>>;
  data_source_schemas: Readonly<Record<string, { block: Block }>>;
}

/** The AWS provider's part of what terraform prints. */
export function awsSchema(text: string): ProviderSchema {
  const printed = JSON.parse(text) as { provider_schemas: Readonly<Record<string, ProviderSchema>> };
  const schema = Object.entries(printed.provider_schemas).find(([name]) => name.endsWith("/hashicorp/aws"))?.[1];
  if (!schema) throw new Error("terraform knows no schema of hashicorp/aws: has `terraform init` found the provider?");
  return schema;
}
