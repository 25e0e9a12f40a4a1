/** How a stack's resources are recognized: by tag, or by name if they have no tags or do not list them. */

/** Tag, or label, of every resource of a stack. */
export const STACK_TAG = "llama-rpc-cluster/stack";
/** Path of a stack's roles and parameters. */
export const pathOf = (stack: string): string => `/llama-rpc-cluster/${stack}/`;

/**
 * Whether a physical name belongs to this stack: `llama-rpc-cluster-aws-dev-front` belongs to `aws-dev` and not to `aws`, if
 * a stack `aws-dev` exists.
 */
export function isNameOf(name: string, stack: string, stacks: readonly string[]): boolean {
  const isOf = (one: string) => name.startsWith(`llama-rpc-cluster-${one}-`);
  return isOf(stack) && !stacks.some((other) => other.length > stack.length && isOf(other));
}
