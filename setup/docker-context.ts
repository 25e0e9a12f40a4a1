/**
 * Finds the Docker CLI's engine for programs that read only DOCKER_HOST: without it, Pulumi's docker provider uses
 * /var/run/docker.sock, while the CLI follows `docker context use`.
 */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { jsonAnswer } from "./answer.ts";
import { answerOf, which } from "./programs.ts";
import type { Variables } from "./pulumi/environment.ts";

const configSchema = z.object({ currentContext: z.string().default("") });

/** The context that the CLI uses; null if DOCKER_HOST is set or the context is the default one. */
export function chosenContext(variables: Variables, config: string | null): string | null {
  if (variables["DOCKER_HOST"]) return null;
  const chosen = variables["DOCKER_CONTEXT"] || currentContext(config);
  return chosen === "default" || chosen === "" ? null : chosen;
}

function currentContext(config: string | null): string {
  try {
    return jsonAnswer(config ?? "{}", configSchema, "Docker's config.json").currentContext;
  } catch {
    return ""; // the CLI itself reports a broken file
  }
}

/** Sets DOCKER_HOST to the engine of the current context, unless that is the default one. */
export async function followDockerContext(variables: Variables = process.env): Promise<void> {
  const file = join(variables["DOCKER_CONFIG"] ?? join(homedir(), ".docker"), "config.json");
  const context = chosenContext(variables, existsSync(file) ? readFileSync(file, "utf8") : null);
  if (context === null || which("docker") === null) return;
  const host = await answerOf("docker", ["context", "inspect", "--format", "{{.Endpoints.docker.Host}}", context]);
  // Not for a tcp context: it may hold certificates, which the CLI ignores if DOCKER_HOST is set.
  if (host && !host.startsWith("tcp:")) variables["DOCKER_HOST"] = host;
}
