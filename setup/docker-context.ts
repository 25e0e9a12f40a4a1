/**
 * The engine that the Docker CLI talks to, for programs that know DOCKER_HOST alone: Pulumi's docker provider takes
 * /var/run/docker.sock where that is unset, while the CLI follows `docker context use`.
 */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { answerOf, which } from "./programs.ts";
import type { Variables } from "./pulumi/environment.ts";

/** The context that the CLI would use; null where DOCKER_HOST decides or it is the default one. */
export function chosenContext(variables: Variables, config: string | null): string | null {
  if (variables["DOCKER_HOST"]) return null;
  const chosen = variables["DOCKER_CONTEXT"] || currentContext(config);
  return chosen === "default" || chosen === "" ? null : chosen;
}

function currentContext(config: string | null): string {
  try {
    const { currentContext = "" } = JSON.parse(config ?? "{}") as { currentContext?: unknown };
    return typeof currentContext === "string" ? currentContext : "";
  } catch {
    return ""; // the CLI itself complains of it
  }
}

/** Sets DOCKER_HOST to what the current context says; asks nobody where that is the default one. */
export async function followDockerContext(variables: Variables = process.env): Promise<void> {
  const file = join(variables["DOCKER_CONFIG"] ?? join(homedir(), ".docker"), "config.json");
  const context = chosenContext(variables, existsSync(file) ? readFileSync(file, "utf8") : null);
  if (context === null || which("docker") === null) return;
  const host = await answerOf("docker", ["context", "inspect", "--format", "{{.Endpoints.docker.Host}}", context]);
  // A tcp context may hold certificates, which DOCKER_HOST alone would take away from the CLI.
  if (host && !host.startsWith("tcp:")) variables["DOCKER_HOST"] = host;
}
