/** The policy pack as an engine runs it: a process of its own, spoken to over gRPC. */
import { delimiter, dirname, join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import grpc from "@pulumi/pulumi/proto/analyzer_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/analyzer_pb.js";
import { execa, type ResultPromise } from "execa";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import structures from "google-protobuf/google/protobuf/struct_pb.js";

/** A resource as an engine hands it over. */
export interface EngineResource {
  type: string;
  name: string;
  /** May hold the engine's own texts for what is unknown or secret. */
  properties: Readonly<Record<string, unknown>>;
  /** URNs by property. */
  origins: Readonly<Record<string, readonly string[]>>;
}

/** What the pack reports. */
export interface Report {
  policy: string;
  urn: string;
  message: string;
  /** 1 is mandatory. */
  enforcement: number;
}

/** How the engine writes a text that it does not know yet. */
export const UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export const urnOf = ({ type, name }: Pick<EngineResource, "type" | "name">) =>
  `urn:pulumi:test::project::${type}::${name}`;

const FOLDER = join(process.cwd(), "policies");
const OPTIONS = {
  cwd: FOLDER,
  env: { PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter) },
  stdin: "ignore",
  reject: false,
} as const;

/** Starts the pack the way that Pulumi.yaml says. */
export async function startPack() {
  const child = execa(join(FOLDER, "pulumi-analyzer-policy-node"), ["127.0.0.1:1", "."], OPTIONS);
  const port = await portOf(child);
  const client = new grpc.AnalyzerClient(`127.0.0.1:${port}`, credentials.createInsecure());
  return {
    /** The pack's name, and its policies'. */
    info: async () => {
      const info = await call<messages.AnalyzerInfo>((answer) => client.getAnalyzerInfo(new empty.Empty(), answer));
      return {
        name: info.getName(),
        version: info.getVersion(),
        policies: info.getPoliciesList().map((one) => one.getName()),
      };
    },
    /** What it says before a resource is made. */
    analyze: async (resource: EngineResource) => {
      const request = new messages.AnalyzeRequest()
        .setType(resource.type)
        .setName(resource.name)
        .setUrn(urnOf(resource))
        .setProperties(structures.Struct.fromJavaScript(asJson(resource.properties)))
        .setOptions(new messages.AnalyzerResourceOptions());
      return reportsOf(await call<messages.AnalyzeResponse>((answer) => client.analyze(request, answer)), resource);
    },
    /** What it says once all resources are known. */
    analyzeStack: async (resources: readonly EngineResource[]) => {
      const request = new messages.AnalyzeStackRequest().setResourcesList(resources.map(stackResource));
      return reportsOf(await call<messages.AnalyzeResponse>((answer) => client.analyzeStack(request, answer)));
    },
    stop: async () => {
      client.close();
      child.kill();
      await child;
    },
  };
}

/** The first that it prints is its port; if it ends before, what it complained of is the failure. */
function portOf(child: ResultPromise<typeof OPTIONS>): Promise<number> {
  return new Promise((resolve, reject) => {
    child.stdout.once("data", (line) => resolve(Number(String(line))));
    child.then(({ stderr }) => reject(new Error(`The pack ended by itself:\n${stderr}`)), reject);
  });
}

function stackResource(resource: EngineResource) {
  const message = new messages.AnalyzerResource()
    .setType(resource.type)
    .setName(resource.name)
    .setUrn(urnOf(resource))
    .setProperties(structures.Struct.fromJavaScript(asJson(resource.properties)))
    .setOptions(new messages.AnalyzerResourceOptions())
    .setDependenciesList([...new Set(Object.values(resource.origins).flat())]);
  for (const [property, urns] of Object.entries(resource.origins))
    message
      .getPropertydependenciesMap()
      .set(property, new messages.AnalyzerPropertyDependencies().setUrnsList([...urns]));
  return message;
}

/** Plain data without what is undefined. */
const asJson = (properties: unknown) => JSON.parse(JSON.stringify(properties)) as Record<string, never>;

function reportsOf(response: messages.AnalyzeResponse, about?: EngineResource): Report[] {
  return response.getDiagnosticsList().map((one) => ({
    policy: one.getPolicyname(),
    urn: one.getUrn() || (about ? urnOf(about) : ""),
    message: one.getMessage(),
    enforcement: one.getEnforcementlevel(),
  }));
}

function call<T>(send: (answer: (error: Error | null, response: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    send((error, response) => (error ? reject(error) : resolve(response)));
  });
}
