import { dirname } from "node:path/posix";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { API_KEY_FILE } from "../../plan/resources/flags.ts";
import { generatedKey } from "../key.ts";
import { labelsOf, physicalName } from "./naming.ts";

export interface ApiKeyArgs {
  stack: string;
  /** Any local image: the container that carries the file into the volume is created and never started. */
  image: pulumi.Input<string>;
}

/** Folder in the front that the volume is mounted at. */
export const SECRETS_FOLDER = dirname(API_KEY_FILE);

/**
 * The key of the front's API: generated once, kept encrypted in state, and handed to the front as a file in a volume of
 * its own, so that no environment, command line or `docker inspect` shows it.
 */
export class ApiKey extends pulumi.ComponentResource {
  /** The key; a secret. */
  readonly value: pulumi.Output<string>;
  /** Volume that holds the file `api-key`. */
  readonly volume: docker.Volume;
  /** The front must be created after the file is there. */
  readonly holder: docker.Container;

  constructor(name: string, args: ApiKeyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("llama-rpc-cluster:docker:ApiKey", name, { stack: args.stack }, opts);
    this.value = generatedKey(name, this);
    this.volume = new docker.Volume(
      `${name}-volume`,
      { name: physicalName(args.stack, "key"), labels: labelsOf(args.stack, "key") },
      { parent: this, deleteBeforeReplace: true },
    );
    // The engine refuses uploads into a container with a read-only root, which the front has; this one never runs.
    this.holder = new docker.Container(
      `${name}-holder`,
      {
        name: physicalName(args.stack, "key"),
        image: args.image,
        start: false,
        mustRun: false,
        networkMode: "none",
        volumes: [{ volumeName: this.volume.name, containerPath: SECRETS_FOLDER }],
        // Readable for all, because the engine can't give a file to a user that the host does not know; who may read is
        // decided by who has the volume, and that is the front alone.
        uploads: [{ file: API_KEY_FILE, content: this.value, permissions: "0444" }],
        labels: labelsOf(args.stack, "key"),
      },
      { parent: this, deleteBeforeReplace: true, additionalSecretOutputs: ["uploads"] },
    );
    this.registerOutputs();
  }
}
