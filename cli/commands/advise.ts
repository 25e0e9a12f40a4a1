/** `npm run advise -- <model>`: clusters for a model, without an engine, credentials or, where the model is kept, network. */

import { join } from "node:path";
import { MAX_BACKENDS } from "../../config/bounds.ts";
import { REGIONS } from "../../config/regions.ts";
import { stackFilePath } from "../../config/stack.ts";
import { type Advice, search, type Winners, type Wishes, winnersOf, withoutNoise } from "../../plan/advise/search.ts";
import { warningsOf } from "../../plan/advise/warnings.ts";
import type { ModelFacts } from "../../plan/model/facts.ts";
import { lookUpModel } from "../../plan/model/look-up.ts";
import type { ModelAccess } from "../../plan/model/sources.ts";
import { roundUsd } from "../../report/amounts.ts";
import { hanging, terminalOptions } from "../../report/layout.ts";
import {
  type AdviceTable,
  formatAdvice,
  machinesText,
  numbersOf,
  speedText,
  titlesOf,
} from "../../report/text-advice.ts";
import { projectRoot } from "../../setup/paths.ts";
import { parseArguments } from "../advise/arguments.ts";
import { stackFile } from "../advise/stack-file.ts";
import type { Command } from "../command.ts";
import { modelAccess } from "../model-access.ts";
import { whyNotWritten } from "../write-file.ts";

const HELP = `
  npm run advise -- <model> [options]

Looks for clusters on EC2 that serve a model: the cheapest, the fastest, the best value (fewest US dollars for a million
tokens), and those between them that are not slower and dearer than another. Then shows a stack file of one of them.
<model> is what a stack file takes as model.source: the path of a .gguf file, its https:// address,
hf:owner/repository/file.gguf or s3://bucket/file.gguf. A header that is read over the network is kept in
models.lock.json; HF_TOKEN opens gated models, and a model in S3 is read with the environment's AWS credentials.
Exit code 1 if an argument is wrong, or if nothing fits.

      --context <tokens>   tokens of context that all slots share (default: 4096)
      --slots <number>     requests that are served at the same time (default: 1)
      --kv <type>          type of the KV cache: f16, q8_0 or q4_0 (default: f16)
      --region <region>    ${REGIONS.join(", ")} (default: us-east-1)
      --budget <dollars>   US dollars per hour, at most; spot machines count with their on-demand price
      --min-tps <speed>    estimated tokens per second of an answer, at least
      --spot               backends on spot machines, which EC2 may stop at any time
      --choose <which>     cheapest, fastest or value: whose stack file it is to be (default: value)
      --write <stack>      write the stack file to stacks/Pulumi.<stack>.yaml instead of showing it
      --top <rows>         rows of the table; the three winners are always there (default: 10)
      --json               print everything as JSON`;

export const command: Command = {
  summary: "the cheapest, fastest and best-value cluster for a model",
  help: HELP,
  run: (args) => advise(args, { ...modelAccess(process.env), projectRoot }),
};

/**
 * Searches clusters for a command line, prints them, and returns the exit code.
 * @throws {UserError} if the command line is wrong
 */
export async function advise(argv: string[], access: ModelAccess): Promise<number> {
  const request = parseArguments(argv, access.projectRoot);
  const { wishes, write } = request;
  const { facts, note } = await lookUpModel(wishes.base.model.source, access, false);
  if (note !== null) process.stderr.write(`${note}\n\n`);
  const found = withoutNoise(search(facts, wishes));
  const winners = winnersOf(found);
  if (winners === null) {
    process.stderr.write(`${nothingFits(facts, wishes).join("\n")}\n`);
    return 1;
  }
  const chosen = winners[request.choose];
  const rows = ranked(found, winners, request.top).map((advice) => ({ advice, warnings: warningsOf(advice, facts) }));
  const text = stackFile(chosen, facts.name);
  // Print the result before writing the file, which may fail.
  if (request.json)
    process.stdout.write(`${JSON.stringify(asJson({ facts, wishes, rows, winners, chosen }, text), null, 2)}\n`);
  else process.stdout.write(`${formatAdvice({ facts, wishes, rows, winners, chosen }, terminalOptions(140))}\n\n`);
  const failure = write === null ? null : writeStack(write, text, access.projectRoot);
  if (failure !== null) {
    process.stderr.write(`${failure}\n`);
    return 1;
  }
  const title = `${machinesText(chosen)}, ${titlesOf(chosen, winners).join(", ")}`;
  const shown = write === null ? `The stack file of ${title}:\n\n${text}` : writtenText(title, write);
  if (!request.json) process.stdout.write(shown);
  return 0;
}

/** Writes the stack file; returns null, or one sentence if it can't be written. */
function writeStack(stack: string, text: string, projectRoot: string): string | null {
  const shown = stackFilePath(stack);
  const reason = whyNotWritten(join(projectRoot, shown), text, { shown, flag: "wx" });
  return reason === null ? null : `The stack file can't be written to ${shown}: ${reason}`;
}

/** The winners and as many others as fit, best value first; each pool of backends at most once besides the winners. */
function ranked(found: readonly Advice[], winners: Winners, top: number): Advice[] {
  const byValue = found.toSorted((a, b) => a.usdPerMillionTokens - b.usdPerMillionTokens);
  const best = new Set(Object.values<Advice>({ ...winners }));
  const pool = ({ count, machine }: Advice) => `${count} ${machine}`;
  const shown = new Set([...best].map(pool));
  const others = byValue.filter((advice) => {
    const isNew = !shown.has(pool(advice));
    shown.add(pool(advice));
    return isNew;
  });
  const kept = new Set([...best, ...others.slice(0, Math.max(0, top - best.size))]);
  return byValue.filter((advice) => kept.has(advice));
}

function writtenText(title: string, stack: string): string {
  return `${stackFilePath(stack)} is written: ${title}. Check its plan with npm run plan -- -s ${stack}, and commit it.\n`;
}

/** Why there is no row, and the nearest clusters. */
function nothingFits(facts: ModelFacts, wishes: Wishes): string[] {
  const { base, minTokensPerSecond } = wishes;
  const budget = base.limits.maxHourlyUsd;
  const region = String(base.aws?.region);
  const anything = search(facts, { ...wishes, base: { ...base, limits: {} }, minTokensPerSecond: null });
  const [cheapest] = anything;
  const fastest = anything.at(-1);
  if (cheapest === undefined || fastest === undefined) {
    return [
      `No cluster of up to ${MAX_BACKENDS} equal backends in ${region} holds ${facts.name}${wishes.spot ? " on spot machines" : ""}.`,
      "Choose a smaller quantization, a shorter --context or a smaller --kv type.",
    ];
  }
  const affordable = budget === undefined ? undefined : search(facts, { ...wishes, minTokensPerSecond: null }).at(-1);
  const fastEnough = anything.find(({ speed }) => speed.decode.tokensPerSecond >= (minTokensPerSecond ?? 0));
  const limits = [
    ...(budget === undefined ? [] : [`costs at most ${budget} US dollars per hour`]),
    ...(minTokensPerSecond === null ? [] : [`answers with ${minTokensPerSecond} tokens per second`]),
  ];
  const remedies = [
    ...(budget === undefined ? [] : ["raise --budget"]),
    ...(minTokensPerSecond === null ? [] : ["lower --min-tps"]),
    "try another --region",
  ];
  const nearest: [string, Advice | undefined][] = [
    ["Within the budget, the fastest:", affordable],
    ["Fast enough, the cheapest:", minTokensPerSecond === null ? undefined : fastEnough],
    ["The cheapest of all:", affordable === undefined && budget !== undefined ? cheapest : undefined],
    ["The fastest of all:", fastEnough === undefined ? fastest : undefined],
  ];
  const lines = nearest.flatMap(([heading, advice]) => (advice === undefined ? [] : [[heading, advice] as const]));
  return [
    `No cluster in ${region} that holds ${facts.name} ${limits.join(" and ")}.`,
    ...lines.flatMap(([heading, advice]) => hanging(`  ${heading} `, nearestText(advice), terminalOptions(140).width)),
    `${capitalised(remedies.join(", "))}, or choose a smaller quantization.`,
  ];
}

function capitalised(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function nearestText(advice: Advice): string {
  const { low, high } = advice.cost.usdPerHour;
  const price = low === high ? roundUsd(high) : `${roundUsd(low)} to ${roundUsd(high)}`;
  return `${machinesText(advice)}, ${speedText(advice.speed.decode)} tokens per second for ${price} US dollars per hour.`;
}

function asJson({ facts, wishes, rows, winners, chosen }: AdviceTable, file: string) {
  return {
    model: { source: facts.source, name: facts.name, fileBytes: facts.fileBytes, layers: facts.layers },
    region: wishes.base.aws?.region,
    rows: rows.map(({ advice, warnings }) => {
      const { front, machine, count, speed, load, cost, usdPerHour, usdPerMonth, usdPerMillionTokens } = advice;
      const best = titlesOf(advice, winners);
      const money = { usdPerHour, usdPerMonth, usdPerMillionTokens };
      return { best, front, machine, count, ...money, speed, load, cost, warnings: numbersOf(warnings) };
    }),
    stackFile: file,
    findings: rows.find(({ advice }) => advice === chosen)?.warnings ?? [],
  };
}
