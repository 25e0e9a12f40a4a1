import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";

/** The machine images that AWS names in public parameters, each asked for once. */
export class MachineImages {
  readonly #ids = new Map<string, pulumi.Output<string>>();
  readonly #opts: pulumi.InvokeOptions;

  constructor(opts: pulumi.InvokeOptions) {
    this.#opts = opts;
  }

  /** Id of the newest image: `ami-…`. */
  idOf(parameter: string): pulumi.Output<string> {
    const known = this.#ids.get(parameter);
    if (known !== undefined) return known;
    // `value` counts as a secret, which a public image is not.
    const id = aws.ssm.getParameterOutput({ name: parameter }, this.#opts).insecureValue;
    this.#ids.set(parameter, id);
    return id;
  }
}
