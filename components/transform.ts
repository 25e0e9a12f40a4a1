/**
 * The escape hatch of a child resource: it gets the component's arguments and returns the ones to use. Use it if no option
 * covers the case. Do not change what the plan decides (addresses, memory, flags).
 */
export type Transform<Args> = (args: Args) => Args;

/** Applies a transform if one is given. */
export function transformed<Args>(transform: Transform<Args> | undefined, args: Args): Args {
  return transform ? transform(args) : args;
}
