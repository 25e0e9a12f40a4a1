import * as pulumi from "@pulumi/pulumi";
import type { AccessArgs } from "./args.ts";
import { PrivateAccess } from "./private-access.ts";
import { PublicAccess } from "./public-access.ts";

/** The way to the front. Whichever it is, the API key is asked for. */
export class Access extends pulumi.ComponentResource {
  /** URL of the front, for whoever may reach it. */
  readonly endpoint: pulumi.Output<string>;
  /** Command that makes the endpoint reachable; null if it is. */
  readonly command: pulumi.Output<string> | null;

  constructor(name: string, args: AccessArgs, opts?: pulumi.ComponentResourceOptions) {
    const { access, frontPort, region } = args.context.plan;
    super("llama-rpc-cluster:aws:Access", name, { ...access, frontPort }, opts);
    const inside = { parent: this };
    switch (access.mode) {
      case "ssm": {
        const ports = JSON.stringify({ portNumber: [String(frontPort)], localPortNumber: [String(frontPort)] });
        this.endpoint = pulumi.output(`http://127.0.0.1:${frontPort}`);
        this.command = pulumi.interpolate`aws ssm start-session --region ${region} --target ${args.instanceId} --document-name AWS-StartPortForwardingSession --parameters '${ports}'`;
        break;
      }
      case "private":
        ({ endpoint: this.endpoint, command: this.command } = new PrivateAccess(name, { ...args, access }, inside));
        break;
      case "public":
        this.endpoint = new PublicAccess(name, { ...args, access }, inside).endpoint;
        this.command = null;
        break;
    }
    this.registerOutputs({ endpoint: this.endpoint });
  }
}
