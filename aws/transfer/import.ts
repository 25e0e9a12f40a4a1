/** Imports a remote model into the cluster's bucket with a job in AWS: `import.sh` in a build of CodeBuild. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseModelSource } from "../../config/model-source.ts";
import { type AwsConnection, clientOptions } from "../connection.ts";
import { awsClause } from "../errors.ts";
import { inParallel } from "../parallel.ts";
import { asYaml } from "../yaml.ts";
import { BuildRun, type BuildTools } from "./import-build.ts";
import type { RemoteFile } from "./model-files.ts";
import { isThere } from "./multipart.ts";
import { ProgressSum, type TransferProgress } from "./progress.ts";
import { TransferError } from "./transfer-error.ts";
import type { TransferResult } from "./upload.ts";

/** The CodeBuild project's buildspec; the script is readable in the console. */
export function importBuildspec(): string {
  const script = readFileSync(join(import.meta.dirname, "import.sh"), "utf8").trimEnd();
  const commands = [`cat >/tmp/import.sh <<'END_OF_IMPORT'\n${script}\nEND_OF_IMPORT\n`, "bash /tmp/import.sh"];
  return asYaml({ version: 0.2, phases: { build: { commands } } });
}

export interface ImportArgs {
  connection: AwsConnection;
  /** Name of the CodeBuild project that runs {@link importBuildspec}. */
  project: string;
  bucket: string;
  files: readonly RemoteFile[];
  onProgress?: ((progress: TransferProgress) => void) | undefined;
  /** Stops the builds. */
  signal?: AbortSignal | undefined;
  /** Server of `hf:` sources. @default "https://huggingface.co" */
  huggingFaceEndpoint?: string | undefined;
  /** Pause between two checks of a build, in seconds. @default 5 */
  pollSeconds?: number | undefined;
}

/** Files that are imported at the same time; CodeBuild queues builds beyond the account's limit. */
const AT_ONCE = 4;

const NEEDS =
  "codebuild:StartBuild, codebuild:BatchGetBuilds, codebuild:ListBuildsForProject and codebuild:StopBuild on the import project, logs:GetLogEvents on its log group and s3:GetObject on the model's bucket";

/**
 * Imports the files that the bucket does not hold yet, each in its own build. If a build of an earlier run still runs, it is
 * followed instead.
 *
 * ### Cost
 * 0.0034 US dollars per minute and file while a build runs (arm1.small); nothing afterwards.
 * @throws {TransferError} one sentence with its remedy
 */
export async function importModel(args: ImportArgs): Promise<TransferResult> {
  const { connection, bucket, signal } = args;
  const [codebuild, logs, s3] = await Promise.all([
    import("@aws-sdk/client-codebuild"),
    import("@aws-sdk/client-cloudwatch-logs"),
    import("@aws-sdk/client-s3"),
  ]);
  const options = clientOptions(connection);
  const tools: BuildTools = {
    codebuild: { sdk: codebuild, client: new codebuild.CodeBuildClient(options) },
    logs: { sdk: logs, client: new logs.CloudWatchLogsClient(options) },
    sending: signal === undefined ? {} : { abortSignal: signal },
  };
  const client = new s3.S3Client(options);
  const sum = new ProgressSum(args.files, args.onProgress);
  const isInBucket = ({ key, identity, bytes }: RemoteFile) =>
    isThere({ sdk: s3, client, bucket, key, identity, sending: tools.sending }, bytes);
  const one = async (file: RemoteFile): Promise<keyof TransferResult> => {
    const isBefore = await isInBucket(file);
    if (!isBefore) {
      await new BuildRun(tools, { ...args, file, environment: environmentOf(file, args) }, (bytes) =>
        sum.set(file.key, bytes),
      ).run();
      if (!(await isInBucket(file)))
        throw new TransferError(
          `The import of ${file.place.source} succeeded, but the bucket ${bucket} does not hold ${file.key}: run \`pulumi up\` again.`,
        );
    }
    sum.set(file.key, file.bytes);
    return isBefore ? "alreadyPresent" : "transferred";
  };
  const result = { transferred: 0, alreadyPresent: 0 };
  try {
    await inParallel(args.files, AT_ONCE, async (file) => {
      result[await one(file)]++;
    });
  } catch (error) {
    if (error instanceof TransferError) throw error;
    if (signal?.aborted)
      throw new TransferError("The import was stopped: `pulumi up` starts it again.", { cause: error });
    throw new TransferError(`The model can't be imported: ${awsClause(error, { needs: NEEDS })}`, { cause: error });
  } finally {
    client.destroy();
    tools.codebuild.client.destroy();
    tools.logs.client.destroy();
  }
  return result;
}

/** The script's environment; empty values are left out. */
function environmentOf({ key, bytes, identity, place }: RemoteFile, args: ImportArgs): Record<string, string> {
  const isHuggingFace = place.source.startsWith("hf:");
  const variables = {
    MODEL_SOURCE: isHuggingFace ? addressOf(place.source, args.huggingFaceEndpoint) : place.source,
    MODEL_BUCKET: args.bucket,
    MODEL_KEY: key,
    MODEL_BYTES: String(bytes),
    MODEL_IDENTITY: identity,
    MODEL_SHA256: place.sha256 ?? "",
    MODEL_TAG: place.tag ?? "",
    MODEL_TOKEN: isHuggingFace ? "yes" : "",
  };
  return Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ""));
}

function addressOf(source: string, endpoint = "https://huggingface.co"): string {
  const place = parseModelSource(source);
  if (place?.kind !== "hugging-face") throw new Error(`${source} is not on Hugging Face`);
  const path = [place.owner, place.repository, "resolve", place.revision, ...place.file.split("/")];
  return `${endpoint}/${path.map(encodeURIComponent).join("/")}`;
}
