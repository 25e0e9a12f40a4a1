/** Python package indexes: which index this machine uses, and which files it lists. */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { requestFor } from "../setup/download.ts";
import type { Variables } from "../setup/pulumi/environment.ts";

const PUBLIC_INDEX = "https://pypi.org/simple";

/** pip's `index-url` from its configuration files, of which the last one wins; null if none sets it. */
export function indexInConfig(files: readonly string[]): string | null {
  let found: string | null = null;
  for (const text of files) {
    let section = "";
    for (const line of text.split("\n")) {
      section = /^\s*\[([^\]]+)\]/.exec(line)?.[1] ?? section;
      const value = /^\s*index[-_]url\s*[=:]\s*(\S+)/.exec(line)?.[1];
      if (value !== undefined && (section === "global" || section === "install" || section === "download"))
        found = value;
    }
  }
  return found;
}

/** The index that pip uses here. */
export function configuredIndex(variables: Variables = process.env): string {
  const fromVariable = variables["PIP_INDEX_URL"];
  if (fromVariable) return fromVariable;
  const home = homedir();
  const files = [
    "/etc/pip.conf",
    "/etc/xdg/pip/pip.conf",
    join(home, ".pip", "pip.conf"),
    join(home, "Library", "Application Support", "pip", "pip.conf"),
    join(variables["XDG_CONFIG_HOME"] ?? join(home, ".config"), "pip", "pip.conf"),
    ...(variables["VIRTUAL_ENV"] ? [join(variables["VIRTUAL_ENV"], "pip.conf")] : []),
    ...(variables["PIP_CONFIG_FILE"] ? [variables["PIP_CONFIG_FILE"]] : []),
  ];
  const texts = files.filter((file) => existsSync(file)).map((file) => readFileSync(file, "utf8"));
  return indexInConfig(texts) ?? PUBLIC_INDEX;
}

/** Address of a file on an index page, JSON (PEP 691) or HTML (PEP 503); null if the page does not list it. */
export function addressOnPage(page: string, pageUrl: string, file: string): string | null {
  if (page.trimStart().startsWith("{")) {
    const { files = [] } = JSON.parse(page) as { files?: { filename?: unknown; url?: unknown }[] };
    const entry = files.find(({ filename }) => filename === file);
    return typeof entry?.url === "string" ? new URL(entry.url, pageUrl).href : null;
  }
  for (const [, attribute = ""] of page.matchAll(/<a\s[^>]*?href\s*=\s*["']([^"']+)["']/gi)) {
    const url = new URL(attribute.replaceAll("&amp;", "&"), pageUrl);
    if (decodeURIComponent(url.pathname.split("/").at(-1) ?? "") !== file) continue;
    url.hash = "";
    return url.href;
  }
  return null;
}

/** Address of a project's file on the configured index. */
export async function addressOf(project: string, file: string, signal: AbortSignal): Promise<string> {
  const index = configuredIndex().replace(/\/+$/, "");
  const { url, headers } = requestFor(`${index}/${project}/`);
  const accept = "application/vnd.pypi.simple.v1+json, text/html;q=0.5";
  const response = await fetch(url, { headers: { ...headers, accept }, signal });
  if (!response.ok) throw new Error(`the Python package index answers with status ${response.status} for ${project}`);
  const address = addressOnPage(await response.text(), response.url, file);
  if (address === null) throw new Error(`the Python package index does not list ${file}`);
  // A private index needs the same credentials for its files.
  if (headers["authorization"] && new URL(address).host === new URL(index).host) {
    const withCredentials = new URL(address);
    const { username, password } = new URL(index);
    withCredentials.username = username;
    withCredentials.password = password;
    return withCredentials.href;
  }
  return address;
}

/** Null if the configured index answers; otherwise the reason. */
export async function indexMissing(): Promise<string | null> {
  const { url, headers } = requestFor(`${configuredIndex().replace(/\/+$/, "")}/pip/`);
  try {
    const response = await fetch(url, { method: "HEAD", headers, signal: AbortSignal.timeout(5_000) });
    if (response.ok) return null;
    return `the Python package index answers with status ${response.status} (pip config get global.index-url)`;
  } catch {
    return "the Python package index does not answer (pip config get global.index-url)";
  }
}
