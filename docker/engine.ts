/** The Docker Engine's HTTP API, as far as a preview asks it (docs.docker.com/reference/api/engine). */

import http from "node:http";
import * as z from "zod";
import type { EngineAddress } from "./address.ts";

const infoSchema = z.object({
  Name: z.string(),
  OSType: z.string(),
  KernelVersion: z.string(),
  MemTotal: z.number(),
  DockerRootDir: z.string(),
  Runtimes: z.record(z.string(), z.unknown()).nullish(),
  SecurityOptions: z.array(z.string()).nullish(),
  CDISpecDirs: z.array(z.string()).nullish(),
});

const labels = z.record(z.string(), z.string()).nullish();

const containersSchema = z.array(
  z.object({
    Names: z.array(z.string()),
    Labels: labels,
    Ports: z
      .array(z.object({ IP: z.string().optional(), PublicPort: z.number().optional(), Type: z.string() }))
      .nullish(),
  }),
);

const networksSchema = z.array(
  z.object({
    Name: z.string(),
    Scope: z.string(),
    Labels: labels,
    IPAM: z.object({
      Driver: z.string().nullish(),
      Config: z.array(z.object({ Subnet: z.string().optional() })).nullish(),
    }),
  }),
);

const imagesSchema = z.array(z.object({ RepoTags: z.array(z.string()).nullish() }));

/** The engine and its machine. */
export type EngineInfo = z.output<typeof infoSchema>;

/** All that a preview asks the engine. */
export interface EngineAnswers {
  info: EngineInfo;
  /** Running ones. */
  containers: z.output<typeof containersSchema>;
  networks: z.output<typeof networksSchema>;
  /** `repository:tag` of the images that the engine built for the stack. */
  imageTags: string[];
}

/**
 * Asks everything at once.
 * @param imagesOf pattern of the repositories of the stack's images
 * @throws {Error} if an answer fails, comes too late or is not one of Docker's
 */
export async function askEngine(
  address: EngineAddress,
  imagesOf: string,
  timeoutSeconds: number,
): Promise<EngineAnswers> {
  const signal = AbortSignal.timeout(timeoutSeconds * 1000);
  const filters = encodeURIComponent(JSON.stringify({ reference: [imagesOf] }));
  const [info, containers, networks, images] = await Promise.all([
    get(address, "/info", infoSchema, signal),
    get(address, "/containers/json", containersSchema, signal),
    get(address, "/networks", networksSchema, signal),
    get(address, `/images/json?filters=${filters}`, imagesSchema, signal),
  ]);
  return { info, containers, networks, imageTags: images.flatMap(({ RepoTags }) => RepoTags ?? []) };
}

async function get<T>(address: EngineAddress, path: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> {
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    http.get({ ...address, path, signal, agent: false }, resolve).once("error", reject);
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  if (response.statusCode !== 200) throw new Error(`${path}: status ${response.statusCode}: ${text.slice(0, 200)}`);
  const answer = schema.safeParse(JSON.parse(text));
  if (!answer.success) throw new Error(`${path}: not an answer of Docker: ${z.prettifyError(answer.error)}`);
  return answer.data;
}
