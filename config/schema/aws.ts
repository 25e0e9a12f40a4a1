import * as z from "zod";
import { REGIONS } from "../regions.ts";
import { absent, mapping, notes, oneOf, trueOrFalse, written } from "./fields.ts";
import { tagsSchema } from "./tags.ts";

const identifier = (kind: "vpc" | "subnet", example: string) =>
  written(new RegExp(`^${kind}-[0-9a-f]{8,17}$`), `the id of a ${kind}`, `Write it like "${example}".`);

const networkSchema = z
  .strictObject({
    vpcId: identifier("vpc", "vpc-0123456789abcdef0").describe("The VPC."),
    subnetId: identifier("subnet", "subnet-0123456789abcdef0").describe(
      "Private subnet of the machines; `access.privateCidr` says which part of its addresses is the cluster's.",
    ),
    publicSubnetIds: absent(
      z.array(identifier("subnet", "subnet-0123456789abcdef0")).min(2).register(notes, {
        rule: "a list of at least two ids of subnets",
        remedy: "Name public subnets in two zones, because a load balancer needs them.",
      }),
      "required with access.mode public, not allowed otherwise",
    ).describe("Public subnets of the load balancer, in at least two zones."),
  })
  .register(notes, mapping("Write `vpcId:` and `subnetId:` below it, or leave the key out for a network of its own."));

/** The settings of target aws that are about the account and not about one machine. */
export const awsSchema = z
  .strictObject({
    region: oneOf(REGIONS, "Choose one of these: the catalog has prices for no other region.").describe(
      "AWS region of the cluster.",
    ),
    vcpuQuotas: z
      .custom<Readonly<Record<string, number>>>(isQuotas)
      .default({})
      .register(notes, {
        rule: "a mapping of quota codes to whole numbers of vCPUs",
        remedy: 'Write it like { "L-DB2E81BA": 96 }; Service Quotas shows what your account has.',
      })
      .describe(
        "vCPUs that your account may run, by quota code; the plan assumes that you must ask for a quota that is not given.",
      ),
    availabilityZone: absent(
      written(
        /^[a-z]{2}(-[a-z]+)+-\d[a-z]$/,
        "the name of an availability zone",
        'Write it like "us-east-1b", or leave it out.',
      ),
      "the first zone that offers every type of the cluster",
    ).describe("Zone of all machines."),
    network: absent(networkSchema, "a VPC of its own without a way out").describe(
      "An existing network: only security groups are created in it.",
    ),
    huggingFaceTokenParameter: absent(
      written(
        /^\/[\w./-]{1,500}$/,
        "the name of an SSM parameter, from the first slash on",
        'Write it like "/tokens/hugging-face"; `aws ssm put-parameter --type SecureString` makes one.',
      ),
      "models that everybody may read",
    ).describe("SSM SecureString with a Hugging Face token, for a gated model; only the import job reads it."),
    flowLogs: trueOrFalse()
      .default(false)
      .describe("Log the connections that the network refuses; CloudWatch Logs charges for it."),
    protection: trueOrFalse()
      .default(false)
      .describe(
        "For production: machines can't be stopped or terminated by hand, and images and the model's bucket outlive `destroy` until this is off.",
      ),
    tags: tagsSchema.describe("Tags of everything that is created, in addition to the cluster's own."),
  })
  .register(notes, mapping("Write `region: us-east-1` below it, or leave the key out with target docker."));

function isQuotas(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(
    ([code, vcpus]) => /^L-[0-9A-F]{8}$/.test(code) && Number.isInteger(vcpus) && vcpus >= 0,
  );
}
