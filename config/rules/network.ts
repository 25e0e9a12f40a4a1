/** Rules about the private network, and about who may reach the front. */

import { FIRST_BACKEND_OFFSET, POOL_ADDRESSES } from "../bounds.ts";
import { isPrivate, parseNetwork } from "../cidr.ts";
import { broken, type Rule, type RuleProblem, repeated } from "./rule.ts";

const CIDR = "access.privateCidr";

/** Size of the network that the plan chooses if the stack file names none: a /24. */
const DEFAULT_ADDRESSES = 256;
/** The machines get half of a VPC of its own, and each subnet of a load balancer an eighth, which must be at least a /27. */
const SMALLEST_VPC_PREFIX = 24;
/** EC2's own bound, for a VPC and for a subnet. */
const LARGEST_VPC_PREFIX = 16;

const prefixFor = (addresses: number) => 32 - Math.ceil(Math.log2(addresses));

export const privateNetworkFits: Rule = ({ access: { privateCidr }, backends }) => {
  const network = privateCidr === undefined ? null : parseNetwork(privateCidr);
  if (network === null) return [];
  if (!isPrivate(network)) {
    return [
      broken(
        CIDR,
        privateCidr,
        "must lie in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16",
        'Choose a private network that nothing else uses, like "10.97.12.0/24".',
      ),
    ];
  }
  const count = backends.reduce((sum, pool) => sum + pool.count, 0);
  // The first addresses stay free for the gateway and for what you attach; the last is the broadcast address.
  const needed = FIRST_BACKEND_OFFSET + count + 1;
  if (network.size >= needed) return [];
  return [
    broken(
      CIDR,
      privateCidr,
      `must have room for ${count} backends, ${needed} addresses with those that are kept free`,
      `Choose a network with a prefix of at most /${prefixFor(needed)}.`,
      ...backends.map((_, index) => `backends[${index}].count`),
      "backends",
    ),
  ];
};

/** Keys that not every access mode knows. */
type Keys = readonly ("allowedCidrs" | "domain" | "hostedZone" | "requestsPerFiveMinutes" | "privateLinkPrincipals")[];

const NEEDED = {
  ssm: [],
  private: ["allowedCidrs"],
  public: ["allowedCidrs", "domain"],
} as const satisfies Record<string, Keys>;

const UNKNOWN = {
  ssm: ["allowedCidrs", "domain", "hostedZone", "requestsPerFiveMinutes", "privateLinkPrincipals"],
  private: ["domain", "hostedZone", "requestsPerFiveMinutes"],
  public: ["privateLinkPrincipals"],
} as const satisfies Record<string, Keys>;

const EXAMPLES = {
  allowedCidrs: 'Write who may reach it, like ["203.0.113.0/24"].',
  domain: 'Write it like "llm.example.com", in a Route 53 zone of yours.',
} as const;

export const accessHasWhatItsModeNeeds: Rule = ({ target, access }) => {
  if (target !== "aws") return [];
  const mode = access.mode ?? "ssm";
  const problem = (key: Keys[number], rule: string, remedy: string) =>
    broken(`access.${key}`, access[key], `${rule} with access.mode ${mode}`, remedy, "access.mode", "target");
  return [
    ...NEEDED[mode]
      .filter((key) => access[key] === undefined)
      .map((key) => problem(key, "must be given", EXAMPLES[key])),
    ...UNKNOWN[mode]
      .filter((key) => access[key] !== undefined)
      .map((key) => problem(key, "must not be given", "Remove it, or change access.mode.")),
  ];
};

export const networksAreNamedOnce: Rule = ({ access: { allowedCidrs = [] } }) =>
  repeated(allowedCidrs, (index) => `access.allowedCidrs[${index}]`, "Name every network once.");

export const domainLiesInItsZone: Rule = ({ access: { domain, hostedZone } }) => {
  if (domain === undefined || hostedZone === undefined) return [];
  if (domain === hostedZone || domain.endsWith(`.${hostedZone}`)) return [];
  return [
    broken(
      "access.hostedZone",
      hostedZone,
      `must be the end of access.domain, ${domain}`,
      "Name the zone that contains the domain, or leave it out.",
      "access.domain",
    ),
  ];
};

export const vpcHasItsSize: Rule = ({ target, aws, access: { privateCidr } }) => {
  const network = privateCidr === undefined ? null : parseNetwork(privateCidr);
  if (target !== "aws" || network === null) return [];
  const problem = (rule: string, example: string) => [
    broken(CIDR, privateCidr, rule, `Write it like "${example}".`, "target", "aws", "aws.network"),
  ];
  if (aws?.network !== undefined) {
    if (network.prefix >= LARGEST_VPC_PREFIX) return [];
    const rule = `must have a prefix of at least /${LARGEST_VPC_PREFIX} with aws.network, because no subnet is larger`;
    return problem(rule, "10.0.3.64/26");
  }
  if (network.prefix >= LARGEST_VPC_PREFIX && network.prefix <= SMALLEST_VPC_PREFIX) return [];
  return problem(
    `must have a prefix from /${LARGEST_VPC_PREFIX} to /${SMALLEST_VPC_PREFIX} with target aws, because it is a whole VPC`,
    "10.97.12.0/24",
  );
};

export const poolsHaveAddresses: Rule = ({ target, aws, access: { privateCidr }, backends }) => {
  if (target !== "aws") return [];
  const network = privateCidr === undefined ? null : parseNetwork(privateCidr);
  const isOwn = aws?.network === undefined;
  const needed = POOL_ADDRESSES * (backends.length + 1) * (isOwn ? 2 : 1);
  if ((network?.size ?? DEFAULT_ADDRESSES) >= needed) return [];
  // `vpcHasItsSize` reports a VPC that is too small for any cluster.
  if (isOwn && network !== null && network.prefix > SMALLEST_VPC_PREFIX) return [];
  const prefix = prefixFor(needed);
  return [
    broken(
      CIDR,
      privateCidr,
      `must have ${needed} addresses for the front and ${backends.length} pools`,
      `Choose a network with a prefix of at most /${prefix}, like "10.97.0.0/${prefix}", or join pools.`,
      "backends",
      "target",
      "aws.network",
    ),
  ];
};

export const existingNetworkIsWhole: Rule = ({ aws, access }) => {
  const network = aws?.network;
  if (network === undefined) return [];
  const problems: RuleProblem[] = [];
  if (access.privateCidr === undefined) {
    problems.push(
      broken(
        CIDR,
        undefined,
        "must be given with aws.network",
        "Write the part of the subnet's addresses that nothing else uses, like 10.0.3.64/26.",
        "aws.network",
      ),
    );
  }
  if (aws?.availabilityZone !== undefined) {
    problems.push(
      broken(
        "aws.availabilityZone",
        aws.availabilityZone,
        "must not be given with aws.network",
        "Remove it: the subnet already lies in a zone.",
        "aws.network",
      ),
    );
  }
  if (aws?.flowLogs === true) {
    problems.push(
      broken(
        "aws.flowLogs",
        true,
        "must not be given with aws.network",
        "Remove it: configure flow logs where the VPC is defined.",
        "aws.network",
      ),
    );
  }
  const isPublic = access.mode === "public";
  if (isPublic !== (network.publicSubnetIds !== undefined)) {
    problems.push(
      broken(
        "aws.network.publicSubnetIds",
        network.publicSubnetIds,
        isPublic ? "must be given with access.mode public" : "must not be given unless access.mode is public",
        isPublic ? "Name two public subnets of the VPC." : "Remove it, or set access.mode to public.",
        "access.mode",
      ),
    );
  }
  return problems;
};
