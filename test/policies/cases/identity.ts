import { aws, type Case, casesOf, type Inputs } from "./case.ts";

const ROLE_TRUST = { Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" };
const READ = { Effect: "Allow", Action: ["s3:GetObject"], Resource: "arn:aws:s3:::bucket/models/*" };
const text = (...statements: Inputs[]) => JSON.stringify({ Version: "2012-10-17", Statement: statements });
const role = (inputs: Inputs) => aws("iam/role:Role", "role", { assumeRolePolicy: text(ROLE_TRUST), ...inputs });
const policy = (...statements: Inputs[]) =>
  aws("iam/rolePolicy:RolePolicy", "policy", { role: "role", policy: text(...statements) });
const endpoint = (statement: Inputs) =>
  aws("ec2/vpcEndpoint:VpcEndpoint", "endpoint", { policy: text({ Effect: "Allow", Principal: "*", ...statement }) });
const OF_THE_ACCOUNT = { Condition: { StringEquals: { "aws:PrincipalAccount": "123456789012" } } };
const everything = { Action: "*", Resource: "*" };
const at = (key: string, statement = 0) => `policy Statement[${statement}].${key}`;

const actions = casesOf("actions-are-named", [
  ["a role's are", [role({}), policy(READ)]],
  ["a statement that denies may say all", [policy({ Effect: "Deny", ...everything })]],
  ["an endpoint lets through all of this account", [endpoint({ ...everything, ...OF_THE_ACCOUNT })]],
  ["a role may do everything", [policy({ ...READ, Action: "*" })], [`policy ${at("Action")}`]],
  ["a role may do all of a service", [policy(READ, { ...READ, Action: ["s3:*"] })], [`policy ${at("Action", 1)}`]],
  ["a role may do all that begins alike", [policy({ ...READ, Action: "s3:Get*" })], [`policy ${at("Action")}`]],
  [
    "a role may do all but something",
    [policy({ Effect: "Allow", NotAction: "iam:*", Resource: READ.Resource })],
    [`policy ${at("NotAction")}`],
  ],
  [
    "an inline policy of a role says all",
    [role({ inlinePolicies: [{ name: "x", policy: text({ ...READ, Action: "s3:*" }) }] })],
    ["role inlinePolicies[0].policy Statement[0].Action"],
  ],
  ["an endpoint lets through everything", [endpoint(everything)], [`endpoint ${at("Action")}`]],
  [
    "a policy is written as an object",
    [aws("iam/policy:Policy", "p", { policy: { Statement: { ...READ, Action: "s3:*" } } })],
    [`p ${at("Action")}`],
  ],
]);

const resources = casesOf("resources-are-named", [
  ["a role's are", [policy(READ)]],
  [
    "actions that know no resource have none",
    [policy({ Effect: "Allow", Action: ["ecr:GetAuthorizationToken"], Resource: "*" })],
  ],
  [
    "the agent's channels have none",
    [
      policy({
        Effect: "Allow",
        Action: ["ssmmessages:OpenDataChannel", "ssm:UpdateInstanceInformation"],
        Resource: "*",
      }),
    ],
  ],
  [
    "the account's machines are named together",
    [policy({ ...READ, Action: "ec2:StopInstances", Resource: "arn:aws:ec2:us-east-1:123456789012:instance/*" })],
  ],
  ["an endpoint leads to one bucket's objects", [endpoint({ ...READ, Resource: "arn:aws:s3:::bucket/*" })]],
  ["a role reads every object", [policy({ ...READ, Resource: "*" })], [`policy ${at("Resource")}`]],
  ["a role reads every bucket", [policy({ ...READ, Resource: ["arn:aws:s3:::*"] })], [`policy ${at("Resource")}`]],
  [
    "a role reads every parameter of every account",
    [policy({ ...READ, Action: "ssm:GetParameter", Resource: "arn:aws:ssm:us-east-1:*:parameter/*" })],
    [`policy ${at("Resource")}`],
  ],
  [
    "an action that knows a resource hides among others",
    [policy({ Effect: "Allow", Action: ["ecr:GetAuthorizationToken", "ecr:BatchGetImage"], Resource: "*" })],
    [`policy ${at("Resource")}`],
  ],
  [
    "all but something is named",
    [policy({ Effect: "Allow", Action: "s3:GetObject", NotResource: "arn:aws:s3:::x/*" })],
    [`policy ${at("NotResource")}`],
  ],
]);

const bucketPolicy = (statement: Inputs) => aws("s3/bucketPolicy:BucketPolicy", "open", { policy: text(statement) });

const principals = casesOf("principals-are-named", [
  ["a service takes a role", [role({})]],
  ["everybody is denied", [bucketPolicy({ ...READ, Effect: "Deny", Principal: "*" })]],
  ["an endpoint is for everybody whom others let in", [endpoint(READ)]],
  ["everybody reads a bucket", [bucketPolicy({ ...READ, Principal: "*" })], [`open ${at("Principal")}`]],
  ["every account reads a bucket", [bucketPolicy({ ...READ, Principal: { AWS: ["*"] } })], [`open ${at("Principal")}`]],
  [
    "everybody takes a role",
    [role({ assumeRolePolicy: text({ ...ROLE_TRUST, Principal: { AWS: "*" } }) })],
    ["role assumeRolePolicy Statement[0].Principal"],
  ],
  [
    "all but one read a bucket",
    [bucketPolicy({ ...READ, NotPrincipal: { AWS: "arn" } })],
    [`open ${at("NotPrincipal")}`],
  ],
]);

const MANAGED = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore";

const managed = casesOf("no-managed-policy", [
  ["a role has a policy of the account's own", [role({ managedPolicyArns: ["arn:aws:iam::123456789012:policy/own"] })]],
  [
    "one is attached",
    [aws("iam/rolePolicyAttachment:RolePolicyAttachment", "a", { policyArn: MANAGED })],
    ["a policyArn"],
  ],
  ["a role lists one", [role({ managedPolicyArns: [MANAGED] })], ["role managedPolicyArns[0]"]],
]);

const lasting = casesOf("no-lasting-credentials", [
  ["a role is made", [role({})]],
  ["a user is made", [aws("iam/user:User", "user", {})], ["user "]],
  ["an access key is made", [aws("iam/accessKey:AccessKey", "key", { user: "user" })], ["key "]],
]);

export const identityCases: readonly Case[] = [...actions, ...resources, ...principals, ...managed, ...lasting];
