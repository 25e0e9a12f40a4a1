import * as pulumi from "@pulumi/pulumi";
import type { AccessArgs } from "./args.ts";
import { PrivateAccess } from "./private-access.ts";
import { PublicAccess } from "./public-access.ts";

/** The access to the front. Every kind of access requires the API key. */
export class Access extends pulumi.ComponentResource {
  /** URL of the front, for clients with access. */
  readonly endpoint: pulumi.Output<string>;
  /** Command that makes the endpoint reachable; null if none is needed. */
  readonly command: pulumi.Output<string> | null;

  constructor(name: string, args: AccessArgs, opts?: pulumi.ComponentResourceOptions) {
    const { access, frontPort, region } = args.context.plan;
    super("llama-rpc-cluster:aws:Access", name, { ...access, frontPort }, opts);
    const childOptions = { parent: this };
    switch (access.mode) {
      case "ssm": {
        const ports = JSON.stringify({ portNumber: [String(frontPort)], localPortNumber: [String(frontPort)] });
        this.endpoint = pulumi.output(`http://127.0.0.1:${frontPort}`);
        this.command = pulumi.interpolate`aws ssm start-session --region ${region} --target ${args.instanceId} --document-name AWS-StartPortForwardingSession --parameters '${ports}'`;
        break;
      }
      case "private":
        ({ endpoint: this.endpoint, command: this.command } = new PrivateAccess(
          name,
          { ...args, access },
          childOptions,
        ));
        break;
      case "public":
        this.endpoint = new PublicAccess(name, { ...args, access }, childOptions).endpoint;
        this.command = null;
        break;
    }
    this.registerOutputs({ endpoint: this.endpoint });
  }
}
