import { describe, expect, test } from "vitest";
import { type RegisteredResource, violationsOf } from "../../policies/check.ts";
import { graphsOf, STACKS } from "./stack-graphs.ts";

const graphOfStack = graphsOf(STACKS);

describe.each(STACKS)("stack %s", (stack) => {
  test("breaks no rule of the policy pack", async () => {
    const violations = violationsOf(await graphOfStack(stack));
    expect(violations.map(({ rule, message }) => `${rule}: ${message}`)).toEqual([]);
  });
});

type Inputs = Record<string, unknown>;

/** One change of a stack's resources, each of which somebody could make without noticing what it means. */
interface Spoiling {
  title: string;
  /** Resources that it is about: the end of their type, and a part of their name. */
  of: readonly [type: string, name: string];
  /** New inputs; null: the resource is left out. */
  change: (inputs: Inputs) => Inputs | null;
  breaks: string;
}

const ON_AWS: readonly Spoiling[] = [
  {
    title: "the RPC ports are opened to the network instead of the front's group",
    of: [":SecurityGroupIngressRule", "backends-from-front"],
    change: ({ referencedSecurityGroupId: _, ...inputs }) => ({ ...inputs, cidrIpv4: "10.0.0.0/8" }),
    breaks: "rpc-from-the-front-alone",
  },
  {
    title: "the RPC ports are opened to the backends' own group",
    of: [":SecurityGroupIngressRule", "backends-from-front"],
    change: (inputs) => ({ ...inputs, referencedSecurityGroupId: inputs["securityGroupId"] }),
    breaks: "rpc-from-the-front-alone",
  },
  {
    title: "the front may reach every port of a backend",
    of: [":SecurityGroupIngressRule", "backends-from-front"],
    change: (inputs) => ({ ...inputs, fromPort: 1, toPort: 65_535 }),
    breaks: "backend-accepts-rpc-alone",
  },
  {
    title: "a backend may call every address",
    of: [":SecurityGroupEgressRule", "backend-to-s3"],
    change: ({ prefixListId: _, ...inputs }) => ({ ...inputs, cidrIpv4: "0.0.0.0/0" }),
    breaks: "backend-has-no-way-out",
  },
  {
    title: "backends are in no group of their own",
    of: [":NetworkInterface", "gpu"],
    change: ({ securityGroups: _, ...inputs }) => inputs,
    breaks: "backend-has-its-own-group",
  },
  {
    title: "the default group is forgotten",
    of: [":DefaultSecurityGroup", ""],
    change: () => null,
    breaks: "default-group-is-empty",
  },
  {
    title: "the subnets give public addresses",
    of: [":Subnet", "cluster"],
    change: (inputs) => ({ ...inputs, mapPublicIpOnLaunch: true }),
    breaks: "no-public-address",
  },
  {
    title: "the machines' table gets a way out",
    of: [":RouteTable", "isolated"],
    change: (inputs) => ({ ...inputs, routes: [{ cidrBlock: "0.0.0.0/0", gatewayId: "igw-1" }] }),
    breaks: "machines-have-no-route-out",
  },
  {
    title: "the metadata service answers without a token",
    of: [":Instance", ""],
    change: (inputs) => ({ ...inputs, metadataOptions: { httpTokens: "optional", httpPutResponseHopLimit: 1 } }),
    breaks: "imds-v2-with-one-hop",
  },
  {
    title: "the disks are not encrypted",
    of: [":Instance", ""],
    change: (inputs) => ({
      ...inputs,
      rootBlockDevice: { ...(inputs["rootBlockDevice"] as Inputs), encrypted: false },
    }),
    breaks: "volumes-are-encrypted",
  },
  {
    title: "the bucket's policy is forgotten",
    of: [":BucketPolicy", ""],
    change: () => null,
    breaks: "bucket-wants-tls",
  },
  {
    title: "the bucket's encryption is forgotten",
    of: [":BucketServerSideEncryptionConfiguration", ""],
    change: () => null,
    breaks: "bucket-is-encrypted",
  },
  {
    title: "the bucket's block is forgotten",
    of: [":BucketPublicAccessBlock", ""],
    change: () => null,
    breaks: "bucket-is-private",
  },
  {
    title: "the key is kept in plain text",
    of: [":Parameter", "api-key"],
    change: (inputs) => ({ ...inputs, type: "String" }),
    breaks: "key-is-a-secure-string",
  },
  {
    title: "a machine pulls a tag",
    of: [":Instance", ""],
    change: (inputs) => ({
      ...inputs,
      userData: String(inputs["userData"]).replaceAll(/@@@[^@]+\.digest@@/g, ":latest"),
    }),
    breaks: "images-by-digest",
  },
  {
    title: "the key is written into user data",
    of: [":Instance", "front"],
    change: (inputs) => ({ ...inputs, userData: `${inputs["userData"]}\n# LLAMA_API_KEY=0123456789abcdef` }),
    breaks: "no-secret-in-plain-sight",
  },
  {
    title: "image tags may be moved",
    of: [":Repository", "registry-c"],
    change: (inputs) => ({ ...inputs, imageTagMutability: "MUTABLE" }),
    breaks: "image-tags-stay",
  },
  {
    title: "a role may do all of a service",
    of: [":RolePolicy", "front"],
    change: (inputs) => ({ ...inputs, policy: String(inputs["policy"]).replace('"s3:GetObject"', '"s3:*"') }),
    breaks: "actions-are-named",
  },
  {
    title: "a role may read every bucket",
    of: [":RolePolicy", "front"],
    change: (inputs) => ({ ...inputs, policy: String(inputs["policy"]).replaceAll(/@@Bucket[^@]+@@[^"]*/g, "*") }),
    breaks: "resources-are-named",
  },
  {
    title: "everybody may take a machine's role",
    of: [":Role", ""],
    change: (inputs) => ({
      ...inputs,
      assumeRolePolicy: String(inputs["assumeRolePolicy"]).replace(/\{"Service":"[^"]+"\}/, '"*"'),
    }),
    breaks: "principals-are-named",
  },
  {
    title: "a machine's tags are forgotten",
    of: [":Instance", ""],
    change: ({ tags: _, ...inputs }) => inputs,
    breaks: "tagged",
  },
];

describe("stack aws-dev, spoilt", () => {
  test.each(ON_AWS)("breaks $breaks when $title", async ({ of: [type, name], change, breaks }) => {
    const graph = await graphOfStack("aws-dev");
    const isMeant = (node: RegisteredResource) => node.type.endsWith(type) && node.name.includes(name);
    expect(graph.some(isMeant), `no resource ${type} whose name holds "${name}": correct the test`).toBe(true);
    const spoilt = graph.flatMap((node) => {
      if (!isMeant(node)) return [node];
      const inputs = change(node.inputs as Inputs);
      return inputs === null ? [] : [{ ...node, inputs }];
    });
    expect(violationsOf(spoilt).map(({ rule }) => rule)).toContain(breaks);
  });
});
