/** Doctor's checks of a cluster: pure functions of the findings. */
import type { ApiStatuses, Container } from "../live/cluster.ts";
import { type LoadEvidence, START_IS_NOT_IN_LOG, unusedBackends } from "../live/evidence.ts";

/** The result of one check. */
export interface Check {
  name: string;
  /** What was found. */
  found: string;
  /** One line with the remedy; null if the check passed. */
  remedy: string | null;
  /** It can't be checked from here, which need not be a fault; the remedy gives a way to check it. */
  isUnknown?: true;
}

/** A check that passed. */
export const well = (name: string, found: string): Check => ({ name, found, remedy: null });

/** The findings about a cluster. */
export interface Findings {
  stack: string;
  containers: readonly Container[];
  /** `address:port` of the backends that the plan lists. */
  backendAddresses: readonly string[];
  evidence: LoadEvidence;
  statuses: ApiStatuses;
}

/** Labels that must be equal on every image of a cluster. */
const SAME_EVERYWHERE = [
  "llama-rpc-cluster/llamacpp-commit",
  "llama-rpc-cluster/rpc-protocol",
  "llama-rpc-cluster/ggml-version",
];

/** Checks a cluster. */
export function judge(findings: Findings): Check[] {
  const up = `npm run pulumi -- up --refresh -s ${findings.stack}`;
  return [
    running(findings, up),
    api(findings),
    key(findings, up),
    devices(findings),
    ports(findings, up),
    same(findings, up),
  ];
}

const serving = ({ containers }: Findings) => containers.filter(({ role }) => role === "front" || role === "backend");
const frontOf = ({ containers }: Findings) => containers.find(({ role }) => role === "front");

function running(findings: Findings, up: string): Check {
  const name = "containers";
  const all = serving(findings);
  const wanted = findings.backendAddresses.length + 1;
  const bad = all.filter(({ state, health }) => state !== "running" || (health !== null && health !== "healthy"));
  const states = bad.map(({ name, state, health }) => `${name} is ${health ?? state}`);
  if (bad.length > 0)
    return { name, found: states.join(", "), remedy: `docker logs --tail 20 ${bad[0]?.name}; then ${up}` };
  if (all.length !== wanted) return { name, found: `${all.length} of ${wanted} exist`, remedy: up };
  const restarts = all
    .filter((one) => one.restarts > 0)
    .map((one) => `${one.name} was restarted ${one.restarts} times`);
  return well(name, [`${all.length} running and healthy`, ...restarts].join(", "));
}

function api({ statuses, ...findings }: Findings): Check {
  if (statuses.health === 200) return well("front", "ready");
  const found = statuses.health === 0 ? "does not answer" : `answers with status ${statuses.health}`;
  return {
    name: "front",
    found,
    remedy: `docker logs --tail 20 ${frontOf({ statuses, ...findings })?.name ?? "<front>"}`,
  };
}

function key({ statuses }: Findings, up: string): Check {
  const name = "API key";
  if (statuses.withoutKey === 0) return { name, found: "the front does not answer", remedy: "see the line above" };
  if (statuses.withoutKey !== 401) {
    return { name, found: `a request without the key gets status ${statuses.withoutKey}, not 401`, remedy: up };
  }
  if (statuses.withKey !== 200) {
    return {
      name,
      found: `a request with the stack's key gets status ${statuses.withKey}`,
      remedy: `${up} (the front has another key)`,
    };
  }
  return well(name, "required, and the stack's key is accepted");
}

function devices(findings: Findings): Check {
  const { evidence, backendAddresses } = findings;
  const name = "backends used";
  const restart = `docker restart ${frontOf(findings)?.name ?? "<front>"}`;
  const front = frontOf(findings);
  const serves = findings.statuses.health === 200 && front?.state === "running" && front.health !== "unhealthy";
  if (evidence.offloaded === null && serves) return well(name, START_IS_NOT_IN_LOG);
  const unused = unusedBackends(evidence, backendAddresses);
  if (unused !== null) return { name, found: unused, remedy: restart };
  if (evidence.frontHoldsLayers) {
    return {
      name,
      found: "repeating layers are on the front's own CPU",
      remedy: "npm run plan shows the split; check front.arguments",
    };
  }
  const parts = evidence.buffers.map(({ address, mebibytes }) => `${address} ${mebibytes} MiB`);
  return well(name, `${evidence.offloaded?.layers}/${evidence.offloaded?.of} layers: ${parts.join(", ")}`);
}

function ports(findings: Findings, up: string): Check {
  const name = "ports";
  const open = findings.containers.filter(({ role, published }) => role !== "front" && published.length > 0);
  if (open.length > 0) {
    const list = open.map((one) => `${one.name} on ${one.published.join(", ")}`).join("; ");
    return { name, found: `RPC has no authentication, but is published: ${list}`, remedy: up };
  }
  const front = frontOf(findings)?.published ?? [];
  const wide = front.filter((address) => !address.startsWith("127."));
  if (wide.length > 0) return { name, found: `the front is published on ${wide.join(", ")}`, remedy: up };
  return well(name, `RPC is not published, the front is on ${front.join(", ") || "nothing"}`);
}

function same(findings: Findings, up: string): Check {
  const name = "versions";
  const seen = SAME_EVERYWHERE.map((label) => ({
    label: label.replace("llama-rpc-cluster/", ""),
    values: [...new Set(serving(findings).map((one) => claimOf(one, label)))].filter((value) => value !== null),
  }));
  const mixed = seen.filter(({ values }) => values.length > 1);
  if (mixed.length > 0) {
    const list = mixed.map(({ label, values }) => `${label} ${values.join(" and ")}`).join("; ");
    return { name, found: `the images differ: ${list}`, remedy: `${up} (RPC works between equal versions only)` };
  }
  const silent = serving(findings).filter((one) => SAME_EVERYWHERE.some((label) => claimOf(one, label) === null));
  const known = seen.filter(({ values }) => values.length > 0).map(({ label, values }) => `${label} ${values[0]}`);
  if (silent.length === 0) return well(name, known.join(", "));
  const unknown = `not all known of ${silent.map((one) => one.name).join(", ")}: neither labels nor /app/build-info state them`;
  return well(name, [...known, unknown].join(", "));
}

/** Labels are empty on an image of another version than the pinned one. */
const claimOf = ({ labels }: Container, label: string): string | null => labels[label] || null;
