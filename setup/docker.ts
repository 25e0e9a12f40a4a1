/** What set-up asks the Docker CLI. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { answerOf, which, whichSystem } from "./programs.ts";

/** Version of the running engine; null if none answers. */
export async function engineVersion(): Promise<string | null> {
  if (which("docker") === null) return null;
  const answer = await answerOf("docker", ["version", "--format", "{{.Server.Version}}"], 8_000);
  return answer && /^\d/.test(answer) ? answer : null;
}

/** Id of an image that the engine has; null if it hasn't. */
export const imageId = (reference: string): Promise<string | null> =>
  answerOf("docker", ["image", "inspect", "--format", "{{.Id}}", reference]);

/** Where the Docker CLI looks for plugins of this user. */
export const pluginFolder = (): string =>
  join(process.env["DOCKER_CONFIG"] ?? join(homedir(), ".docker"), "cli-plugins");

const systemPluginFolders = ["libexec", "lib"].flatMap((folder) =>
  ["/usr", "/usr/local"].map((prefix) => `${prefix}/${folder}/docker/cli-plugins`),
);

/** File of a plugin of the Docker CLI; null if there is none. The CLI itself may not be installed yet. */
export function pluginFile(name: string): string | null {
  const files = [pluginFolder(), ...systemPluginFolders].map((folder) => join(folder, name));
  return files.find((file) => existsSync(file)) ?? null;
}

/** Starts the engine where nothing else (systemd) does; it outlives this process. */
export function startDaemon(logDescriptor: number): void {
  const daemon = spawn(whichSystem("dockerd") ?? "dockerd", [], {
    detached: true,
    stdio: ["ignore", logDescriptor, logDescriptor],
    // It lives long: Go's own default of GOGC.
    env: { ...process.env, GOGC: "100" },
  });
  daemon.on("error", () => {}); // the wait for an answer tells it better
  daemon.unref();
}
