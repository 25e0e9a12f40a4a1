/** For tests only: runs the rules over a graph that was captured under mocks, without an engine. The engine enters by `index.ts`. */
import { describe } from "./message.ts";
import { isProps, type Props, type Resource, type Rule } from "./model.ts";
import { RULES } from "./rules/index.ts";

/** A resource as a program registers it. */
export interface RegisteredResource {
  type: string;
  name: string;
  inputs: unknown;
}

/** One rule that a resource breaks. */
export interface Violation {
  /** Name of the rule. */
  rule: string;
  /** `<type> <name>` of the resource. */
  resource: string;
  /** Where in the resource. */
  path: string;
  /** Resource, path, value, rule and remedy: meant for the user as it is. */
  message: string;
}

/**
 * Everything that breaks a rule.
 * @param graph resources whose references are markers: `@@SecurityGroup/front.id@@` for AWS, `@@name.digest@@` for others
 */
export function violationsOf(graph: readonly RegisteredResource[], rules: readonly Rule[] = RULES): Violation[] {
  const resources = resourcesOf(graph);
  return rules.flatMap((rule) => [
    ...resources.flatMap((resource) =>
      (rule.check?.(resource) ?? []).map((finding) => violation(rule, resource, finding)),
    ),
    ...(rule.checkStack?.(resources) ?? []).map((finding) => violation(rule, finding.resource, finding)),
  ]);
}

function violation(rule: Rule, resource: Resource, finding: { path: string; value: unknown }): Violation {
  return {
    rule: rule.name,
    resource: `${resource.type} ${resource.name}`,
    path: finding.path,
    message: describe(rule, resource, finding),
  };
}

function resourcesOf(graph: readonly RegisteredResource[]): Resource[] {
  const resources: Resource[] = graph.map(({ type, name, inputs }) => {
    const written: Props = isProps(inputs) ? inputs : {};
    return {
      type,
      name,
      props: answered(written) as Props,
      refersTo: (_, value) => resources.filter((other) => other.name !== "" && names(value, other)),
    };
  });
  return resources;
}

/** Whether a value names a resource: by a marker, an id of the mocks, or the name that its inputs give it. */
function names(value: unknown, { type, name, props }: Resource): boolean {
  if (typeof value !== "string") return false;
  const marker = type.startsWith("aws:") ? `${type.split(":").at(-1)}/${name}` : name;
  return (
    value.includes(`@@${marker}.`) || value === `${name}-id` || value === props["name"] || value === props["bucket"]
  );
}

const DIGEST = `sha256:${"0".repeat(64)}`;
/** What an engine would put in place of the markers that stand for images. */
const ANSWERS: Readonly<Record<string, string>> = {
  digest: DIGEST,
  imageId: DIGEST,
  ref: `registry.invalid/image@${DIGEST}`,
  repositoryUrl: "123456789012.dkr.ecr.us-east-1.amazonaws.com/llama-rpc-cluster",
};

function answered(value: unknown): unknown {
  if (typeof value === "string")
    return value.replaceAll(/@@[^@]+\.(\w+)@@/g, (marker, output: string) => ANSWERS[output] ?? marker);
  if (Array.isArray(value)) return value.map(answered);
  if (!isProps(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, answered(inner)]));
}
