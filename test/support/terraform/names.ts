/** Pulumi's names of properties and Terraform's. */

import type { Block } from "./schema.ts";

/** `vpcSecurityGroupIds` -> `vpc_security_group_ids`. */
export const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** `cidr_ipv4` -> `cidrIpv4`. */
export const camelCase = (name: string) => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** Pulumi's names for a property of a block: itself, or its plural where Terraform repeats a singular. */
function pulumiNames(name: string): string[] {
  const camel = camelCase(name);
  return [camel, `${camel}s`, `${camel}es`, camel.replace(/y$/, "ies")];
}

/** Terraform's name for one of Pulumi's in a block, or undefined where the block has none such. */
export function terraformName(block: Block, name: string): string | undefined {
  const own = [...Object.keys(block.attributes ?? {}), ...Object.keys(block.block_types ?? {})];
  return own.find((candidate) => camelCase(candidate) === name) ?? own.find((one) => pulumiNames(one).includes(name));
}

/** A label for Terraform: letters, digits, `_` and `-`, not beginning with a digit. */
export const labelOf = (name: string) => name.replace(/[^\w-]/g, "_").replace(/^(?=[^A-Za-z_])/, "_");
