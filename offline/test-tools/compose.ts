/** Docker Compose, for the test of `images/compose.yaml`. */
import { join } from "node:path";
import { pluginFile } from "../../setup/docker.ts";
import { build, type GoProgram, goCaches, goMissing, isBuilt } from "../go.ts";
import { versions } from "../versions.ts";
import type { Tool } from "./tool.ts";

/** The user's own Compose plugin, which also runs as a program, or a build from its Go module. */
export function compose(folder: string): Tool {
  const built: GoProgram = {
    module: "compose",
    package: "github.com/docker/compose/v5/cmd",
    linkerFlags: `-s -w -X github.com/docker/compose/v5/internal.Version=v${versions.compose.version}`,
    output: join(folder, "bin", "docker-compose"),
    typical: "2 to 3 min with cold Go caches",
  };
  return {
    find: () => pluginFile("docker-compose") ?? (isBuilt(built) ? built.output : null),
    get: async (report, signal) => {
      const noGo = await goMissing();
      if (noGo !== null) throw new Error(`it is not installed, and it can't be built: ${noGo}`);
      report.say(`builds Docker Compose from its Go module; ${(await goCaches()).join("; ")}`);
      await build(built, report, signal);
    },
  };
}
