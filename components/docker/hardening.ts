import type { ContainerArgs } from "@pulumi/docker";
import { MIB } from "../../config/units.ts";

/** Space for temporary files; everything else of the root file system is read-only. */
const TMPFS_OPTIONS = "rw,nosuid,nodev,noexec,size=64m";

/**
 * What every container of a cluster gets: whoever reaches an RPC port runs code in that container
 * (facts of llama.cpp's SECURITY.md), so there is nothing in it to work with.
 * @param memoryBytes cgroup limit; swap is set to the same, because a model in swap is an outage that looks like life
 */
export function hardened(memoryBytes: number) {
  const memoryMebibytes = Math.ceil(memoryBytes / MIB);
  return {
    capabilities: { drops: ["ALL"] },
    securityOpts: ["no-new-privileges"],
    readOnly: true,
    tmpfs: { "/tmp": TMPFS_OPTIONS },
    memory: memoryMebibytes,
    memorySwap: memoryMebibytes,
    logDriver: "json-file",
    logOpts: { "max-size": "10m", "max-file": "3" },
    init: true,
    restart: "unless-stopped",
    destroyGraceSeconds: 10,
    // A request for a health check needs no process tree of its own; a fork bomb needs a bound.
    ulimits: [{ name: "nproc", soft: 4096, hard: 4096 }],
  } satisfies Partial<ContainerArgs>;
}
