/** Docker Compose: the machine's own plugin, or one built from its Go module. */
import { join } from "node:path";
import { pluginFile } from "../../setup/docker.ts";
import { build, type GoProgram, goCaches, goMissing, isBuilt } from "../go.ts";
import { versions } from "../versions.ts";
import type { Tool } from "./tool.ts";

/** A program that is called as `docker compose` would be. */
export function compose(folder: string): Tool {
  const built: GoProgram = {
    module: "compose",
    package: "github.com/docker/compose/v2/cmd",
    linkerFlags: `-s -w -X github.com/docker/compose/v2/internal.Version=v${versions.compose.version}`,
    output: join(folder, "bin", "docker-compose"),
    typical: "3 to 4 min with cold Go caches",
  };
  return {
    find: () => pluginFile("docker-compose") ?? (isBuilt(built) ? built.output : null),
    get: async (report, signal) => {
      const noGo = await goMissing();
      if (noGo !== null) throw new Error(`install Docker's Compose plugin, or let it be built: ${noGo}`);
      report.say(`builds Docker Compose from its Go module; ${(await goCaches()).join("; ")}`);
      await build(built, report, signal);
    },
  };
}
