import type { ContainerArgs } from "@pulumi/docker";
import { MIB } from "../../config/units.ts";

/** Space for temporary files; everything else of the root file system is read-only. */
const TMPFS_OPTIONS = "rw,nosuid,nodev,noexec,size=64m";

/**
 * Restrictions of every container of a cluster. A client that reaches an RPC port can run code in that container (llama.cpp's
 * SECURITY.md), so the container gives it as little as possible.
 * @param memoryBytes cgroup limit; the swap limit is the same, because a swapping model looks alive but never answers
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
    // Limits a fork bomb; the health check needs only a few processes.
    ulimits: [{ name: "nproc", soft: 4096, hard: 4096 }],
  } satisfies Partial<ContainerArgs>;
}
