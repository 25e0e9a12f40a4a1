import { defineConfig } from "vitest/config";

/**
 * One project per kind of test; `npm run test:quick` runs those that need neither an engine nor Docker, `npm run test:aws`
 * those of target aws.
 */
const project = (name: string, folder: string, testTimeout: number, extra: Record<string, unknown> = {}) => ({
  extends: true as const,
  test: { name, include: [`test/${folder}/**/*.test.ts`], testTimeout, hookTimeout: testTimeout, ...extra },
});

/** Tests that share the Docker engine run one file after the other, those of the images first, because they compile. */
const alone = (groupOrder: number) => ({ fileParallelism: false, sequence: { groupOrder } });

/** The first build of the images compiles llama.cpp. */
const COMPILE_MS = 75 * 60_000;

export default defineConfig({
  test: {
    projects: [
      // These files do not affect each other, and loading the modules again would take as long as the tests.
      project("unit", "unit", 60_000, { isolate: false }),
      // These tests are in the folder that they test, so that they are removed with it.
      project("offline", "", 60_000, { include: ["offline/test/**/*.test.ts"] }),
      project("graph", "graph", 30_000),
      project("lint", "lint", 120_000),
      project("command", "command", 180_000),
      project("policies", "policies", 60_000),
      // EC2 doubles and Terraform, in parallel: each file has its own double. Tests that start containers are in aws/boot.
      project("aws", "aws", 300_000, { exclude: ["test/aws/boot/**"] }),
      project("image", "image", 180_000, { ...alone(1), hookTimeout: COMPILE_MS }),
      project("oracle", "oracle", 120_000, { ...alone(2), hookTimeout: COMPILE_MS }),
      project("cluster", "cluster", 180_000, { ...alone(3), hookTimeout: COMPILE_MS }),
      project("boot", "aws/boot", 180_000, { ...alone(4), hookTimeout: COMPILE_MS }),
    ],
  },
});
