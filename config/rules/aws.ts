/** Rules that only target aws knows. */

import { fileCount, isLocalSource } from "../model-source.ts";
import { broken, type Rule, type RuleProblem } from "./rule.ts";

export const awsHasWhatItNeeds: Rule = ({ target, aws, front, backends }) => {
  if (target !== "aws") return [];
  const machines = [
    { path: "front.machine", machine: front.machine },
    ...backends.map(({ machine }, index) => ({ path: `backends[${index}].machine`, machine })),
  ];
  const region = broken(
    "aws",
    undefined,
    "must be given with target aws",
    "Write `region: us-east-1` below it.",
    "target",
  );
  return [
    ...(aws === undefined ? [region] : []),
    ...machines.flatMap(({ path, machine }) => {
      if (machine !== undefined) return [];
      return broken(
        path,
        undefined,
        "must be the name of an EC2 instance type with target aws",
        'Write it like "g6e.xlarge" or "c8g.16xlarge"; `npm run advise` proposes some.',
        "target",
      );
    }),
  ];
};

/** The catalog knows the memory, the cores and the GPUs of each machine, and the front has no port on this one. */
export const awsKnowsTheKeys: Rule = ({ target, front, backends }) => {
  if (target !== "aws") return [];
  const problem = (path: string, value: unknown, remedy: string) =>
    value === undefined ? [] : [broken(path, value, "must not be given with target aws", remedy, "target")];
  const holders = [
    { path: "front", ...front },
    ...backends.map((pool, index) => ({ ...pool, path: `backends[${index}]` })),
  ];
  return [
    ...problem("front.hostPort", front.hostPort, "Remove it: access.mode says how the front is reached."),
    ...holders.flatMap((holder) =>
      (["memory", "threads", "gpus"] as const).flatMap((key) =>
        problem(`${holder.path}.${key}`, holder[key], "Remove it: it follows from the machine's type."),
      ),
    ),
  ];
};

export const zoneLiesInRegion: Rule = ({ aws }) => {
  if (aws?.availabilityZone === undefined || aws.availabilityZone.startsWith(aws.region)) return [];
  return [
    broken(
      "aws.availabilityZone",
      aws.availabilityZone,
      `must lie in aws.region, ${aws.region}`,
      `Write it like "${aws.region}a", or leave it out.`,
      "aws.region",
    ),
  ];
};

export const hashesAreOfImports: Rule = ({ target, model }) => {
  if (model.sha256 === undefined) return [];
  const problem = (rule: string, remedy: string): RuleProblem[] => [
    broken("model.sha256", model.sha256, rule, remedy, "model.source", "target"),
  ];
  if (target !== "aws" || isLocalSource(model.source)) {
    return problem(
      "must not be given for a model that is not fetched: it is for target aws and a source elsewhere",
      "Remove it: a file on this machine is compared when it is uploaded.",
    );
  }
  const files = fileCount(model.source);
  if (model.sha256.length === files) return [];
  return problem(
    `must have ${files} ${files === 1 ? "sum" : "sums"}, one for each file of the model`,
    "Give them in the order of the parts.",
  );
};

export const tokenIsForHuggingFace: Rule = ({ aws, model }) => {
  if (aws?.huggingFaceTokenParameter === undefined || model.source.startsWith("hf:")) return [];
  return [
    broken(
      "aws.huggingFaceTokenParameter",
      aws.huggingFaceTokenParameter,
      "must not be given unless model.source is on Hugging Face",
      'Remove it, or write the source like "hf:owner/repository/file.gguf".',
      "model.source",
    ),
  ];
};

export const reservationsFitTheirMarket: Rule = ({ backends }) =>
  backends.flatMap(({ market, reservation }, index): RuleProblem[] => {
    const problem = (rule: string, remedy: string): RuleProblem[] => [
      broken(`backends[${index}].reservation`, reservation, rule, remedy, `backends[${index}].market`),
    ];
    if (market === "capacity-block" && reservation === undefined) {
      return problem(
        "must be given with market capacity-block",
        'Buy a capacity block and write its id, like "cr-0123456789abcdef0".',
      );
    }
    if (market === "spot" && reservation !== undefined) {
      return problem("must not be given with market spot", "Remove it, or set the market to on-demand.");
    }
    return [];
  });

const REFERENCE_BY_DIGEST = /@sha256:[0-9a-f]{64}$/;
const ECR = /^\d{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com\//;

/** Machines reach AWS's services in their own region and nothing else. */
export const imagesAreReachable: Rule = ({ target, aws, images }) => {
  if (target !== "aws") return [];
  return (["cpu", "cuda"] as const).flatMap((flavour) =>
    (["backend", "server"] as const).flatMap((role) => {
      const reference = images[flavour]?.[role];
      if (reference === undefined) return [];
      const region = ECR.exec(reference)?.[1];
      if (REFERENCE_BY_DIGEST.test(reference) && region !== undefined && region === aws?.region) return [];
      return broken(
        `images.${flavour}.${role}`,
        reference,
        "must be an image in ECR of the cluster's region, named by its digest, with target aws: machines without a way out reach no other registry",
        'Write it like "<account>.dkr.ecr.<region>.amazonaws.com/<repository>@sha256:<digest>".',
        "target",
        "aws",
        "aws.region",
      );
    }),
  );
};
