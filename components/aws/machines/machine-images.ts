import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

/**
 * The machine images that AWS names in public parameters. AWS names newer ones every week: the first that a stack got for a
 * kind of machine is kept, so that no machine is replaced for it, and all of a kind have the same.
 */
export class MachineImages extends pulumi.ComponentResource {
  readonly #ids = new Map<string, pulumi.Output<string>>();

  /** @param parameters names of the parameters that the plan's machines need */
  constructor(name: string, args: { parameters: readonly string[] }, opts?: pulumi.ComponentResourceOptions) {
    const parameters = [...new Set(args.parameters)];
    super("llama-rpc-cluster:aws:MachineImages", name, { parameters }, opts);
    for (const parameter of parameters) {
      // `value` counts as a secret, which a public image is not.
      const newest = aws.ssm.getParameterOutput({ name: parameter }, { parent: this }).insecureValue;
      const pin = new pulumi.Stash(
        `${name}-${shortName(parameter)}`,
        { input: { imageId: newest } },
        { parent: this, ignoreChanges: ["input"] },
      );
      this.#ids.set(parameter, pin.output.apply(imageIdIn));
    }
    this.registerOutputs();
  }

  /** Id of the image that a parameter named when it was first asked for: `ami-…`. */
  idOf(parameter: string): pulumi.Output<string> {
    const id = this.#ids.get(parameter);
    if (id === undefined) throw new Error(`No machine image for ${parameter}: it is none of the plan's.`);
    return id;
  }
}

function imageIdIn(kept: unknown): string {
  if (typeof kept !== "object" || kept === null || !("imageId" in kept)) throw new Error("No machine image was kept.");
  return String(kept.imageId);
}

/** What tells the parameters apart, without what they share. */
const shortName = (parameter: string) =>
  parameter
    .replace(/^\/aws\/service\//, "")
    .replace(/\/latest\/ami-id$/, "")
    .replaceAll("/", "-");
