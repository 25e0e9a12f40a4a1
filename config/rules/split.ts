/** The rule about a split of the user's own. */

import { broken, type Rule } from "./rule.ts";

export const splitIsWhole: Rule = ({ target, backends }) => {
  const without = backends.findIndex(({ layers }) => layers === undefined);
  return backends.flatMap(({ layers, count }, index) => {
    const path = `backends[${index}].layers`;
    if (layers === undefined) return [];
    if (without !== -1) {
      const other = `backends[${without}].layers`;
      const rule = `must be given for every pool or for none, and ${other} is missing`;
      return broken(path, layers, rule, `Give ${other} too, or remove it here.`, other);
    }
    // Only the plan knows how many backends a machine of the catalog runs.
    if (target !== "docker" || layers.length === count) return [];
    return broken(
      path,
      layers,
      `must have ${count} ${count === 1 ? "number" : "numbers"}, one for each backend of the pool`,
      `Write a list of ${count}, or change backends[${index}].count.`,
      `backends[${index}].count`,
    );
  });
};
