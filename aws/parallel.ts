import pMap from "p-map";

/**
 * Calls `work` for each item, several at a time. After a failure no item is started, and the running ones are finished, so
 * that the next try need not repeat them.
 * @throws the first failure
 */
export async function inParallel<T>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  const guarded = async (item: T) => {
    if (failures.length > 0) return;
    await work(item).catch((error: unknown) => failures.push(error));
  };
  await pMap(items, guarded, { concurrency });
  if (failures.length > 0) throw failures[0];
}
