/** Kinds of resources by their ARN, with the command that removes each. */

import { SERVICE_PRICES } from "../../plan/cost/prices.ts";
import type { Leak } from "./leak.ts";

/** The parts of an ARN. */
export interface Arn {
  arn: string;
  service: string;
  region: string;
  account: string;
  /** The part after the account: `parameter/llama-rpc-cluster/aws-dev/api-key`. */
  resource: string;
}

/** @throws {Error} for a text that is not an ARN, which only AWS could cause */
export function parseArn(text: string): Arn {
  const [, service, region, account, resource] = /^arn:[\w-]+:([\w-]+):([\w-]*):(\d*):(.+)$/.exec(text) ?? [];
  if (service === undefined || region === undefined || account === undefined || resource === undefined)
    throw new Error(`${text} is not an ARN`);
  return { arn: text, service, region, account, resource };
}

/** How to report one kind. */
interface Kind {
  /** Beginning of the ARN's service and resource. */
  prefix: string;
  kind: string;
  /** @param name the part after the prefix */
  remedy: (name: string, arn: Arn) => string;
  usdPerHour?: number;
}

const at = ({ region }: Arn) => `--region ${region}`;
const loadBalancer = {
  kind: "load balancer",
  remedy: (_: string, arn: Arn) => `aws elbv2 delete-load-balancer ${at(arn)} --load-balancer-arn ${arn.arn}`,
  usdPerHour: SERVICE_PRICES.loadBalancerHour,
};

const KINDS: readonly Kind[] = [
  { prefix: "elasticloadbalancing:loadbalancer/", ...loadBalancer },
  {
    prefix: "elasticloadbalancing:listener/",
    kind: "listener",
    remedy: (_, arn) => `aws elbv2 delete-listener ${at(arn)} --listener-arn ${arn.arn}`,
  },
  {
    prefix: "elasticloadbalancing:targetgroup/",
    kind: "target group",
    remedy: (_, arn) => `aws elbv2 delete-target-group ${at(arn)} --target-group-arn ${arn.arn}`,
  },
  {
    prefix: "ecr:repository/",
    kind: "image repository",
    remedy: (name, arn) => `aws ecr delete-repository ${at(arn)} --force --repository-name ${name}`,
  },
  {
    prefix: "s3:",
    kind: "bucket",
    remedy: (name) => `aws s3 rb --force s3://${name} (if it keeps versions, empty it in the console first)`,
  },
  {
    prefix: "ssm:parameter",
    kind: "parameter",
    remedy: (name, arn) => `aws ssm delete-parameter ${at(arn)} --name ${name}`,
  },
  {
    prefix: "logs:log-group:",
    kind: "log group",
    remedy: (name, arn) => `aws logs delete-log-group ${at(arn)} --log-group-name ${name.replace(/:\*$/, "")}`,
  },
  {
    prefix: "codebuild:project/",
    kind: "import job",
    remedy: (name, arn) => `aws codebuild delete-project ${at(arn)} --name ${name}`,
  },
  {
    prefix: "scheduler:schedule-group/",
    kind: "schedules",
    remedy: (name, arn) => `aws scheduler delete-schedule-group ${at(arn)} --name ${name}`,
  },
  {
    prefix: "cloudwatch:alarm:",
    kind: "alarm",
    remedy: (name, arn) => `aws cloudwatch delete-alarms ${at(arn)} --alarm-names ${name}`,
  },
  { prefix: "sns:", kind: "topic", remedy: (_, arn) => `aws sns delete-topic ${at(arn)} --topic-arn ${arn.arn}` },
  {
    prefix: "budgets:budget/",
    kind: "budget",
    remedy: (name, { account }) => `aws budgets delete-budget --account-id ${account} --budget-name ${name}`,
  },
  {
    prefix: "acm:certificate/",
    kind: "certificate",
    remedy: (_, arn) => `aws acm delete-certificate ${at(arn)} --certificate-arn ${arn.arn}`,
  },
  {
    prefix: "wafv2:regional/webacl/",
    kind: "web firewall",
    remedy: (_, arn) =>
      `aws wafv2 delete-web-acl ${at(arn)} --scope REGIONAL, as its help says, or in the console of WAF`,
  },
  {
    prefix: "events:rule/",
    kind: "rule",
    remedy: (name, arn) => `aws events delete-rule ${at(arn)} --name ${name}, after its targets`,
  },
  {
    prefix: "kms:key/",
    kind: "key",
    remedy: (name, arn) => `aws kms schedule-key-deletion ${at(arn)} --key-id ${name}`,
  },
  {
    prefix: "iam:role/",
    kind: "role",
    remedy: (path) => {
      const name = lastOf(path);
      return `aws iam delete-role --role-name ${name}, after what \`aws iam list-role-policies --role-name ${name}\` names`;
    },
  },
  {
    prefix: "iam:instance-profile/",
    kind: "instance profile",
    remedy: (path) => {
      const name = lastOf(path);
      return `aws iam delete-instance-profile --instance-profile-name ${name}, after its role was taken out of it`;
    },
  },
  { prefix: "iam:policy/", kind: "policy", remedy: (_, { arn }) => `aws iam delete-policy --policy-arn ${arn}` },
];

/** A leftover resource from its ARN. */
export function leakOf(arn: Arn, detail = ""): Leak {
  const whole = `${arn.service}:${arn.resource}`;
  const known = KINDS.find(({ prefix }) => whole.startsWith(prefix));
  if (known === undefined) {
    const remedy = `Delete it in the console of ${arn.service}.`;
    return { kind: arn.service, id: arn.arn, detail, usdPerHour: null, remedy };
  }
  const name = whole.slice(known.prefix.length);
  const { kind, remedy, usdPerHour = null } = known;
  const command = remedy(name, arn);
  // A resource that is removed by ARN is listed by ARN.
  return { kind, id: command.includes(arn.arn) ? arn.arn : name, detail, usdPerHour, remedy: command };
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
