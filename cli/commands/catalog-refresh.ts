/** `npm run catalog:refresh`: compares the catalog of machine types with AWS and writes the changes. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { UserError } from "../../config/errors.ts";
import { projectRoot } from "../../setup/paths.ts";
import { askAws } from "../catalog/ask-aws.ts";
import { COLUMNS, compare, type Differences } from "../catalog/compare.ts";
import { refreshed } from "../catalog/rewrite.ts";
import { type Cell, readTable, writeTable } from "../catalog/table-file.ts";
import type { Command } from "../command.ts";

const TABLE = "plan/catalog/types.json";

const USAGE = `
  npm run catalog:refresh                ask AWS and write what has changed into ${TABLE}
  npm run catalog:refresh -- --check     only say what differs; exit code 1 if anything does
  npm run catalog:refresh -- --no-prices types and regions only

Needs AWS credentials with ec2:DescribeInstanceTypes, ec2:DescribeInstanceTypeOfferings, ec2:DescribeSpotPriceHistory and
pricing:GetProducts; it changes nothing at AWS and costs nothing. Spot prices are written too, but because they move daily
they never count as a difference. What AWS does not state (bandwidth and rates of GPUs and processors) stays as it is in
plan/catalog/families.json. New types are listed; add them by hand.`;

export const command: Command = {
  summary: "compare the catalog of EC2 machine types and prices with AWS, and write the changes",
  help: USAGE,
  run: async (args, { signal }) => {
    const { check, prices } = optionsOf(args);
    const path = join(projectRoot, TABLE);
    const table = readTable(path);
    const observed = await askAws({ names: table.types.map(([name]) => name), prices, signal });
    const differences = compare(table.types, observed);
    console.log(report(differences));
    if (check) return differences.changes.length + differences.byHand.length > 0 ? 1 : 0;
    const today = new Date().toISOString().slice(0, 10);
    const isWritten = writeTable(path, refreshed(table, differences.changes, { observed, today, prices }));
    const written = isWritten ? TABLE : "nothing";
    console.log(`\nWritten: ${written}. Check git diff, run npm run test:quick, and commit.`);
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

/** One line for each cell that differs, and the changes to make by hand. */
function report({ changes, byHand }: Differences): string {
  const width = Math.max(0, ...changes.map(({ name }) => name.length)) + 2;
  const cells = changes.map(({ name, column, from, to }) => {
    return `${name.padEnd(width)}${(COLUMNS[column] ?? "").padEnd(24)}${shown(from)} → ${shown(to)}`;
  });
  const types = new Set(changes.map(({ name }) => name)).size;
  const summary = changes.length === 0 ? "No row differs." : `${changes.length} cells of ${types} types differ.`;
  const notes = byHand.length === 0 ? [] : ["", "Change by hand:", ...byHand.map((note) => `  ${note}`)];
  return [...cells, summary, ...notes].join("\n");
}

function shown(cell: Cell): string {
  return cell === null ? "not sold" : String(cell);
}
