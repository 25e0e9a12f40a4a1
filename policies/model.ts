/** What rules are made of and what they look at: plain data, so that they run over an engine's resources and over captured graphs. */

/** Stands for a value that nobody knows before the resource is made. */
export const UNKNOWN: unique symbol = Symbol("not known before it is made");

/** A resource's properties by name; anything in them may be `UNKNOWN`. */
export type Props = Readonly<Record<string, unknown>>;

/** One resource, of whatever provider. */
export interface Resource {
  /** Token: `aws:ec2/instance:Instance`. */
  readonly type: string;
  readonly name: string;
  readonly props: Props;
  /**
   * The stack's resources that a value of this one refers to: known by their ids and names, and while those are unknown
   * by what the property depends on.
   * @param property top-level property that holds the value
   */
  readonly refersTo: (property: string, value: unknown) => readonly Resource[];
}

/** One thing that breaks a rule. */
export interface Finding {
  /** Where in the resource: `metadataOptions.httpTokens`; empty for the resource as a whole. */
  path: string;
  /** What stands there; undefined if nothing does. Never a secret: messages end up in logs. */
  value: unknown;
}

/** One that needs the other resources to be seen. */
export interface StackFinding extends Finding {
  resource: Resource;
}

/** What must hold. A rule looks at each resource alone, at all of them together, or both. */
export interface Rule {
  /** Part of the pack's configuration: never changed. */
  name: string;
  /** What must hold, as a clause. */
  must: string;
  /** What happens otherwise. */
  why: string;
  /** One sentence that says what to do. */
  remedy: string;
  /** Before a resource is made: a finding prevents it. */
  check?: (resource: Resource) => Finding[];
  /** Once all resources are known. */
  checkStack?: (resources: readonly Resource[]) => StackFinding[];
}

/** Token of a type of the AWS provider: `aws("ec2", "Instance")`. */
export function aws(module: string, kind: string): string {
  return `aws:${module}/${kind.charAt(0).toLowerCase()}${kind.slice(1)}:${kind}`;
}

/** Token of a type of the Docker provider. */
export function docker(kind: string): string {
  return `docker:index/${kind.charAt(0).toLowerCase()}${kind.slice(1)}:${kind}`;
}

/** The value at `a.b`; UNKNOWN if what it is in is unknown, undefined if there is none. */
export function at(value: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((inner, key) => {
    if (inner === UNKNOWN) return UNKNOWN;
    return isProps(inner) ? inner[key] : undefined;
  }, value);
}

export function isProps(value: unknown): value is Props {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A list's elements; none of what is absent, empty or unknown. */
export function elements(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Whether something is written there. Providers answer with an empty text or list, or zero, where nothing is. */
export function isSet(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return value !== undefined && value !== null && value !== "" && value !== 0 && value !== false;
}

/** Whether a value is the wanted one, as far as it is known; launch templates write booleans and numbers as texts. */
export function is(value: unknown, wanted: string | number | boolean): boolean {
  return value === UNKNOWN || String(value) === String(wanted);
}

const PREFIX = "llama-rpc-cluster/";
/** Tag or label that says whose a resource is. */
export const STACK_TAG = `${PREFIX}stack`;
/** Tag or label that says what a resource is for. */
export const ROLE_TAG = `${PREFIX}role`;

/** Tags or labels by name, in whichever form the type writes them; undefined if they are unknown. */
export function tagsOf({ props }: Resource): Readonly<Record<string, unknown>> | undefined {
  const { labels, tags, tagsAll } = props;
  const written = labels ?? tags ?? tagsAll;
  if (written === UNKNOWN) return undefined;
  if (Array.isArray(written)) {
    const pairs = written.filter(isProps).map((pair) => [String(pair["label"] ?? pair["key"]), pair["value"]]);
    return Object.fromEntries(pairs);
  }
  // `tagsAll` holds the provider's default tags as well, but an engine may not know it yet.
  return { ...(isProps(tagsAll) && tagsAll), ...(isProps(written) && written) };
}

/** What a resource is for, as it says itself. */
export function roleOf(resource: Resource): string | undefined {
  const role = tagsOf(resource)?.[ROLE_TAG];
  return typeof role === "string" ? role : undefined;
}
