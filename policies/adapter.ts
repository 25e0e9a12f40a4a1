/** From rules to what @pulumi/policy calls with an engine's resources. */
import {
  type PolicyResource,
  type ResourceValidation,
  type ResourceValidationPolicy,
  type StackValidation,
  type StackValidationPolicy,
  UnknownValueError,
} from "@pulumi/policy";
import { describe } from "./message.ts";
import { isProps, type Props, type Resource, type Rule, UNKNOWN } from "./model.ts";

/** A rule as a policy; one that looks at resources both alone and together becomes one policy that does both. */
export function policyOf(rule: Rule): ResourceValidationPolicy | StackValidationPolicy {
  return {
    name: rule.name,
    description: rule.why,
    ...(rule.check && { validateResource: alone(rule, rule.check) }),
    ...(rule.checkStack && { validateStack: together(rule, rule.checkStack) }),
  } as ResourceValidationPolicy | StackValidationPolicy;
}

const alone =
  (rule: Rule, check: NonNullable<Rule["check"]>): ResourceValidation =>
  ({ type, name, props }, report) => {
    const resource: Resource = { type, name, props: plain(props) as Props, refersTo: () => [] };
    for (const finding of check(resource)) report(describe(rule, resource, finding));
  };

const together =
  (rule: Rule, check: NonNullable<Rule["checkStack"]>): StackValidation =>
  ({ resources }, report) => {
    const urns = new Map<Resource, string>();
    for (const [resource, { urn }] of resourcesOf(resources)) urns.set(resource, urn);
    for (const finding of check([...urns.keys()]))
      report(describe(rule, finding.resource, finding), urns.get(finding.resource));
  };

function resourcesOf(given: readonly PolicyResource[]): Map<Resource, PolicyResource> {
  const byUrn = new Map<string, Resource>();
  const made = new Map<Resource, PolicyResource>();
  for (const source of given) {
    const { type, name, urn, propertyDependencies } = source;
    const resource: Resource = {
      type,
      name,
      props: plain(source.props) as Props,
      // What is known is the id or the name of what it refers to; what is not comes from one of the property's origins.
      refersTo: (property, value) =>
        value === UNKNOWN
          ? (propertyDependencies[property] ?? []).map((origin) => byUrn.get(origin.urn)).filter(isThere)
          : [...made.keys()].filter(({ props: other }) => NAMES.some((key) => isSame(other[key], value))),
    };
    byUrn.set(urn, resource);
    made.set(resource, source);
  }
  return made;
}

/** Properties by which others refer to a resource. */
const NAMES = ["id", "arn", "name", "bucket"] as const;

const isSame = (name: unknown, value: unknown) => typeof name === "string" && name !== "" && name === value;
const isThere = (resource: Resource | undefined): resource is Resource => resource !== undefined;

/** Plain data from what @pulumi/policy guards: reading an unknown value there is an error, here it is a value. */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) return Array.from({ length: value.length }, (_, index) => read(value, index));
  if (!isProps(value)) return value;
  return Object.fromEntries(Object.keys(value).map((key) => [key, read(value, key)]));
}

function read(from: Props | readonly unknown[], key: string | number): unknown {
  try {
    return plain((from as Record<string | number, unknown>)[key]);
  } catch (error) {
    if (error instanceof UnknownValueError) return UNKNOWN;
    throw error;
  }
}
