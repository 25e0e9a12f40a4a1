import type * as pulumi from "@pulumi/pulumi";

/** The one cluster of this project's program. Only its children ever had names without a prefix. */
const FIRST_CLUSTER = "cluster";

/**
 * Options that tell the engine under which name a resource is in the state of a cluster that is up, so that it is kept
 * and not replaced. Resources whose names begin with their component's need none: they follow their component.
 * @param name what the resource is called
 * @param formerName what older states call it
 * @param formerType token of a component's type there. @default the same
 */
export function formerly(
  name: string,
  formerName: string,
  formerType?: string,
): Pick<pulumi.ComponentResourceOptions, "aliases"> {
  // Two clusters that both claimed the old names would take each other's resources.
  if (name !== FIRST_CLUSTER && !name.startsWith(`${FIRST_CLUSTER}-`)) return {};
  return { aliases: [{ name: formerName, ...(formerType === undefined ? {} : { type: formerType }) }] };
}
