import { expect, test } from "vitest";
import { inParallel } from "../../aws/parallel.ts";

test("work that is under way is waited for when some fails, nothing new begins, and the first failure is told", async () => {
  const ended: number[] = [];
  const begun: number[] = [];
  const work = async (item: number) => {
    begun.push(item);
    await new Promise((resolve) => setTimeout(resolve, item === 1 ? 1 : 20));
    if (item <= 1) throw new Error(`item ${item}`);
    ended.push(item);
  };
  await expect(inParallel([1, 2, 3, 4, 5], 3, work)).rejects.toThrow("item 1");
  expect(begun).toEqual([1, 2, 3]);
  expect(ended).toEqual([2, 3]);
});
