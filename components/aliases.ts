import type * as pulumi from "@pulumi/pulumi";

/** Name of this program's cluster. Only children of this cluster ever had names without a prefix. */
const FIRST_CLUSTER = "cluster";

/**
 * Alias options: they give the engine the name of a resource in older states, so that it keeps the resource instead of
 * replacing it. A resource whose name begins with its component's name needs none, because it follows its component.
 * @param name name of the resource
 * @param formerName its name in older states
 * @param formerType type token of a component in older states. @default the same
 */
export function formerly(
  name: string,
  formerName: string,
  formerType?: string,
): Pick<pulumi.ComponentResourceOptions, "aliases"> {
  // If two clusters claimed the old names, they would take each other's resources.
  if (name !== FIRST_CLUSTER && !name.startsWith(`${FIRST_CLUSTER}-`)) return {};
  return { aliases: [{ name: formerName, ...(formerType === undefined ? {} : { type: formerType }) }] };
}
