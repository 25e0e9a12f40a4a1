import { execa } from "execa";
import type { ClusterOutputs } from "./decode.ts";
import { writeSection } from "./results.ts";

/** Measures the uncompressed sizes of the cluster's images, in total and without the base image. */
export async function benchImages(root: string, cluster: ClusterOutputs): Promise<void> {
  const base = await bytesOf("debian:trixie-slim");
  const rows: string[] = [];
  for (const { flavour, role } of cluster.plan.images) {
    const repository = `llama-rpc-cluster/${cluster.stack}-${flavour}-${role}`;
    const { stdout } = await execa("docker", ["images", repository, "--format", "{{.Repository}}:{{.Tag}}"]);
    const [name] = stdout.split("\n");
    if (!name) continue;
    const bytes = await bytesOf(name);
    rows.push(`| ${flavour} ${role} | ${megabytes(bytes)} | ${megabytes(bytes - base)} |`);
  }
  const body = ["| image | MB | MB above the base image |", "|---|---|---|", ...rows].join("\n");
  console.log(body);
  writeSection(root, "Image sizes", "npm run bench", body);
}

async function bytesOf(image: string): Promise<number> {
  return Number((await execa("docker", ["image", "inspect", "--format", "{{.Size}}", image])).stdout);
}

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
