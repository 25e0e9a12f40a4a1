import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetParameterHistoryCommand, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { execa } from "execa";
import { bootScripts } from "../../../components/aws/boot/scripts.ts";
import { docker, sleep } from "../../image/containers.ts";
import type { AwsTestTools } from "../../support/test-tools.ts";
import { type Program, startProgram } from "./boot-program.ts";

const REGION = "us-east-1";
/** Nobody's: the double looks at none. */
const CREDENTIALS = { accessKeyId: "test", secretAccessKey: "test" };

/** A port of a loopback address that is free now. */
export function freePort(address = "127.0.0.1"): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, address, () => {
      const bound = server.address();
      const port = bound !== null && typeof bound === "object" ? bound.port : 0;
      server.close(() => resolve(port));
    });
  });
}

async function answers(url: string, what: string, program: Program): Promise<void> {
  for (const end = Date.now() + 60_000; ; await sleep(200)) {
    const response = await fetch(url).catch(() => null);
    if (response !== null) return;
    if (Date.now() > end || program.ended !== undefined)
      throw new Error(`${what} does not answer at ${url}: ${program.ended?.output ?? "it runs"}`);
  }
}

/** S3 and SSM of an account that nobody has, on the loopback address, and a container registry beside them. */
export class Services {
  readonly endpoint: string;
  readonly region = REGION;
  readonly bucket = `llama-rpc-cluster-${randomBytes(4).toString("hex")}`;
  readonly #registry: string;
  readonly #processes: Program[];
  readonly #folder: string;
  readonly #pushed: string[] = [];
  readonly #s3: S3Client;
  readonly #ssm: SSMClient;

  private constructor(endpoint: string, registry: string, processes: Program[], folder: string) {
    this.endpoint = endpoint;
    this.#registry = registry;
    this.#processes = processes;
    this.#folder = folder;
    const options = { region: REGION, endpoint, credentials: CREDENTIALS };
    this.#s3 = new S3Client({ ...options, forcePathStyle: true });
    this.#ssm = new SSMClient(options);
  }

  /** Starts both; the bucket is there, with the boot scripts in it. */
  static async start({ python, registry }: { python: string; registry: string }): Promise<Services> {
    const folder = await mkdtemp(join(tmpdir(), "llama-rpc-services-"));
    const [awsPort, registryPort] = [await freePort(), await freePort()];
    const configuration = join(folder, "registry.json");
    // JSON is YAML.
    const settings = {
      version: 0.1,
      log: { level: "error" },
      storage: { filesystem: { rootdirectory: join(folder, "registry") } },
      http: { addr: `127.0.0.1:${registryPort}` },
    };
    await writeFile(configuration, JSON.stringify(settings));
    const moto = startProgram(python, ["-m", "moto.server", "-H", "127.0.0.1", "-p", String(awsPort)]);
    const images = startProgram(registry, ["serve", configuration]);
    const endpoint = `http://127.0.0.1:${awsPort}`;
    const services = new Services(endpoint, `127.0.0.1:${registryPort}`, [moto, images], folder);
    try {
      await answers(endpoint, "moto", moto);
      await answers(`http://127.0.0.1:${registryPort}/v2/`, "docker-registry", images);
      await services.makeBucket(services.bucket);
      for (const { key, body } of Object.values(bootScripts)) await services.upload(key, body);
    } catch (error) {
      await services.stop();
      throw error;
    }
    return services;
  }

  /** What a machine's AWS command line needs to come here instead. */
  get environment(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    };
  }

  async makeBucket(name: string): Promise<void> {
    await this.#s3.send(new CreateBucketCommand({ Bucket: name }));
  }

  async upload(key: string, body: string | Uint8Array, bucket = this.bucket): Promise<void> {
    await this.#s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
  }

  async storeKey(name: string, key: string): Promise<void> {
    await this.#ssm.send(new PutParameterCommand({ Name: name, Value: key, Type: "SecureString", Overwrite: true }));
  }

  /** Value of a parameter as the operator reads it: each of its versions, the first one first. */
  async history(name: string): Promise<string[]> {
    const values: string[] = [];
    for (let token: string | undefined; ; ) {
      const answer = await this.#ssm.send(
        new GetParameterHistoryCommand({ Name: name, ...(token === undefined ? {} : { NextToken: token }) }),
      );
      values.push(...(answer.Parameters ?? []).map(({ Value }) => Value ?? ""));
      token = answer.NextToken;
      if (token === undefined) return values;
    }
  }

  /** Brings a local image into the registry; returns its reference by digest, and leaves the engine without it. */
  async push(image: string, repository: string): Promise<string> {
    const target = `${this.#registry}/${repository}`;
    await docker(["tag", image, `${target}:pushed`]);
    const said = await docker(["push", `${target}:pushed`]);
    const digest = /digest: (sha256:[0-9a-f]{64})/.exec(said)?.[1];
    if (digest === undefined) throw new Error(`docker push ${target} told no digest:\n${said}`);
    await docker(["rmi", `${target}:pushed`]);
    const reference = `${target}@${digest}`;
    this.#pushed.push(reference);
    return reference;
  }

  /** A reference into this registry that nothing was pushed to. */
  missingImage(): string {
    return `${this.#registry}/cpu-backend@sha256:${"0".repeat(64)}`;
  }

  async stop(): Promise<void> {
    for (const process of this.#processes) process.kill("SIGTERM");
    await Promise.all(this.#processes.map(({ end }) => end));
    for (const reference of this.#pushed) await execa("docker", ["rmi", reference], { reject: false });
    this.#s3.destroy();
    this.#ssm.destroy();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** The tools that a boot needs here, or why this machine can't boot one. */
export function bootTools(tools: AwsTestTools): { aws: string; python: string; registry: string } | string {
  const { aws, python, registry, reasons } = tools;
  if (aws === null) return reasons.aws ?? "no AWS command line";
  if (python === null) return reasons.python ?? "no Python with moto";
  if (registry === null) return reasons.registry ?? "no docker-registry";
  if (process.getuid?.() !== 0) return "the boot script hands files to uid 10001: run the tests as root";
  return { aws, python, registry };
}
