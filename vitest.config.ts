import { defineConfig } from "vitest/config";

/** One project per kind of test; `npm run test:quick` takes those that need neither an engine nor Docker. */
const project = (name: string, folder: string, testTimeout: number, extra: Record<string, unknown> = {}) => ({
  extends: true as const,
  test: { name, include: [`test/${folder}/**/*.test.ts`], testTimeout, hookTimeout: testTimeout, ...extra },
});

/** Tests that share the machine's one Docker engine run one file after the other. */
const alone = { fileParallelism: false };

export default defineConfig({
  test: {
    projects: [
      project("unit", "unit", 20_000),
      project("graph", "graph", 30_000),
      project("lint", "lint", 120_000),
      project("image", "image", 180_000, alone),
      project("oracle", "oracle", 120_000, alone),
      project("cluster", "cluster", 900_000, alone),
    ],
  },
});
