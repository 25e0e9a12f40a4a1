import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";
import { vi } from "vitest";
import { parse } from "yaml";
import { smallModelFacts } from "../../bench/support/models.ts";
import { answerCall, answerResource, type Call } from "../../bench/support/provider-answers.ts";
import { type Extras, extrasOf, withoutVisible } from "../../bench/support/registration.ts";
import type { ClusterTransform } from "../../components/create.ts";

/** One resource as a program registers it. */
export interface GraphNode extends Extras {
  type: string;
  name: string;
  inputs: unknown;
}

const SECRET = "4dabf18193072939515e22adb298388d";
/** The tag's digest follows every edit in `images/`, which git shows already. */
const IMAGE_TAG = /^(.*:(?:(?:backend|server)-[a-z0-9-]+-)?)[0-9a-f]{12}$/;
const PREFIX = "llama-rpc-cluster:";
const TRANSFORM = "../../stacks/transform.ts";

/** What is different from a plain preview of a stack. */
export interface GraphOptions {
  /** Folder whose path is another one at every run. */
  scratch?: string;
  /** Answers of the test's own to calls, asked before those of `provider-answers.ts`; undefined: no answer. */
  answers?: (call: Call) => Record<string, unknown> | undefined;
  /** Sees each request to register a resource, in their order. */
  onRegistration?: (request: RegistrationRequest) => void;
  /** What the program finds in `stacks/transform.ts`. @default what is there */
  transform?: ClusterTransform;
}

type RegistrationRequest = Parameters<MockMonitor["registerResource"]>[0];

/**
 * Runs the whole program of a stack under mocks and returns what it registers, in an order of its own.
 * @param stack its file in `stacks/` is the configuration
 * @param overrides sections that replace those of the file (`model`), as the file would write them
 * @param scratch folder whose path is another one at every run
 */
export async function graphOf(
  stack: string,
  overrides: Record<string, unknown>,
  scratch: string,
  options: GraphOptions = {},
): Promise<GraphNode[]> {
  return graphOfSections(stack, { ...sectionsOf(stack), ...overrides }, scratch, options);
}

/** The same for a stack without a file: `sections` is its whole configuration. */
export async function graphOfSections(
  stack: string,
  sections: Record<string, unknown>,
  scratch: string,
  options: GraphOptions = {},
): Promise<GraphNode[]> {
  vi.resetModules();
  // What this machine provides is not part of a stack.
  vi.doMock("../../config/machine.ts", () => ({ readMachine: () => ({ buildArgs: {} }) }));
  vi.doMock("../../config/architecture.ts", () => ({ containerArchitecture: () => "amd64" }));
  vi.doUnmock(TRANSFORM);
  if (options.transform !== undefined) vi.doMock(TRANSFORM, () => ({ transform: options.transform }));
  // Nor is what an account, or a machine, says of it.
  const unasked = () => ({ preflight: (plan: object) => ({ plan, note: null }) });
  vi.doMock("../../aws/account/preflight.ts", unasked);
  vi.doMock("../../docker/preflight.ts", unasked);
  knowModelsElsewhere((sections["model"] as { source: string }).source);
  pulumi.runtime.setAllConfig(configOf(sections));
  return graphOfProgram(stack, regionOf(sections), () => import("../../index.ts"), { ...options, scratch });
}

/** A graph test asks nobody: a model that is elsewhere is the small one, whatever its address. */
function knowModelsElsewhere(source: string): void {
  const [facts, lock] = ["../../plan/model/facts.ts", "../../plan/model/lock.ts"] as const;
  vi.doUnmock(facts);
  vi.doUnmock(lock);
  if (!/^(hf|s3|https?):/.test(source)) return;
  const fileName = source.slice(source.lastIndexOf("/") + 1);
  const known = { ...smallModelFacts(), source, fileName };
  const part = { file: null, fileName, bytes: known.fileBytes, headerSha256: "c0".repeat(32), tag: "d1".repeat(32) };
  vi.doMock(facts, async (original) => ({ ...(await original<object>()), readModelFacts: async () => known }));
  vi.doMock(lock, async (original) => ({ ...(await original<object>()), keptModel: () => ({ parts: [part] }) }));
}

/** Runs any program under mocks. */
export async function graphOfProgram(
  stack: string,
  region: string,
  program: () => Promise<unknown>,
  options: GraphOptions = {},
): Promise<GraphNode[]> {
  const graph: GraphNode[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: (resource) => {
        graph.push({
          type: resource.type,
          name: resource.name,
          inputs: tidy(resource.inputs, options.scratch ?? "<scratch>"),
        });
        return answerResource(resource, region);
      },
      call: (call) => options.answers?.(call) ?? answerCall(call, region),
    },
    "llama-rpc-cluster",
    stack,
    true,
  );
  const extras = watchRegistrations(options.onRegistration);
  await pulumi.runtime.runInPulumiStack(program);
  await pulumi.runtime.disconnect();
  return graph
    .map((node) => ({ ...node, ...withoutVisible(extras.get(`${node.type} ${node.name}`) ?? {}, node.inputs) }))
    .sort((a, b) => `${a.type} ${a.name}`.localeCompare(`${b.type} ${b.name}`));
}

/** The mock monitor hands only type, name and inputs to the mocks; the rest of the request is read on its way. */
function watchRegistrations(onRegistration: GraphOptions["onRegistration"]): Map<string, Extras> {
  const extras = new Map<string, Extras>();
  const monitor = pulumi.runtime.getMonitor();
  if (!monitor) throw new Error("The Pulumi runtime has no monitor: call setMocks first.");
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = ((...parameters: Parameters<typeof register>) => {
    const [request] = parameters;
    const key = `${request.getType()} ${request.getName()}`;
    if (extras.has(key)) throw new Error(`Two resources are called ${key}: tests tell them apart by type and name.`);
    extras.set(key, extrasOf(request));
    onRegistration?.(request);
    return register(...parameters);
  }) as typeof monitor.registerResource;
  // Mocks have nobody who would run a hook; that a resource has one shows in its options.
  const accepted = (_request: unknown, done: (error: null, answer: unknown) => void) => done(null, {});
  Object.assign(monitor, { registerResourceHook: accepted, registerErrorHook: accepted });
  return extras;
}

/** The sections of a stack's file, keys without the project's name. */
export function sectionsOf(stack: string): Record<string, unknown> {
  const file = parse(readFileSync(join("stacks", `Pulumi.${stack}.yaml`), "utf8")) as {
    config: Record<string, unknown>;
  };
  return Object.fromEntries(
    Object.entries(file.config).map(([key, value]) => [key.startsWith(PREFIX) ? key.slice(PREFIX.length) : key, value]),
  );
}

function configOf(sections: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(sections).map(([key, value]) => [
      key.includes(":") ? key : `${PREFIX}${key}`,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}

function regionOf(sections: Record<string, unknown>): string {
  const aws = sections["aws"] as { region?: string } | undefined;
  return aws?.region ?? "us-east-1";
}

/** Random and machine-bound values would make every run another graph; secrets do not belong into a file. */
function tidy(value: unknown, scratch: string): unknown {
  if (Array.isArray(value)) return value.map((inner) => tidy(inner, scratch));
  if (typeof value === "string")
    return value
      .replaceAll(process.cwd(), "<project>")
      .replaceAll(scratch, "<scratch>")
      .replace(IMAGE_TAG, "$1<content>");
  if (typeof value !== "object" || value === null) return value;
  if (SECRET in value) return "<secret>";
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([key, inner]) => [key, tidy(inner, scratch)]),
  );
}

/** One input of a resource, as the test knows it to be. */
export const inputOf = <T = unknown>(node: GraphNode, name: string) =>
  (node.inputs as Record<string, unknown>)[name] as T;
