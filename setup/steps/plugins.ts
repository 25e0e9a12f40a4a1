/** The provider plugins that the `docker` target uses. */
import { existsSync } from "node:fs";
import { mkdir, rename, rm, symlink } from "node:fs/promises";
import { homedir } from "node:os";
import { join, relative } from "node:path";
import { execa } from "execa";
import { build, type GoProgram, goCaches, goMissing, isBuilt } from "../../offline/go.ts";
import { paths } from "../paths.ts";
import { unreachable } from "../probe.ts";
import { tail } from "../programs.ts";
import { commandEnvironment } from "../pulumi/environment.ts";
import type { Step } from "../runner.ts";
import { versions } from "../versions.ts";

type PluginName = keyof typeof versions.plugins;

const sources: Record<PluginName, Pick<GoProgram, "package" | "linkerFlags" | "typical">> = {
  "docker-build": {
    package: "github.com/pulumi/pulumi-docker-build/provider/cmd/pulumi-resource-docker-build",
    linkerFlags: `-s -w -X github.com/pulumi/pulumi-docker-build/provider.Version=${versions.plugins["docker-build"].version}`,
    typical: "3 to 4 min with cold Go caches, under 1 min with warm ones",
  },
  docker: { package: ".", linkerFlags: "-s -w", typical: "6 to 8 min with cold Go caches, under 1 min with warm ones" },
};

/** Pulumi's home in the environment of the commands. */
const pulumiHome = () => commandEnvironment(paths.root)["PULUMI_HOME"] ?? join(homedir(), ".pulumi");

/** A plugin: installed by the CLI, or built and put where the engine finds it. */
export function pluginStep(name: PluginName): Step {
  const { version, probe } = versions.plugins[name];
  const file = `pulumi-resource-${name}`;
  const program: GoProgram = { module: name, output: join(paths.plugins, file), ...sources[name] };
  const cached = () => join(pulumiHome(), "plugins", `resource-${name}-v${version}`);
  const ownHome = () => pulumiHome() === paths.pulumiHome;
  return {
    name: `${name} plugin`,
    why: name === "docker" ? "containers, networks and volumes" : "image builds",
    lane: "build",
    needs: ["pulumi"],
    have: async () => {
      if (isBuilt(program) && (!ownHome() || existsSync(join(cached(), file)))) return `${version}, built here`;
      // A link to what was built from older pins is no installation.
      if (!existsSync(program.output) && existsSync(join(cached(), file))) return `${version}, installed`;
      return null;
    },
    get: {
      how: "pulumi plugin install",
      typical: "about 30 MB",
      blocked: () => unreachable(probe),
      systemWide: async () =>
        ownHome() ? [] : [`puts Pulumi's plugin ${name} ${version} into ${pulumiHome()}/plugins`],
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
    getWithoutDownloads: {
      how: "building it from Go modules",
      typical: program.typical,
      blocked: goMissing,
      systemWide: goCaches,
      run: async (report, signal) => {
        if (!isBuilt(program)) await build(program, report, signal);
        // In the project's own cache it stands for the version that npm asks for; in the user's it would stand for
        // their other projects too, so there it is found over PATH.
        if (ownHome()) await link(program.output, cached(), file);
      },
    },
  };
}

async function link(target: string, folder: string, file: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const temporary = join(folder, `.${file}.${process.pid}`);
  await rm(temporary, { force: true });
  await symlink(relative(folder, target), temporary);
  await rename(temporary, join(folder, file));
}
