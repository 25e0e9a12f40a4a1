/** `npm run catalog:refresh`: holds the catalog of machine types against AWS, and writes what has changed. */
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { execa } from "execa";
import { UserError } from "../../config/errors.ts";
import { projectRoot } from "../../setup/paths.ts";
import { askAws } from "../catalog/ask-aws.ts";
import { COLUMNS, compare, type Differences } from "../catalog/compare.ts";
import { catalogRows, rewriteCatalog } from "../catalog/rewrite.ts";
import type { Command } from "../command.ts";

const USAGE = `
  npm run catalog:refresh                ask AWS and write what has changed into plan/catalog/
  npm run catalog:refresh -- --check     only say what differs; exit code 1 if anything does
  npm run catalog:refresh -- --no-prices types and regions only

Needs AWS credentials with ec2:DescribeInstanceTypes, ec2:DescribeInstanceTypeOfferings, ec2:DescribeSpotPriceHistory and
pricing:GetProducts; it changes nothing at AWS and costs nothing. Spot prices are written along, but move daily and so never
count as a difference. What AWS does not state (bandwidth and rates of GPUs and processors) is kept, and new types are
listed for a person to add.`;

export const command: Command = {
  summary: "hold the catalog of EC2 machine types and prices against AWS, and write what has changed",
  help: USAGE,
  run: async (args, { signal }) => {
    const { check, prices } = optionsOf(args);
    const directory = join(projectRoot, "plan/catalog");
    const rows = catalogRows(directory);
    const observed = await askAws({ names: rows.map(({ name }) => name), prices, signal });
    const differences = compare(rows, observed);
    console.log(told(differences));
    if (check) return differences.changes.length + differences.forAPerson.length > 0 ? 1 : 0;
    const today = new Date().toISOString().slice(0, 10);
    const files = rewriteCatalog(directory, differences.changes, { observed, today, prices });
    if (files.length > 0)
      await execa("biome", ["format", "--write", ...files], { cwd: projectRoot, preferLocal: true });
    const names = files.map((file) => relative(projectRoot, file));
    console.log(`\nWritten: ${names.join(", ") || "nothing"}. Look at git diff, run npm run test:quick, and commit.`);
    return 0;
  },
};

function optionsOf(args: string[]): { check: boolean; prices: boolean } {
  try {
    const { values } = parseArgs({
      args,
      allowNegative: true,
      options: { check: { type: "boolean", default: false }, prices: { type: "boolean", default: true } },
    });
    return values;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UserError(`${error.message}; see npm run catalog:refresh -- --help.`);
  }
}

/** One line for each cell that differs, and what is left to a person. */
function told({ changes, forAPerson }: Differences): string {
  const width = Math.max(0, ...changes.map(({ name }) => name.length)) + 2;
  const cells = changes.map(({ name, column, from, to }) => {
    const [before, after] = [from, to].map((cell) => (cell === "null" ? "not sold" : cell.replaceAll('"', "")));
    return `${name.padEnd(width)}${(COLUMNS[column] ?? "").padEnd(24)}${before} → ${after}`;
  });
  const types = new Set(changes.map(({ name }) => name)).size;
  const summary = changes.length === 0 ? "No row differs." : `${changes.length} cells of ${types} types differ.`;
  const notes = forAPerson.length === 0 ? [] : ["", "For a person:", ...forAPerson.map((note) => `  ${note}`)];
  return [...cells, summary, ...notes].join("\n");
}
