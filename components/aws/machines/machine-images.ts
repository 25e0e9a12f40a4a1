import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

/**
 * The machine images that AWS publishes in public parameters. AWS publishes newer ones every week. A stack keeps the first
 * image that it got for a kind of machine, so no machine is replaced for a newer one and all of a kind have the same image.
 */
export class MachineImages extends pulumi.ComponentResource {
  readonly #ids = new Map<string, pulumi.Output<string>>();

  /** @param parameters names of the parameters that the plan's machines need */
  constructor(name: string, args: { parameters: readonly string[] }, opts?: pulumi.ComponentResourceOptions) {
    const parameters = [...new Set(args.parameters)];
    super("llama-rpc-cluster:aws:MachineImages", name, { parameters }, opts);
    for (const parameter of parameters) {
      // `value` would be a secret, but the id of a public image is not one.
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

  /** Id of the image that a parameter held when it was first read: `ami-…`. */
  idOf(parameter: string): pulumi.Output<string> {
    const id = this.#ids.get(parameter);
    if (id === undefined) throw new Error(`No machine image for ${parameter}: the plan does not need it.`);
    return id;
  }
}

function imageIdIn(kept: unknown): string {
  if (typeof kept !== "object" || kept === null || !("imageId" in kept))
    throw new Error("The state holds no machine image.");
  return String(kept.imageId);
}

/** The part of a parameter's name that distinguishes it from the others. */
const shortName = (parameter: string) =>
  parameter
    .replace(/^\/aws\/service\//, "")
    .replace(/\/latest\/ami-id$/, "")
    .replaceAll("/", "-");
