import { dirname } from "node:path/posix";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { API_KEY_FILE } from "../../plan/resources/flags.ts";
import { generatedKey } from "../key.ts";
import { labelsOf, physicalName } from "./naming.ts";

export interface ApiKeyArgs {
  stack: string;
  /** Any local image, because the container that puts the file into the volume is never started. */
  image: pulumi.Input<string>;
}

/** Mount point of the volume in the front. */
export const SECRETS_FOLDER = dirname(API_KEY_FILE);

/**
 * The key of the front's API: generated once, kept encrypted in the state, and passed to the front as a file in a separate
 * volume, so that no environment, command line or `docker inspect` shows it.
 */
export class ApiKey extends pulumi.ComponentResource {
  /** The key; a secret. */
  readonly value: pulumi.Output<string>;
  /** Volume that holds the file `api-key`. */
  readonly volume: docker.Volume;
  /** The front must be created after this, because it needs the file. */
  readonly holder: docker.Container;

  constructor(name: string, args: ApiKeyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("llama-rpc-cluster:docker:ApiKey", name, { stack: args.stack }, opts);
    this.value = generatedKey(name, this);
    this.volume = new docker.Volume(
      `${name}-volume`,
      { name: physicalName(args.stack, "key"), labels: labelsOf(args.stack, "key") },
      { parent: this, deleteBeforeReplace: true },
    );
    // A separate container that never runs, because the engine refuses uploads to the front's read-only root.
    this.holder = new docker.Container(
      `${name}-holder`,
      {
        name: physicalName(args.stack, "key"),
        image: args.image,
        start: false,
        mustRun: false,
        networkMode: "none",
        volumes: [{ volumeName: this.volume.name, containerPath: SECRETS_FOLDER }],
        // Readable for all, because the engine can't give a file to a user that the host does not know. Access is
        // limited by the volume, which only the front mounts.
        uploads: [{ file: API_KEY_FILE, content: this.value, permissions: "0444" }],
        labels: labelsOf(args.stack, "key"),
      },
      { parent: this, deleteBeforeReplace: true, additionalSecretOutputs: ["uploads"] },
    );
    this.registerOutputs();
  }
}
