/** The parts of the stack file that are about AWS: machines, what they may cost, and when they run. */

import * as z from "zod";
import { isCidr } from "../cidr.ts";
import { REGIONS } from "../regions.ts";
import { WEEKDAYS } from "../time.ts";
import { mapping, noteOf, notes, oneOf } from "./fields.ts";

/** An EC2 type; whether there is such a type, the catalog knows. */
export const machine = () =>
  z
    .string()
    .regex(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/)
    .register(notes, {
      rule: "the name of an EC2 instance type",
      remedy: 'Write it like "g6e.xlarge" or "c8g.16xlarge".',
      whenAbsent: "required with target aws, not allowed with target docker",
    });

export const market = () =>
  oneOf(
    ["on-demand", "spot", "capacity-block"],
    'Write "spot" for machines that cost less and that EC2 may stop at any time.',
  );

/** A capacity reservation, and so a capacity block too, which is one that was paid in advance. */
export const reservation = () =>
  z
    .string()
    .regex(/^cr-[0-9a-f]{8,17}$/)
    .register(notes, {
      rule: "the id of a capacity reservation",
      remedy: 'Write it like "cr-0123456789abcdef0"; `aws ec2 describe-capacity-reservations` lists yours.',
      whenAbsent: "whatever capacity there is; required with market capacity-block",
    });

const identifier = (kind: "vpc" | "subnet", example: string) =>
  z
    .string()
    .regex(new RegExp(`^${kind}-[0-9a-f]{8,17}$`))
    .register(notes, { rule: `the id of a ${kind}`, remedy: `Write it like "${example}".` });

const trueOrFalse = () =>
  z
    .boolean()
    .default(false)
    .register(notes, { rule: "true or false", remedy: "Write true or false without quotation marks." });

const networkSchema = z
  .strictObject({
    vpcId: identifier("vpc", "vpc-0123456789abcdef0").describe("The VPC."),
    subnetId: identifier("subnet", "subnet-0123456789abcdef0").describe(
      "Private subnet of the machines; `access.privateCidr` says which part of its addresses is the cluster's.",
    ),
    publicSubnetIds: z
      .array(identifier("subnet", "subnet-0123456789abcdef0"))
      .min(2)
      .optional()
      .register(notes, {
        rule: "a list of at least two ids of subnets",
        remedy: "Name public subnets in two zones, as a load balancer wants.",
        whenAbsent: "required with access.mode public, not allowed otherwise",
      })
      .describe("Public subnets of the load balancer, in two zones at least."),
  })
  .register(notes, mapping("Write `vpcId:` and `subnetId:` below it, or leave the key out for a network of its own."));

/** An object in a bucket takes ten tags (docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html); three are ours. */
const MOST_TAGS = 7;

/** What target aws needs to know besides the machines. */
export const awsSchema = z
  .strictObject({
    region: oneOf(REGIONS, "Choose one of these; the catalog knows the prices of no other.").describe(
      "AWS region of the cluster.",
    ),
    vcpuQuotas: z
      .custom<Readonly<Record<string, number>>>(isQuotas)
      .default({})
      .register(notes, {
        rule: "a mapping of quota codes to whole numbers of vCPUs",
        remedy: 'Write it like { "L-DB2E81BA": 96 }; Service Quotas shows what your account has.',
      })
      .describe("vCPUs that your account may run, by quota code; what is not given is taken to have to be asked for."),
    availabilityZone: z
      .string()
      .regex(/^[a-z]{2}(-[a-z]+)+-\d[a-z]$/)
      .optional()
      .register(notes, {
        rule: "the name of an availability zone",
        remedy: 'Write it like "us-east-1b", or leave it out.',
        whenAbsent: "the first zone that offers every type of the cluster",
      })
      .describe("Zone of all machines."),
    network: networkSchema
      .optional()
      .register(notes, { ...noteOf(networkSchema), whenAbsent: "a VPC of its own without a way out" })
      .describe("A network that exists: nothing but security groups is created in it."),
    huggingFaceTokenParameter: z
      .string()
      .regex(/^\/[\w./-]{1,500}$/)
      .optional()
      .register(notes, {
        rule: "the name of an SSM parameter, from the first slash on",
        remedy: 'Write it like "/tokens/hugging-face"; `aws ssm put-parameter --type SecureString` makes one.',
        whenAbsent: "models that everybody may read",
      })
      .describe("SSM SecureString with a token of Hugging Face, for a gated model; the import job alone reads it."),
    flowLogs: trueOrFalse().describe("Log the connections that the network refuses; costs what CloudWatch Logs costs."),
    protection: trueOrFalse().describe(
      "For production: machines can't be stopped or terminated by hand, and images and the model's bucket outlive `destroy` until this is off.",
    ),
    tags: z
      .custom<Readonly<Record<string, string>>>(isTags)
      .default({})
      .register(notes, {
        rule: `a mapping of at most ${MOST_TAGS} tags to texts, none of which begins with aws: or llama-rpc-cluster/`,
        remedy: 'Write it like { owner: "ml-team", cost-centre: "1234" }.',
      })
      .describe("Tags of everything that is created, beside the cluster's own."),
  })
  .register(notes, mapping("Write `region: us-east-1` below it, or leave the key out with target docker."));

export const accessSchema = z
  .strictObject({
    mode: oneOf(["ssm", "private", "public"], 'Write "ssm" unless others than you must reach the front.')
      .optional()
      .register(notes, {
        rule: '"ssm", "private" or "public"',
        remedy: 'Write "ssm" unless others than you must reach the front.',
        whenAbsent: "ssm; not allowed with target docker",
      })
      .describe(
        "How the front is reached, with target aws: through a session of yours, from networks of yours, or from the Internet.",
      ),
    privateCidr: z
      .string()
      .refine(isCidr)
      .optional()
      .register(notes, {
        rule: "an IPv4 network in CIDR notation with no host bits set",
        remedy: 'Write it like "10.97.12.0/24".',
        whenAbsent: "derived from the stack's name, the same on every run",
      })
      .describe(
        "Private network of the RPC traffic; with target aws the whole VPC, or the cluster's part of a subnet that exists.",
      ),
    allowedCidrs: z
      .array(
        z.string().refine(isCidr).register(notes, {
          rule: "an IPv4 network in CIDR notation with no host bits set",
          remedy: 'Write it like "203.0.113.0/24"; "0.0.0.0/0" is everybody.',
        }),
      )
      .min(1)
      .optional()
      .register(notes, {
        rule: "a list of IPv4 networks",
        remedy: 'Write it like ["203.0.113.0/24"].',
        whenAbsent: "required with access.mode private and public, not allowed otherwise",
      })
      .describe("Who may reach the load balancer in front of the front; everybody needs the API key besides."),
    domain: z
      .string()
      .regex(/^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$/)
      .optional()
      .register(notes, {
        rule: "the name of a host in small letters",
        remedy: 'Write it like "llm.example.com".',
        whenAbsent: "required with access.mode public, not allowed otherwise",
      })
      .describe("Name of the public endpoint; gets a certificate and a DNS record."),
    hostedZone: z
      .string()
      .regex(/^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$/)
      .optional()
      .register(notes, {
        rule: "the name of a public hosted zone of Route 53",
        remedy: 'Write it like "example.com".',
        whenAbsent: "`access.domain` without its first part",
      })
      .describe("Route 53 zone that the domain lies in."),
    requestsPerFiveMinutes: z
      .int()
      .min(10)
      .max(2_000_000)
      .optional()
      .register(notes, {
        rule: "a whole number from 10 to 2000000",
        remedy: "Give the requests that one address may make in five minutes, like 300.",
        whenAbsent: "no limit, and no web firewall",
      })
      .describe("Requests of one address in five minutes, above which a web firewall (WAF) answers 403."),
    privateLinkPrincipals: z
      .array(
        z
          .string()
          .regex(/^arn:aws[a-z-]*:iam::\d{12}:\S+$/)
          .register(notes, {
            rule: "the ARN of an account, a user or a role",
            remedy: 'Write it like "arn:aws:iam::123456789012:root".',
          }),
      )
      .min(1)
      .optional()
      .register(notes, {
        rule: "a list of ARNs of accounts, users or roles",
        remedy: 'Write it like ["arn:aws:iam::123456789012:root"].',
        whenAbsent: "no PrivateLink service",
      })
      .describe("Who may connect to the front through a PrivateLink endpoint of theirs, with access.mode private."),
  })
  .register(notes, mapping("Write `privateCidr: 10.97.12.0/24` below it, or leave the key out."));

const timeOfDay = () =>
  z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/)
    .register(notes, {
      rule: "a time of day from 00:00 to 23:59, in quotation marks",
      remedy: 'Write it like "08:00".',
    });

const scheduleSchema = z
  .strictObject({
    days: z
      .array(oneOf(WEEKDAYS, "Write the first three letters of each day."))
      .min(1)
      .default([...WEEKDAYS])
      .register(notes, { rule: "a list of days", remedy: "Write it like [mon, tue, wed, thu, fri]." })
      .describe("Days on which the machines run."),
    start: timeOfDay().describe("When the machines are started."),
    stop: timeOfDay().describe("When they are stopped: later on the same day, or the next day if it is earlier."),
    timeZone: z
      .string()
      .refine(isTimeZone)
      .default("UTC")
      .register(notes, {
        rule: "the name of a time zone",
        remedy: 'Write it like "Europe/Berlin"; leave it out for UTC.',
      })
      .describe("Time zone of start and stop."),
  })
  .register(notes, mapping('Write `start: "08:00"` and `stop: "18:00"` below it, or leave the key out.'));

/** When the machines run. */
export type Schedule = z.output<typeof scheduleSchema>;

export const limitsSchema = z
  .strictObject({
    maxHourlyUsd: z
      .number()
      .positive()
      .optional()
      .register(notes, {
        rule: "a number of US dollars above 0",
        remedy: "Write it like 1.5, without a currency sign.",
        whenAbsent: "no limit",
      })
      .describe("US dollars per hour above which the preview is refused."),
    maxMonthlyUsd: z
      .number()
      .positive()
      .optional()
      .register(notes, {
        rule: "a number of US dollars above 0",
        remedy: "Write it like 400, without a currency sign.",
        whenAbsent: "no limit",
      })
      .describe(
        "US dollars per month above which the preview is refused; with `limits.alarmEmail` a budget watches it too.",
      ),
    alarmEmail: z
      .email()
      .optional()
      .register(notes, {
        rule: "an e-mail address",
        remedy: 'Write it like "ops@example.com".',
        whenAbsent: "nobody is told; not allowed with target docker",
      })
      .describe("Who is told when the budget is used up, a machine is broken or the public front does not answer."),
    stopAfterIdleMinutes: z
      .int()
      .min(10)
      .max(10_080)
      .optional()
      .register(notes, {
        rule: "a whole number from 10 to 10080",
        remedy: "Give the minutes without a request after which the machines stop, like 60.",
        whenAbsent: "never; not allowed with target docker",
      })
      .describe("Minutes without a request after which the machines of target aws stop themselves."),
    stopAfterHours: z
      .int()
      .min(1)
      .max(8760)
      .optional()
      .register(notes, {
        rule: "a whole number from 1 to 8760",
        remedy: "Give the hours after each start after which the machines stop, like 8.",
        whenAbsent: "never; not allowed with target docker",
      })
      .describe("Hours after each start after which the machines of target aws stop themselves."),
    schedule: scheduleSchema
      .optional()
      .register(notes, { ...mapping('Write `start: "08:00"` and `stop: "18:00"` below it.'), whenAbsent: "always on" })
      .describe("When the machines of target aws run; costs per month go by it."),
  })
  .register(notes, mapping("Write `maxHourlyUsd: 1.5` below it, or leave the key out."));

function isQuotas(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(
    ([code, vcpus]) => /^L-[0-9A-F]{8}$/.test(code) && Number.isInteger(vcpus) && vcpus >= 0,
  );
}

const TAG = /^(?!aws:|llama-rpc-cluster\/)[\w .:/=+@-]{1,128}$/;

function isTags(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const tags = Object.entries(value);
  return (
    tags.length <= MOST_TAGS &&
    tags.every(([key, text]) => TAG.test(key) && typeof text === "string" && /^[\w .:/=+@-]{0,256}$/.test(text))
  );
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    // The constructor is the only way to ask.
    return false;
  }
}
