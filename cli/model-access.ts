import type { ModelAccess } from "../plan/model/sources.ts";

/** Servers of remote models, from the environment variables of Hugging Face's and AWS's own tools. */
export function modelAccess(variables: NodeJS.ProcessEnv): Omit<ModelAccess, "projectRoot"> {
  const { HF_TOKEN: token, HF_ENDPOINT: endpoint, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL } = variables;
  return {
    huggingFace: { token, endpoint },
    s3: { endpoint: AWS_ENDPOINT_URL_S3 ?? AWS_ENDPOINT_URL },
  };
}
