import { ConfigError } from "./problems.ts";

const CONTAINER_NAMES = { x64: "amd64", arm64: "arm64", arm: "arm/v7" } as const;

/**
 * This machine's architecture as container platforms name it. Target docker builds images for it.
 * @param nodeArchitecture `process.arch`
 * @throws {ConfigError} on a machine for which there are no llama.cpp images
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
