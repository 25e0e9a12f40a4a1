/** By what a stack's things are known: the tag that all carry, and names for what has no tags or does not show them. */

/** Tag, or label, of everything that a stack creates. */
export const STACK_TAG = "llama-rpc-cluster/stack";
/** Path of a stack's roles and parameters. */
export const pathOf = (stack: string): string => `/llama-rpc-cluster/${stack}/`;

/**
 * Whether a physical name is of this stack: `llama-rpc-cluster-aws-dev-front` is of `aws-dev` and not of `aws`, if there is
 * a stack `aws-dev`.
 */
export function isNameOf(name: string, stack: string, stacks: readonly string[]): boolean {
  const isOf = (one: string) => name.startsWith(`llama-rpc-cluster-${one}-`);
  return isOf(stack) && !stacks.some((other) => other.length > stack.length && isOf(other));
}
