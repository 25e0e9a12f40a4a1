/** Reads a stack's cluster on this machine's engine: its outputs, its containers and its front's answers. */
import { execa } from "execa";
import * as z from "zod";
import type { ClusterPlan } from "../../plan/plan.ts";
import { jsonAnswer } from "../../setup/answer.ts";
import { answerOf } from "../../setup/programs.ts";
import { pulumiAnswer } from "../../setup/pulumi/engine.ts";
import { planIn } from "./plan-output.ts";

/** The stack outputs that scripts rely on. */
export interface Outputs {
  endpoint: string;
  apiKey: string;
  /** Command that makes the endpoint reachable; empty if none is needed. */
  connect: string;
  plan: ClusterPlan;
}

const outputsSchema = z.object({
  endpoint: z.string().optional(),
  apiKey: z.string().optional(),
  connect: z.string().default(""),
  plan: z.unknown(),
});

/** Outputs of a stack; null if the stack is not up. */
export async function outputsOf(stack: string, signal?: AbortSignal): Promise<Outputs | null> {
  const text = await pulumiAnswer(["stack", "output", "--json", "--show-secrets", "--stack", stack], signal);
  const { endpoint, apiKey, connect, plan } = jsonAnswer(text, outputsSchema, "pulumi stack output");
  if (endpoint === undefined || apiKey === undefined || plan === undefined) return null;
  return { endpoint, apiKey, connect, plan: planIn(plan) };
}

/** What doctor needs to know about a container. */
export interface Container {
  name: string;
  role: string;
  state: string;
  /** `healthy`, `unhealthy`, `starting`; null without a health check. */
  health: string | null;
  restarts: number;
  /** `address:port` on the host for each published port. */
  published: string[];
  /** Labels of the container, including those of its image. */
  labels: Record<string, string>;
}

const inspectedSchema = z.object({
  Name: z.string(),
  RestartCount: z.number(),
  State: z.object({ Status: z.string(), Health: z.object({ Status: z.string() }).nullish() }),
  Config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }),
  HostConfig: z.object({
    PortBindings: z
      .record(z.string(), z.array(z.object({ HostIp: z.string(), HostPort: z.string() })).nullable())
      .nullish(),
  }),
});

/** Containers of a stack, including stopped ones. */
export async function containersOf(stack: string): Promise<Container[]> {
  const filter = `label=llama-rpc-cluster/stack=${stack}`;
  const { stdout } = await execa("docker", ["ps", "--all", "--quiet", "--filter", filter]);
  const ids = stdout.split("\n").filter((id) => id !== "");
  if (ids.length === 0) return [];
  const { stdout: text } = await execa("docker", ["inspect", ...ids]);
  const inspected = jsonAnswer(text, z.array(inspectedSchema), "docker inspect");
  return inspected.map(toContainer).sort((a, b) => a.name.localeCompare(b.name));
}

function toContainer({ Name, RestartCount, State, Config, HostConfig }: z.output<typeof inspectedSchema>): Container {
  const labels = Config.Labels ?? {};
  const bindings = Object.values(HostConfig.PortBindings ?? {}).flatMap((list) => list ?? []);
  return {
    name: Name.replace(/^\//, ""),
    role: labels["llama-rpc-cluster/role"] ?? "",
    state: State.Status,
    health: State.Health?.Status ?? null,
    restarts: RestartCount,
    published: bindings.map(({ HostIp, HostPort }) => `${HostIp || "0.0.0.0"}:${HostPort}`),
    labels,
  };
}

/** Labels that an image may leave empty, with the keys of the same facts in its `/app/build-info`. */
const FACTS = {
  "llama-rpc-cluster/llamacpp-commit": "LLAMACPP_COMMIT",
  "llama-rpc-cluster/rpc-protocol": "RPC_PROTOCOL",
  "llama-rpc-cluster/ggml-version": "GGML_VERSION",
} as const;

/** Fills empty labels from the text of `/app/build-info`. */
export function labelsWith(labels: Record<string, string>, buildInfo: string): Record<string, string> {
  const facts = new Map(buildInfo.split("\n").map((line) => [line.split("=")[0], line.split("=")[1]?.trim() ?? ""]));
  const filled = Object.entries(FACTS).map(([label, fact]) => [label, labels[label] || facts.get(fact) || ""]);
  return { ...labels, ...Object.fromEntries(filled) };
}

/** Fills a container's empty labels from its `/app/build-info`; leaves them empty if the file can't be read. */
export async function withBuildInfo(container: Container): Promise<Container> {
  if (container.state !== "running" || Object.keys(FACTS).every((label) => container.labels[label])) return container;
  const text = await answerOf("docker", ["exec", container.name, "cat", "/app/build-info"]);
  return text === null ? container : { ...container, labels: labelsWith(container.labels, text) };
}

/** The log of a container. */
export async function logOf(container: string): Promise<string> {
  const { all } = await execa("docker", ["logs", container], { all: true, reject: false, maxBuffer: 200_000_000 });
  return all;
}

/** HTTP status of a request; 0 if no answer comes. */
export async function statusOf(url: string, init: RequestInit = {}): Promise<number> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(10_000) });
    await response.body?.cancel();
    return response.status;
  } catch {
    return 0;
  }
}

/** HTTP statuses of a front; 0 if no answer comes. */
export interface ApiStatuses {
  /** Status of the health page. */
  health: number;
  /** Status of a request without the key. */
  withoutKey: number;
  /** Status of a protected page with the stack's key; 0 too if the front requires no key. */
  withKey: number;
}

const QUESTION = {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ messages: [{ role: "user", content: "Hello" }], max_tokens: 1 }),
};

/** Requests a front's pages with and without its key. It sends the key only to a server that requires one. */
export async function apiStatuses({ endpoint, apiKey }: Pick<Outputs, "endpoint" | "apiKey">): Promise<ApiStatuses> {
  const [health, withoutKey] = await Promise.all([
    statusOf(`${endpoint}/health`),
    statusOf(`${endpoint}/v1/chat/completions`, QUESTION),
  ]);
  const authorized = { headers: { authorization: `Bearer ${apiKey}` } };
  const withKey = withoutKey === 401 ? await statusOf(`${endpoint}/props`, authorized) : 0;
  return { health, withoutKey, withKey };
}
