/** Set-up's calls of the Docker CLI. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { answerOf, which, whichSystem } from "./programs.ts";

/** Version of the running engine; null if no engine answers. */
export async function engineVersion(): Promise<string | null> {
  if (which("docker") === null) return null;
  const answer = await answerOf("docker", ["version", "--format", "{{.Server.Version}}"], 8_000);
  return answer && /^\d/.test(answer) ? answer : null;
}

/** Id of an image in the engine; null if the engine does not have it. */
export const imageId = (reference: string): Promise<string | null> =>
  answerOf("docker", ["image", "inspect", "--format", "{{.Id}}", reference]);

/** Folder of this user's Docker CLI plugins. */
export const pluginFolder = (): string =>
  join(process.env["DOCKER_CONFIG"] ?? join(homedir(), ".docker"), "cli-plugins");

const systemPluginFolders = ["libexec", "lib"].flatMap((folder) =>
  ["/usr", "/usr/local"].map((prefix) => `${prefix}/${folder}/docker/cli-plugins`),
);

/** Path of a CLI plugin's file, whether or not the CLI itself is installed; null if there is none. */
export function pluginFile(name: string): string | null {
  const files = [pluginFolder(), ...systemPluginFolders].map((folder) => join(folder, name));
  return files.find((file) => existsSync(file)) ?? null;
}

/** Starts the engine if systemd does not manage it; it outlives this process. */
export function startDaemon(logDescriptor: number): void {
  const daemon = spawn(whichSystem("dockerd") ?? "dockerd", [], {
    detached: true,
    stdio: ["ignore", logDescriptor, logDescriptor],
    // A long-lived process needs Go's default of GOGC.
    env: { ...process.env, GOGC: "100" },
  });
  daemon.on("error", () => {}); // the wait for an answer gives a better message
  daemon.unref();
}
