/** Rules between fields that only target aws knows. */

import { POOL_ADDRESSES } from "../bounds.ts";
import { parseNetwork } from "../cidr.ts";
import { fileCount, isLocalSource } from "../model-source.ts";
import type { Rule, RuleProblem } from "./rule.ts";

/** What one access mode wants and what it does not know. */
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

const EXAMPLES: Readonly<Record<string, string>> = {
  allowedCidrs: 'Write who may reach it, like ["203.0.113.0/24"].',
  domain: 'Write it like "llm.example.com", in a Route 53 zone of yours.',
};

const accessHasWhatItsModeNeeds: Rule = ({ target, access }) => {
  if (target !== "aws") return [];
  const mode = access.mode ?? "ssm";
  const involving = (key: string) => [`access.${key}`, "access.mode", "target"];
  return [
    ...NEEDED[mode].flatMap((key): RuleProblem[] =>
      access[key] !== undefined
        ? []
        : [
            {
              path: `access.${key}`,
              value: undefined,
              rule: `must be given with access.mode ${mode}`,
              remedy: EXAMPLES[key] ?? "",
              involves: involving(key),
            },
          ],
    ),
    ...UNKNOWN[mode].flatMap((key): RuleProblem[] =>
      access[key] === undefined
        ? []
        : [
            {
              path: `access.${key}`,
              value: access[key],
              rule: `must not be given with access.mode ${mode}`,
              remedy: "Remove it, or change access.mode.",
              involves: involving(key),
            },
          ],
    ),
  ];
};

const networksAreNamedOnce: Rule = ({ access: { allowedCidrs = [] } }) =>
  allowedCidrs.flatMap((cidr, index): RuleProblem[] => {
    const first = allowedCidrs.indexOf(cidr);
    if (first === index) return [];
    const [here, other] = [`access.allowedCidrs[${index}]`, `access.allowedCidrs[${first}]`];
    return [
      {
        path: here,
        value: cidr,
        rule: `must differ from ${other}`,
        remedy: "Name every network once.",
        involves: [here, other],
      },
    ];
  });

const domainLiesInItsZone: Rule = ({ access: { domain, hostedZone } }) => {
  if (domain === undefined || hostedZone === undefined) return [];
  if (domain === hostedZone || domain.endsWith(`.${hostedZone}`)) return [];
  return [
    {
      path: "access.hostedZone",
      value: hostedZone,
      rule: `must be the end of access.domain, ${domain}`,
      remedy: "Name the zone that the domain lies in, or leave it out.",
      involves: ["access.hostedZone", "access.domain"],
    },
  ];
};

const zoneLiesInRegion: Rule = ({ aws }) => {
  if (aws?.availabilityZone === undefined || aws.availabilityZone.startsWith(aws.region)) return [];
  return [
    {
      path: "aws.availabilityZone",
      value: aws.availabilityZone,
      rule: `must lie in aws.region, ${aws.region}`,
      remedy: `Write it like "${aws.region}a", or leave it out.`,
      involves: ["aws.availabilityZone", "aws.region"],
    },
  ];
};

/** Of a VPC of its own the machines get a half, and each subnet of a load balancer an eighth, which must be a /27. */
const SMALLEST_VPC_PREFIX = 24;
/** EC2's own bound. */
const LARGEST_VPC_PREFIX = 16;

const vpcHasItsSize: Rule = ({ target, aws, access }) => {
  const path = "access.privateCidr";
  const network = access.privateCidr === undefined ? null : parseNetwork(access.privateCidr);
  if (target !== "aws" || aws?.network !== undefined || network === null) return [];
  if (network.prefix >= LARGEST_VPC_PREFIX && network.prefix <= SMALLEST_VPC_PREFIX) return [];
  return [
    {
      path,
      value: access.privateCidr,
      rule: `must have a prefix from /${LARGEST_VPC_PREFIX} to /${SMALLEST_VPC_PREFIX} with target aws, as it is a whole VPC`,
      remedy: 'Write it like "10.97.12.0/24".',
      involves: [path, "target", "aws"],
    },
  ];
};

const hashesAreOfImports: Rule = ({ target, model }) => {
  const path = "model.sha256";
  if (model.sha256 === undefined) return [];
  const involves = [path, "model.source", "target"];
  if (target !== "aws" || isLocalSource(model.source)) {
    return [
      {
        path,
        value: model.sha256,
        rule: "must not be given for a model that nobody fetches: it is for target aws and a source elsewhere",
        remedy: "Remove it: a file of this machine is compared when it is sent.",
        involves,
      },
    ];
  }
  const files = fileCount(model.source);
  if (model.sha256.length === files) return [];
  return [
    {
      path,
      value: model.sha256,
      rule: `must have ${files} ${files === 1 ? "sum" : "sums"}, one for each file of the model`,
      remedy: "Give them in the order of the parts.",
      involves,
    },
  ];
};

const tokenIsForHuggingFace: Rule = ({ aws, model }) => {
  const path = "aws.huggingFaceTokenParameter";
  if (aws?.huggingFaceTokenParameter === undefined || model.source.startsWith("hf:")) return [];
  return [
    {
      path,
      value: aws.huggingFaceTokenParameter,
      rule: "must not be given unless model.source is one of Hugging Face",
      remedy: 'Remove it, or write the source like "hf:owner/repository/file.gguf".',
      involves: [path, "model.source"],
    },
  ];
};

const poolsHaveAddresses: Rule = ({ target, aws, access, backends }) => {
  const path = "access.privateCidr";
  const network = access.privateCidr === undefined ? null : parseNetwork(access.privateCidr);
  if (target !== "aws") return [];
  const isOwn = aws?.network === undefined;
  const needed = POOL_ADDRESSES * (backends.length + 1) * (isOwn ? 2 : 1);
  const has = network?.size ?? DEFAULT_ADDRESSES;
  // Of a VPC that is too small as it is there is a word already.
  if (has >= needed || (isOwn && network !== null && network.prefix > SMALLEST_VPC_PREFIX)) return [];
  const prefix = 32 - Math.ceil(Math.log2(needed));
  return [
    {
      path,
      value: access.privateCidr,
      rule: `must have ${needed} addresses for the front and ${backends.length} pools`,
      remedy: `Choose a network with a prefix of at most /${prefix}, like "10.97.0.0/${prefix}", or join pools.`,
      involves: [path, "backends", "target", "aws.network"],
    },
  ];
};

/** The private network is a /24 where the stack file names none. */
const DEFAULT_ADDRESSES = 256;

const existingNetworkIsWhole: Rule = ({ aws, access }) => {
  const network = aws?.network;
  if (network === undefined) return [];
  const problems: RuleProblem[] = [];
  if (access.privateCidr === undefined) {
    problems.push({
      path: "access.privateCidr",
      value: undefined,
      rule: "must be given with aws.network",
      remedy: "Write the part of the subnet's addresses that nothing else uses, like 10.0.3.64/26.",
      involves: ["access.privateCidr", "aws.network"],
    });
  }
  if (aws?.availabilityZone !== undefined) {
    problems.push({
      path: "aws.availabilityZone",
      value: aws.availabilityZone,
      rule: "must not be given with aws.network",
      remedy: "Remove it: the subnet lies in a zone.",
      involves: ["aws.availabilityZone", "aws.network"],
    });
  }
  if (aws?.flowLogs === true) {
    problems.push({
      path: "aws.flowLogs",
      value: true,
      rule: "must not be given with aws.network",
      remedy: "Remove it: what a network of yours logs is said where it is made.",
      involves: ["aws.flowLogs", "aws.network"],
    });
  }
  const isPublic = access.mode === "public";
  if (isPublic !== (network.publicSubnetIds !== undefined)) {
    problems.push({
      path: "aws.network.publicSubnetIds",
      value: network.publicSubnetIds,
      rule: isPublic ? "must be given with access.mode public" : "must not be given unless access.mode is public",
      remedy: isPublic ? "Name two public subnets of the VPC." : "Remove it, or set access.mode to public.",
      involves: ["aws.network.publicSubnetIds", "access.mode"],
    });
  }
  return problems;
};

const reservationsFitTheirMarket: Rule = ({ backends }) =>
  backends.flatMap(({ market, reservation }, index): RuleProblem[] => {
    const path = `backends[${index}].reservation`;
    const involves = [path, `backends[${index}].market`];
    if (market === "capacity-block" && reservation === undefined) {
      return [
        {
          path,
          value: undefined,
          rule: "must be given with market capacity-block",
          remedy: 'Buy a capacity block and write its id, like "cr-0123456789abcdef0".',
          involves,
        },
      ];
    }
    if (market === "spot" && reservation !== undefined) {
      return [
        {
          path,
          value: reservation,
          rule: "must not be given with market spot",
          remedy: "Remove it, or set the market to on-demand.",
          involves,
        },
      ];
    }
    return [];
  });

/** The scheduler stops machines as a person would, which protection is there to prevent. */
const protectedMachinesNeverRest: Rule = ({ aws, limits }) => {
  if (aws?.protection !== true || limits.schedule === undefined) return [];
  return [
    {
      path: "limits.schedule",
      value: limits.schedule,
      rule: "must not be given with aws.protection, which keeps the machines from being stopped",
      remedy: "Remove one of them, or let the machines stop themselves with limits.stopAfterIdleMinutes.",
      involves: ["limits.schedule", "aws.protection"],
    },
  ];
};

/** Machines reach AWS's services in their own region and nothing else. */
const REFERENCE_BY_DIGEST = /@sha256:[0-9a-f]{64}$/;
const ECR = /^\d{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com\//;

const imagesAreReachable: Rule = ({ target, aws, images }) => {
  if (target !== "aws") return [];
  return (["cpu", "cuda"] as const).flatMap((flavour) =>
    (["backend", "server"] as const).flatMap((role): RuleProblem[] => {
      const reference = images[flavour]?.[role];
      const path = `images.${flavour}.${role}`;
      if (reference === undefined) return [];
      const region = ECR.exec(reference)?.[1];
      if (REFERENCE_BY_DIGEST.test(reference) && region !== undefined && region === aws?.region) return [];
      return [
        {
          path,
          value: reference,
          rule: "must be an image in ECR of the cluster's region by its digest with target aws, as machines without a way out reach no other registry",
          remedy: 'Write it like "<account>.dkr.ecr.<region>.amazonaws.com/<repository>@sha256:<digest>".',
          involves: [path, "target", "aws", "aws.region"],
        },
      ];
    }),
  );
};

export const AWS_RULES: readonly Rule[] = [
  accessHasWhatItsModeNeeds,
  networksAreNamedOnce,
  domainLiesInItsZone,
  zoneLiesInRegion,
  vpcHasItsSize,
  hashesAreOfImports,
  tokenIsForHuggingFace,
  poolsHaveAddresses,
  existingNetworkIsWhole,
  reservationsFitTheirMarket,
  protectedMachinesNeverRest,
  imagesAreReachable,
];
