import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { generatedKey } from "../key.ts";
import { type ClusterContext, parameterName, tagsOf } from "./naming.ts";

/**
 * The key of the front's API: generated once, kept encrypted in the state and in SSM, where only the front's role may read it.
 *
 * ### Cost
 * None: a standard parameter with AWS's own key is free.
 */
export class ApiKey extends pulumi.ComponentResource {
  /** The key; a secret. */
  readonly value: pulumi.Output<string>;
  readonly parameter: aws.ssm.Parameter;

  constructor(name: string, args: { context: ClusterContext }, opts?: pulumi.ComponentResourceOptions) {
    super("llama-rpc-cluster:aws:ApiKey", name, { stack: args.context.stack }, opts);
    this.value = generatedKey(name, this);
    this.parameter = new aws.ssm.Parameter(
      name,
      {
        name: parameterName(args.context, "api-key"),
        type: "SecureString",
        value: this.value,
        description: "Key of the front's API",
        tags: tagsOf(args.context, "key", "api-key"),
      },
      { parent: this, additionalSecretOutputs: ["value"] },
    );
    this.registerOutputs();
  }
}
