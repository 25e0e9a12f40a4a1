/**
 * Where the Docker engine is that Pulumi's docker provider talks to. The provider reads its configuration and then these two
 * variables itself; whoever asks another engine gets another machine's answers. No other file outside `cli/`, `setup/` and
 * `offline/` reads the environment.
 */

/** What the stack's configuration says to the docker provider. */
export interface ProviderSettings {
  /** `docker:host` */
  host?: string | undefined;
  /** `docker:context` */
  context?: string | undefined;
}

/** Address of an engine for `node:http`. */
export type EngineAddress = { socketPath: string } | { host: string; port: number };

const DEFAULT_HOST = "unix:///var/run/docker.sock";
const PLAIN_TCP_PORT = 2375;

/** The engine as the user named it, and its address; null where it can't be asked over plain HTTP. */
export function engineAddress({ host, context }: ProviderSettings): { name: string; address: EngineAddress | null } {
  const chosen = context || process.env["DOCKER_CONTEXT"];
  if (chosen && chosen !== "default") return { name: `of the Docker context ${chosen}`, address: null };
  const name = host || process.env["DOCKER_HOST"] || DEFAULT_HOST;
  return { name: `at ${name}`, address: addressOf(name) };
}

function addressOf(name: string): EngineAddress | null {
  if (name.startsWith("unix://")) return { socketPath: name.slice("unix://".length) };
  if (!URL.canParse(name)) return null;
  const { protocol, hostname, port } = new URL(name);
  if (protocol !== "tcp:" || hostname === "") return null;
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || PLAIN_TCP_PORT) };
}
