/** The model in the cluster's bucket. */

import { parseModelSource } from "../../config/model-source.ts";
import type { AwsCluster } from "../hosts/cluster.ts";
import type { ModelFacts } from "../model/facts.ts";
import { partNames } from "../model/shards.ts";

/** The objects in the bucket from which the machines download the model, one for each of its files. */
export interface ModelObjectsPlan {
  /** `file`: this machine uploads it. Otherwise a job in AWS downloads it, without the operator's connection. */
  origin: "file" | "hugging-face" | "http" | "s3";
  /** The present location of each file, in the order of the keys. */
  sources: string[];
  /** SSM parameter with a token of Hugging Face; null for a public model. */
  tokenParameter: string | null;
  /** Keys in the bucket, in the order of the parts. */
  keys: string[];
  bytes: number;
}

/** Folder of the model's files in the bucket. */
const MODEL_PREFIX = "models/";

/** Plans the objects of a model: the location of its files and their keys in the bucket. */
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
