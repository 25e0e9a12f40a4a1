import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { type ClusterContext, type ResourceRole, rolePath, tagsOf } from "./naming.ts";

/** One permission. Its name states the purpose. */
export interface Statement {
  Sid: string;
  Action: readonly string[];
  /** `*` only for actions that do not support resource-level permissions. */
  Resource: pulumi.Input<string> | readonly pulumi.Input<string>[];
  Condition?: Readonly<Record<string, Readonly<Record<string, pulumi.Input<string>>>>>;
}

export interface RoleArgs {
  context: ClusterContext;
  /** Service that assumes the role: `ec2.amazonaws.com`. */
  service: string;
  role: ResourceRole;
  /** Part of the role's path, by which the bucket's policy recognizes machines. */
  folder: "nodes" | "services";
  /** Purpose of the role, for its description and its tag `Name`. */
  purpose: string;
  /** All permissions of the role. */
  statements: readonly Statement[];
}

/** Services that act on behalf of their callers: only callers from this account are allowed. */
const ACTS_FOR_OTHERS: ReadonlySet<string> = new Set([
  "codebuild.amazonaws.com",
  "scheduler.amazonaws.com",
  "vpc-flow-logs.amazonaws.com",
]);

/** A role for one service, with one policy that holds all its permissions. */
export class ServiceRole extends pulumi.ComponentResource {
  readonly role: aws.iam.Role;
  /** The permissions take effect once this exists. */
  readonly policy: aws.iam.RolePolicy;

  constructor(name: string, args: RoleArgs, opts?: pulumi.ComponentResourceOptions) {
    const { context, purpose, service, statements } = args;
    super("llama-rpc-cluster:aws:ServiceRole", name, { service, statements: statements.map(({ Sid }) => Sid) }, opts);
    const { accountId } = aws.getCallerIdentityOutput({}, { parent: this });
    this.role = new aws.iam.Role(
      name,
      {
        path: rolePath(context, args.folder),
        description: `llama-rpc-cluster, stack ${context.stack}: ${purpose}`,
        assumeRolePolicy: pulumi.jsonStringify({
          Version: "2012-10-17",
          Statement: [
            {
              Effect: "Allow",
              Principal: { Service: service },
              Action: "sts:AssumeRole",
              ...(ACTS_FOR_OTHERS.has(service)
                ? { Condition: { StringEquals: { "aws:SourceAccount": accountId } } }
                : {}),
            },
          ],
        }),
        tags: tagsOf(context, args.role, purpose),
      },
      { parent: this },
    );
    this.policy = new aws.iam.RolePolicy(
      name,
      {
        role: this.role.name,
        policy: pulumi.jsonStringify({
          Version: "2012-10-17",
          Statement: statements.map((statement) => ({ Effect: "Allow", ...statement })),
        }),
      },
      { parent: this },
    );
    this.registerOutputs();
  }
}
