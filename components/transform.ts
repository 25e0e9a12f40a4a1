/**
 * The one escape hatch of a child resource: takes the arguments that the component would use and returns those that
 * it shall use. It is for what no option covers; whatever the plan decides (addresses, memory, flags) stays the plan's.
 */
export type Transform<Args> = (args: Args) => Args;

/** Applies a transform where there is one. */
export function transformed<Args>(transform: Transform<Args> | undefined, args: Args): Args {
  return transform ? transform(args) : args;
}
