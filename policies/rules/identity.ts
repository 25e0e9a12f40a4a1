/** Who may do what in AWS. */
import { at, aws, elements, type Finding, isProps, isSet, type Props, type Resource, type Rule } from "../model.ts";
import { type Statement, statementsOf, texts } from "./statements.ts";

/** A document that a resource holds. */
interface Document {
  path: string;
  statements: readonly Statement[];
}

const ENDPOINTS = new Set([aws("ec2", "VpcEndpoint"), aws("ec2", "VpcEndpointPolicy")]);

/** Properties that hold documents, by type. */
const DOCUMENTS: Readonly<Record<string, readonly string[]>> = {
  [aws("iam", "Role")]: ["assumeRolePolicy"],
  [aws("iam", "RolePolicy")]: ["policy"],
  [aws("iam", "Policy")]: ["policy"],
  [aws("iam", "GroupPolicy")]: ["policy"],
  [aws("s3", "BucketPolicy")]: ["policy"],
  [aws("ecr", "RepositoryPolicy")]: ["policy"],
  [aws("sns", "TopicPolicy")]: ["policy"],
  [aws("sns", "Topic")]: ["policy"],
  [aws("sqs", "QueuePolicy")]: ["policy"],
  [aws("cloudwatch", "LogResourcePolicy")]: ["policyDocument"],
  [aws("ec2", "VpcEndpoint")]: ["policy"],
  [aws("ec2", "VpcEndpointPolicy")]: ["policy"],
};

function documentsOf({ type, props }: Resource): Document[] {
  const own = (DOCUMENTS[type] ?? []).map((path) => ({ path, statements: statementsOf(props[path]) }));
  const inline = type === aws("iam", "Role") ? inlineOf(props) : [];
  return [...own, ...inline];
}

const inlineOf = (props: Props): Document[] =>
  elements(props["inlinePolicies"]).map((one, index) => ({
    path: `inlinePolicies[${index}].policy`,
    statements: statementsOf(at(one, "policy")),
  }));

/** Conditions with which an endpoint's policy keeps everybody else's identities or resources out. */
const NARROWING = ["aws:PrincipalAccount", "aws:ResourceAccount", "aws:PrincipalOrgID", "aws:ResourceOrgID"];

/** An endpoint's policy gives nothing, it takes away: it may be as wide as the account. */
function isNarrowedEndpoint({ type }: Resource, statement: Statement): boolean {
  const condition = statement["Condition"];
  const equal = isProps(condition) ? condition["StringEquals"] : undefined;
  return ENDPOINTS.has(type) && isProps(equal) && NARROWING.some((key) => isSet(equal[key]));
}

/** What the statements that allow something give; one that denies can't be too wide. */
function inAllowed(resource: Resource, look: (statement: Statement) => Record<string, unknown>): Finding[] {
  return documentsOf(resource).flatMap(({ path, statements }) =>
    statements.flatMap((statement, index) =>
      statement["Effect"] === "Deny" || isNarrowedEndpoint(resource, statement)
        ? []
        : Object.entries(look(statement)).map(([key, value]) => ({
            path: `${path} Statement[${index}].${key}`,
            value,
          })),
    ),
  );
}

const actionsByName: Rule = {
  name: "actions-are-named",
  must: "an allow statement must list its actions without a wildcard; only an endpoint's policy may allow all, with a condition on the account",
  why: "A wildcard also allows actions that AWS adds later.",
  remedy: "List the actions that the machine calls.",
  check: (resource) =>
    inAllowed(resource, (statement) => {
      const wide = texts(statement["Action"]).filter((action) => action.includes("*"));
      return {
        ...(wide.length > 0 && { Action: wide }),
        ...(statement["NotAction"] !== undefined && { NotAction: statement["NotAction"] }),
      };
    }),
};

/**
 * Actions for which AWS knows no resource, with the reason that a cluster needs them. Whatever is not here needs a
 * resource: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
 */
export const WITHOUT_RESOURCE: Readonly<Record<string, string>> = {
  "ecr:GetAuthorizationToken": "the login is the registry's, not a repository's",
  "ssmmessages:CreateControlChannel": "Session Manager's channels have no resource",
  "ssmmessages:CreateDataChannel": "Session Manager's channels have no resource",
  "ssmmessages:OpenControlChannel": "Session Manager's channels have no resource",
  "ssmmessages:OpenDataChannel": "Session Manager's channels have no resource",
  "ssm:UpdateInstanceInformation": "the agent calls it before Systems Manager knows the instance",
  "cloudwatch:PutMetricData": "a metric has no ARN; a condition on cloudwatch:namespace narrows it",
  "ec2:DescribeInstances": "EC2's Describe actions take no resource",
  "ec2:DescribeInstanceStatus": "EC2's Describe actions take no resource",
  "ec2:DescribeTags": "EC2's Describe actions take no resource",
  "ec2:DescribeVolumes": "EC2's Describe actions take no resource",
};

/** `*`, or an ARN that leaves both the account and the resource open. */
const isEverything = (resource: string) =>
  resource === "*" || /^arn:[^:]*:[^:]*:[^:]*:(\*?:\*|\*:[\w-]+[/:]\*)$/.test(resource);

/** In a document that belongs to one resource `*` means that resource. */
const ABOUT_ITSELF = new Set([aws("ecr", "RepositoryPolicy"), aws("sns", "Topic"), aws("sqs", "QueuePolicy")]);

const resourcesByName: Rule = {
  name: "resources-are-named",
  must: "an allow statement must name its resources, except for the few actions that take none",
  why: "An attacker on a machine can then touch only that machine's cluster.",
  remedy:
    "Write the ARNs; an action that takes no resource goes into a statement of its own and into the list in policies/rules/identity.ts with its reason.",
  check: (resource) =>
    ABOUT_ITSELF.has(resource.type)
      ? []
      : inAllowed(resource, (statement) => {
          const wide = texts(statement["Resource"]).filter(isEverything);
          const actions = texts(statement["Action"]);
          const isNeeded = actions.length > 0 && actions.every((action) => action in WITHOUT_RESOURCE);
          return {
            ...(wide.length > 0 && !isNeeded && { Resource: wide }),
            ...(statement["NotResource"] !== undefined && { NotResource: statement["NotResource"] }),
          };
        }),
};

const principalsByName: Rule = {
  name: "principals-are-named",
  must: "an allow statement must name its principals; only an endpoint's policy, which can only restrict, may say everyone",
  why: "Everyone means every AWS account in the world.",
  remedy: "Write the service or the ARN of the role.",
  check: (resource) =>
    ENDPOINTS.has(resource.type)
      ? []
      : inAllowed(resource, (statement) => {
          const principal = statement["Principal"];
          const named = isProps(principal) ? Object.values(principal).flatMap(texts) : texts(principal);
          return {
            ...(named.includes("*") && { Principal: principal }),
            ...(statement["NotPrincipal"] !== undefined && { NotPrincipal: statement["NotPrincipal"] }),
          };
        }),
};

const ATTACHMENTS = new Set([
  aws("iam", "RolePolicyAttachment"),
  aws("iam", "PolicyAttachment"),
  aws("iam", "RolePolicyAttachmentsExclusive"),
]);
const OF_AWS = /^arn:aws[\w-]*:iam::aws:policy\//;

const noManagedPolicy: Rule = {
  name: "no-managed-policy",
  must: "a role must not attach an AWS managed policy",
  why: "Managed policies contain wildcards and grow: AmazonSSMManagedInstanceCore lets a machine read every parameter of the account.",
  remedy: "Write the few actions into an inline policy of the role.",
  check: ({ type, props }) => {
    const attached = ATTACHMENTS.has(type)
      ? [{ path: "policyArn", value: props["policyArn"] }]
      : type === aws("iam", "Role")
        ? elements(props["managedPolicyArns"]).map((value, index) => ({ path: `managedPolicyArns[${index}]`, value }))
        : [];
    return attached.filter(({ value }) => typeof value === "string" && OF_AWS.test(value));
  },
};

const LASTING = new Set(["User", "AccessKey", "UserLoginProfile"].map((kind) => aws("iam", kind)));

const noLastingCredentials: Rule = {
  name: "no-lasting-credentials",
  must: "a cluster must create no IAM user and no access key",
  why: "Credentials that do not expire leak sooner or later.",
  remedy: "Use a role.",
  check: ({ type }) => (LASTING.has(type) ? [{ path: "", value: undefined }] : []),
};

/** The rules of this file. */
export const identityRules: readonly Rule[] = [
  actionsByName,
  resourcesByName,
  principalsByName,
  noManagedPolicy,
  noLastingCredentials,
];
