/** Finds Terraform and its AWS provider; never installs them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Variables } from "../../setup/pulumi/environment.ts";

const PROVIDER = join("registry.terraform.io", "hashicorp", "aws");

/** Folders that may be a mirror of Terraform providers, explicit settings first. */
function candidates(variables: Variables): string[] {
  const home = variables["HOME"] ?? homedir();
  const settings = variables["TF_CLI_CONFIG_FILE"] ?? join(home, ".terraformrc");
  const named = existsSync(settings)
    ? [...readFileSync(settings, "utf8").matchAll(/^\s*(?:path|plugin_cache_dir)\s*=\s*"([^"]+)"/gm)].map(
        ([, path = ""]) => path,
      )
    : [];
  const cache = variables["TF_PLUGIN_CACHE_DIR"];
  return [
    ...named,
    ...(cache ? [cache] : []),
    "/opt/tf-plugins",
    join(home, ".terraform.d", "plugins"),
    join(home, ".terraform.d", "plugin-cache"),
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/plugins",
  ];
}

/** Folder in the layout of a filesystem mirror that holds the AWS provider for this machine; null if there is none. */
export function providerMirror(variables: Variables = process.env): string | null {
  const platform = `${process.platform}_${process.arch === "x64" ? "amd64" : process.arch}`;
  return candidates(variables).find((folder) => holdsProvider(join(folder, PROVIDER), platform)) ?? null;
}

/** Unpacked (`<version>/<platform>/`) or packed (`terraform-provider-aws_<version>_<platform>.zip`). */
function holdsProvider(folder: string, platform: string): boolean {
  if (!existsSync(folder)) return false;
  return readdirSync(folder).some(
    (entry) => entry.endsWith(`_${platform}.zip`) || existsSync(join(folder, entry, platform)),
  );
}
