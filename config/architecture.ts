import { ConfigError } from "./problems.ts";

const CONTAINER_NAMES = { x64: "amd64", arm64: "arm64", arm: "arm/v7" } as const;

/**
 * This machine's architecture in the words of container platforms; what the docker target builds for.
 * @param nodeArchitecture `process.arch`
 * @throws {ConfigError} on a machine that llama.cpp's images are not made for
 */
export function containerArchitecture(nodeArchitecture: string) {
  const name = CONTAINER_NAMES[nodeArchitecture as keyof typeof CONTAINER_NAMES];
  if (name) return name;
  const rule = `must run on ${Object.keys(CONTAINER_NAMES).join(", ")}`;
  throw new ConfigError([
    {
      path: "target",
      value: `docker on ${nodeArchitecture}`,
      rule,
      remedy: "Use a machine with one of these processors.",
    },
  ]);
}
