/** Steps for the provider plugins of target docker. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { paths } from "../paths.ts";
import { unreachable } from "../probe.ts";
import { tail } from "../programs.ts";
import { commandEnvironment } from "../pulumi/environment.ts";
import type { Step } from "../runner.ts";
import { versions } from "../versions.ts";

/** A plugin that set-up installs. */
export type PluginName = keyof typeof versions.plugins;

/** PULUMI_HOME of the commands. */
const pulumiHome = () => commandEnvironment(paths.root)["PULUMI_HOME"] ?? join(homedir(), ".pulumi");

/** Whether Pulumi's home is this project's, and not the user's. */
export const hasOwnHome = () => pulumiHome() === paths.pulumiHome;

/** Path of an installed plugin. */
export const installedPlugin = (name: PluginName): string =>
  join(pulumiHome(), "plugins", `resource-${name}-v${versions.plugins[name].version}`, `pulumi-resource-${name}`);

/** A plugin, installed by the CLI. */
export function pluginStep(name: PluginName): Step {
  const { version, probe } = versions.plugins[name];
  return {
    name: `${name} plugin`,
    why: name === "docker" ? "containers, networks and volumes" : "image builds",
    lane: "build",
    needs: ["pulumi"],
    have: async () => (existsSync(installedPlugin(name)) ? `${version}, installed` : null),
    get: {
      how: "pulumi plugin install",
      typical: "about 30 MB",
      blocked: () => unreachable(probe),
      systemWide: async () =>
        hasOwnHome() ? [] : [`puts Pulumi's plugin ${name} ${version} into ${pulumiHome()}/plugins`],
      run: async (_report, signal) => {
        const args = ["plugin", "install", "resource", name, version];
        const env = commandEnvironment(paths.root);
        const result = await execa("pulumi", args, {
          env,
          reject: false,
          all: true,
          stdin: "ignore",
          cancelSignal: signal,
        });
        if (result.failed) throw new Error(tail(result.all));
      },
    },
  };
}
