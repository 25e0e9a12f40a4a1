/** Checks whether servers answer, once per run and address. */

import { memoize } from "../config/collections.ts";

const PROBE_TIMEOUT_MS = 2_500;

async function ask(url: string): Promise<string | null> {
  const host = new URL(url).host;
  try {
    const response = await fetch(url, { method: "HEAD", signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    await response.body?.cancel();
    // A container registry answers 401; other refusals come from a proxy or firewall in between.
    if (response.ok || response.status === 401) return null;
    return `${host} answers with status ${response.status}`;
  } catch (error) {
    return whyNoAnswer(host, error, process.env);
  }
}

/**
 * Why `fetch` got no answer from a host, with a remedy if one is known.
 * @param variables environment, which may name a proxy
 */
export function whyNoAnswer(
  host: string,
  error: unknown,
  variables: Readonly<Record<string, string | undefined>>,
): string {
  const reason = reasonOf(host, error);
  const proxy = ["HTTPS_PROXY", "https_proxy"].find((name) => variables[name]);
  // Without this variable Node's fetch ignores a proxy.
  const ignored = proxy !== undefined && variables["NODE_USE_ENV_PROXY"] !== "1";
  return ignored ? `${reason}; ${proxy} is set, but Node uses it only if NODE_USE_ENV_PROXY=1 is set too` : reason;
}

function reasonOf(host: string, error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError") {
    return `${host} does not answer within ${PROBE_TIMEOUT_MS / 1000} s`;
  }
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return `${host} can't be resolved by DNS (${code})`;
  if (/CERT|^ERR_(TLS|SSL)|^UNABLE_TO/.test(code)) {
    return `the TLS certificate of ${host} is not trusted (${code}); if your network has its own certificate authority, name its file in NODE_EXTRA_CA_CERTS`;
  }
  if (code !== "") return `${host} can't be reached (${code})`;
  return `${host} can't be reached (${cause instanceof Error ? cause.message : String(error)})`;
}

/** Null if the address is reachable; otherwise the reason. */
export const unreachable = memoize(ask);
