import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { type ClusterContext, tagsOf } from "../naming.ts";

export interface CertificateArgs {
  context: ClusterContext;
  domain: string;
  /** Zone for the DNS record that proves the ownership of the domain. */
  zoneId: pulumi.Input<string>;
}

/**
 * A certificate that AWS renews by itself.
 *
 * ### Cost
 * None.
 */
export class Certificate extends pulumi.ComponentResource {
  /** Resolves when the certificate is valid. */
  readonly arn: pulumi.Output<string>;

  constructor(name: string, args: CertificateArgs, opts?: pulumi.ComponentResourceOptions) {
    const { context, domain, zoneId } = args;
    super("llama-rpc-cluster:aws:Certificate", name, { domain }, opts);
    const childOptions = { parent: this };
    const certificate = new aws.acm.Certificate(
      name,
      { domainName: domain, validationMethod: "DNS", tags: tagsOf(context, "load-balancer", "certificate") },
      childOptions,
    );
    const proof = certificate.domainValidationOptions.apply(([first]) => {
      if (first === undefined) throw new Error(`AWS asks for no proof of ${domain}`);
      return first;
    });
    const record = new aws.route53.Record(
      `${name}-proof`,
      {
        zoneId,
        name: proof.resourceRecordName,
        type: proof.resourceRecordType,
        records: [proof.resourceRecordValue],
        ttl: 60,
        allowOverwrite: true,
      },
      childOptions,
    );
    this.arn = new aws.acm.CertificateValidation(
      name,
      { certificateArn: certificate.arn, validationRecordFqdns: [record.fqdn] },
      childOptions,
    ).certificateArn;
    this.registerOutputs();
  }
}
