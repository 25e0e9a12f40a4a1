/** The model in the cluster's bucket. */

import { parseModelSource } from "../../config/model-source.ts";
import type { AwsCluster } from "../hosts/cluster.ts";
import type { ModelFacts } from "../model/facts.ts";
import { partNames } from "../model/shards.ts";

/** Where the machines get the model from: one object in the bucket for each of its files. */
export interface ModelObjectsPlan {
  /** `file`: sent from this machine; else an import job in AWS fetches it, and nothing goes over the operator's line. */
  origin: "file" | "hugging-face" | "http" | "s3";
  /** Where each file is now, in the order of the keys. */
  sources: string[];
  /** SSM parameter with a token of Hugging Face; null for a model that everybody may read. */
  tokenParameter: string | null;
  /** Keys in the bucket, that of the first part first. */
  keys: string[];
  bytes: number;
}

/** Folder of the model's files in the bucket. */
const MODEL_PREFIX = "models/";

/** Where the files of a model are, and where they will be. */
export function modelObjects({ huggingFaceTokenParameter }: AwsCluster, facts: ModelFacts): ModelObjectsPlan {
  return {
    origin: originOf(facts.source),
    sources: partNames(facts.source)?.names ?? [facts.source],
    tokenParameter: huggingFaceTokenParameter,
    keys: (partNames(facts.fileName)?.names ?? [facts.fileName]).map((name) => `${MODEL_PREFIX}${name}`),
    bytes: facts.fileBytes,
  };
}

function originOf(source: string): ModelObjectsPlan["origin"] {
  return parseModelSource(source)?.kind ?? "file";
}
