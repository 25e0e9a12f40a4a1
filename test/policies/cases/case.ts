import type { RegisteredResource } from "../../../policies/check.ts";

/** Resources that break one rule, or that keep it where breaking it is near. */
export interface Case {
  /** Name of the rule. */
  rule: string;
  /** What is done, as the end of a sentence. */
  title: string;
  resources: readonly RegisteredResource[];
  /** Where the rule is broken, as `<name of the resource> <path>`; none: it is kept. */
  broken: readonly string[];
  /** Only seen once ids are known: a preview can't read a text that an unknown value is part of. */
  afterwards?: true;
}

export type Inputs = Readonly<Record<string, unknown>>;

export const aws = (type: string, name: string, inputs: Inputs): RegisteredResource => ({
  type: `aws:${type}`,
  name,
  inputs,
});

export const tags = (role: string): Inputs => ({ "llama-rpc-cluster/stack": "test", "llama-rpc-cluster/role": role });

export const labels = (role: string) => Object.entries(tags(role)).map(([label, value]) => ({ label, value }));

/** The cases of one rule. */
export function casesOf(
  rule: string,
  cases: readonly [title: string, resources: readonly RegisteredResource[], broken?: readonly string[]][],
): Case[] {
  return cases.map(([title, resources, broken = []]) => ({ rule, title, resources, broken }));
}

/** Cases of a rule that needs ids to be known. */
export const afterwards = (cases: readonly Case[]): Case[] => cases.map((one) => ({ ...one, afterwards: true }));

/** Reference to an output of a resource, as captured graphs write it. */
export const ref = (kind: string, name: string, output = "id") => `@@${kind}/${name}.${output}@@`;

export const FRONT_GROUP = aws("ec2/securityGroup:SecurityGroup", "front", { tags: tags("front") });
export const BACKEND_GROUP = aws("ec2/securityGroup:SecurityGroup", "backend", { tags: tags("backend") });
export const ENDPOINT_GROUP = aws("ec2/securityGroup:SecurityGroup", "endpoints", { tags: tags("endpoint") });
