/** Terraform as a program: one root that holds many translated graphs as modules and puts them on a double of AWS. */

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { awsSchema, type ProviderSchema } from "./schema.ts";
import { surroundings, values } from "./surroundings.ts";
import type { TerraformModule } from "./translate.ts";

/** One graph in the root. */
export interface RootModule {
  name: string;
  region: string;
  module: TerraformModule;
}

/** What a plan wants to do with one resource. */
export interface PlannedChange {
  /** `module.aws-dev.aws_instance.front` */
  address: string;
  actions: ("create" | "read" | "update" | "delete" | "no-op")[];
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  /** Paths whose change makes a replacement necessary. */
  replacePaths: unknown[][];
}

/** Requests of one apply at the same time; most of its time is waiting. */
const PARALLELISM = 96;

/** Memory is plenty, processors are two: Go need not collect garbage so often. */
const QUIET = { CHECKPOINT_DISABLE: "1", TF_IN_AUTOMATION: "1", TF_INPUT: "0", GOGC: "400" };

/** A root folder and the commands that run in it. */
export class Terraform {
  readonly #program: string;
  readonly #folder: string;
  readonly #state: string | null;
  readonly #environment: Record<string, string>;

  /**
   * @param program terraform
   * @param mirror folder of providers in the layout of a filesystem mirror
   * @param folder of the root, which may be new
   * @param endpoint of the double
   * @param state address of the state; null: a file in the folder
   */
  constructor(program: string, mirror: string, folder: string, endpoint: string, state: string | null = null) {
    this.#program = program;
    this.#state = state;
    this.#folder = folder;
    const settings = join(folder, "terraform.rc");
    mkdirSync(folder, { recursive: true });
    writeFileSync(settings, `provider_installation {\n  filesystem_mirror {\n    path = "${mirror}"\n  }\n}\n`);
    this.#environment = {
      ...QUIET,
      TF_CLI_CONFIG_FILE: settings,
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: "double",
      AWS_SECRET_ACCESS_KEY: "double",
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_CONFIG_FILE: join(folder, "no-config"),
      AWS_SHARED_CREDENTIALS_FILE: join(folder, "no-credentials"),
    };
  }

  /** Writes the modules, the root that calls them and what it makes for them. */
  write(modules: readonly RootModule[]): void {
    for (const { name, module } of modules) this.#json(join("modules", name), { ...module.file });
    const regions = [...new Set(["us-east-1", ...modules.map(({ region }) => region)])];
    this.#json(".", {
      terraform: {
        required_providers: { aws: { source: "hashicorp/aws" } },
        ...(this.#state !== null && { backend: { http: { address: this.#state } } }),
      },
      provider: {
        aws: regions.map((region, at) => ({
          ...(at > 0 && { alias: region }),
          region,
          skip_credentials_validation: true,
          skip_metadata_api_check: true,
          s3_use_path_style: true,
          // Among thousands of requests at once the double drops a connection now and then.
          max_retries: 4,
        })),
      },
      ...surroundings,
      ...(modules.length > 0 && {
        module: Object.fromEntries(
          modules.map(({ name, region, module }) => [
            name,
            {
              source: `./modules/${name}`,
              providers: { aws: region === "us-east-1" ? "aws" : `aws.${region}` },
              ...Object.fromEntries(module.variables.map((variable) => [variable, `\${${values[variable]}}`])),
            },
          ]),
        ),
      }),
    });
  }

  #json(folder: string, content: unknown): void {
    mkdirSync(join(this.#folder, folder), { recursive: true });
    writeFileSync(join(this.#folder, folder, "main.tf.json"), JSON.stringify(content, null, 2));
  }

  init = () => this.#run(["init", "-no-color"]);
  validate = () => this.#run(["validate", "-no-color"]);
  apply = () => this.#run(["apply", "-no-color", "-auto-approve", `-parallelism=${PARALLELISM}`]);
  /** Of what the state knows, which is what the last plan or apply has seen. */
  destroy = () => this.#run(["destroy", "-no-color", "-auto-approve", "-refresh=false", `-parallelism=${PARALLELISM}`]);

  /** What a plan would do to all of it after asking the double for what there is, but for what needs nothing. */
  plan = () => this.#plan([]);

  /** The same for some modules, without asking. */
  planOf = (modules: readonly string[]) =>
    this.#plan(["-refresh=false", ...modules.map((module) => `-target=module.${module}`)]);

  async #plan(more: readonly string[]): Promise<PlannedChange[]> {
    const file = "changes.plan";
    await this.#run(["plan", "-no-color", `-out=${file}`, `-parallelism=${PARALLELISM}`, ...more]);
    const shown = JSON.parse(await this.#run(["show", "-json", file])) as { resource_changes?: RawChange[] };
    return (shown.resource_changes ?? [])
      .filter(({ change, mode }) => mode === "managed" && change.actions.join() !== "no-op")
      .map(({ address, change }) => ({
        address,
        actions: change.actions,
        before: change.before,
        after: change.after,
        replacePaths: change.replace_paths ?? [],
      }));
  }

  /** The provider's schema; printed once and then kept in `cache`. */
  async schema(cache: string): Promise<ProviderSchema> {
    if (!existsSync(cache)) {
      const text = await this.#run(["providers", "schema", "-json"]);
      mkdirSync(join(cache, ".."), { recursive: true });
      // Another test may read it just now.
      const half = `${cache}.${process.pid}`;
      writeFileSync(half, text);
      renameSync(half, cache);
    }
    return awsSchema(readFileSync(cache, "utf8"));
  }

  async #run(args: string[]): Promise<string> {
    const result = await execa(this.#program, args, {
      cwd: this.#folder,
      env: this.#environment,
      reject: false,
      maxBuffer: 512 * 1024 * 1024,
    });
    writeFileSync(join(this.#folder, `${args[0]}.log`), result.stdout);
    if (result.exitCode !== 0)
      throw new Error(`terraform ${args.join(" ")} in ${this.#folder} failed:\n${result.stderr || result.stdout}`);
    return result.stdout;
  }
}

interface RawChange {
  address: string;
  mode: "managed" | "data";
  change: Omit<PlannedChange, "address" | "replacePaths"> & { replace_paths?: unknown[][] };
}
