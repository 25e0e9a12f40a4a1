/** Set-up's programs that are built from Go modules, and their additions to its steps. */
import { existsSync } from "node:fs";
import { mkdir, rename, rm, symlink } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import type { Refusal } from "../setup/official-only.ts";
import { paths } from "../setup/paths.ts";
import type { Step, Way } from "../setup/runner.ts";
import { buildxEffects, placeBuildx } from "../setup/steps/docker.ts";
import { hasOwnHome, installedPlugin, type PluginName } from "../setup/steps/plugins.ts";
import { fromArchive, HOST } from "../setup/steps/pulumi.ts";
import { versions as official } from "../setup/versions.ts";
import { build, type GoProgram, goCaches, goMissing, isBuilt } from "./go.ts";
import { versions } from "./versions.ts";
import type { OfflineWay } from "./way.ts";

const cli: GoProgram = {
  module: "pulumi",
  package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
  linkerFlags: `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${official.pulumi.version}`,
  output: join(paths.bin, "pulumi"),
  typical: "6 to 8 min with cold Go caches, under 1 min with warm ones",
};

const host: GoProgram = {
  module: "language-nodejs",
  package: `github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/${HOST}`,
  linkerFlags: "-s -w",
  output: join(paths.bin, HOST),
  typical: "1 to 2 min with cold Go caches, seconds with warm ones",
};

const buildxProgram: GoProgram = {
  module: "buildx",
  package: "github.com/docker/buildx/cmd/buildx",
  linkerFlags: `-s -w -X github.com/docker/buildx/version.Version=v${official.buildx.version}`,
  output: join(paths.bin, "docker-buildx"),
  typical: "3 to 4 min with cold Go caches, under 1 min with warm ones",
};

const sources: Record<PluginName, Pick<GoProgram, "package" | "linkerFlags" | "typical">> = {
  "docker-build": {
    package: "github.com/pulumi/pulumi-docker-build/provider/cmd/pulumi-resource-docker-build",
    linkerFlags: `-s -w -X github.com/pulumi/pulumi-docker-build/provider.Version=${official.plugins["docker-build"].version}`,
    typical: "3 to 4 min with cold Go caches, under 1 min with warm ones",
  },
  docker: { package: ".", linkerFlags: "-s -w", typical: "6 to 8 min with cold Go caches, under 1 min with warm ones" },
};

const fromModules = (program: GoProgram): Way => ({
  how: "building it from Go modules",
  typical: program.typical,
  blocked: goMissing,
  systemWide: goCaches,
  run: (report, signal) => build(program, report, signal),
});

/** Step "pulumi". */
export const pulumiCli: OfflineWay = {
  have: async (step) => (isBuilt(cli) ? `${official.pulumi.version}, built here` : step.have()),
  way: fromModules(cli),
};

/** Step "language host". */
export const languageHost: OfflineWay = {
  have: async (step: Step) => {
    if (isBuilt(host)) return `${versions.languageHost.version}, built here`;
    // Our own CLI is first on PATH: a host beside the user's CLI would be of another version.
    return isBuilt(cli) && !fromArchive(HOST) ? null : step.have();
  },
  way: fromModules(host),
};

/**
 * Why `pulumi up` can't create a cluster on EC2 with the language host that was built here, with the remedy; null if another
 * host is used.
 */
export function awsRefusal(isHostBuilt = isBuilt(host)): Refusal | null {
  if (!isHostBuilt) return null;
  return {
    what: `the language host ${versions.languageHost.version}, which set-up built because Pulumi's archive was not available, knows no resource hooks, but pulumi up needs them to transfer the model and to follow the start`,
    remedy:
      "Remove .toolchain/bin/pulumi and .toolchain/bin/pulumi-language-nodejs, and run node cli/bootstrap.mjs setup on a network where https://get.pulumi.com answers. A preview works without that.",
  };
}

/** Step "buildx". */
export const buildx: OfflineWay = {
  way: {
    ...fromModules(buildxProgram),
    systemWide: async () => [...(await buildxEffects()), ...(await goCaches())],
    run: async (report, signal) => {
      if (!isBuilt(buildxProgram)) await build(buildxProgram, report, signal);
      await placeBuildx(buildxProgram.output);
    },
  },
};

/** Step "<name> plugin": builds the plugin and puts it where the engine finds it. */
export function plugin(name: PluginName): OfflineWay {
  const output = join(paths.plugins, `pulumi-resource-${name}`);
  const program: GoProgram = { module: name, output, ...sources[name] };
  return {
    have: async (step) => {
      const { version } = official.plugins[name];
      if (isBuilt(program) && (!hasOwnHome() || existsSync(installedPlugin(name)))) return `${version}, built here`;
      // A link to a plugin of older pins does not count.
      return existsSync(output) ? null : step.have();
    },
    way: {
      ...fromModules(program),
      run: async (report, signal) => {
        if (!isBuilt(program)) await build(program, report, signal);
        // In the project's own cache it replaces the version that npm needs. In the user's cache it would replace it for
        // other projects too, so there the engine finds it on PATH.
        if (hasOwnHome()) await link(output, installedPlugin(name));
      },
    },
  };
}

async function link(target: string, place: string): Promise<void> {
  const folder = dirname(place);
  await mkdir(folder, { recursive: true });
  const temporary = join(folder, `.${basename(place)}.${process.pid}`);
  await rm(temporary, { force: true });
  await symlink(relative(folder, target), temporary);
  await rename(temporary, place);
}
