/** Findings about what slows a cluster on EC2 down: its backends, its network, its disk. */

import { MIB } from "../../config/units.ts";
import type { AwsCluster } from "../hosts/cluster.ts";
import { resolveOnAws } from "../hosts/resolve.ts";
import type { ModelFacts } from "../model/facts.ts";
import { performanceOf } from "../performance.ts";
import { type Placement, place } from "../placement/index.ts";
import {
  cheapestOfAnyArchitecture,
  flavourOf,
  onePool,
  otherFronts,
  type Proposal,
  range,
  remedyOf,
  speedText,
} from "../remedies/candidates.ts";
import { bothChanges, withFrontDisk } from "../remedies/change.ts";
import type { Remedy } from "../remedies/remedy.ts";
import { isEvenClusterAs, speedOfFrontAlone, tripShare } from "../remedies/speed.ts";
import { LOAD_GOAL_SECONDS } from "../resources/disks.ts";
import type { LoadEstimate } from "../speed/load.ts";
import type { Check } from "./situation.ts";

/** Reports if the front's machine would be faster without the cluster. */
const clusterBeatsItsFront: Check = ({ cluster, facts, placement, performance }) => {
  if (cluster.target === "docker" || performance === null || placement?.fits !== true) return [];
  const present = performance.speed.decode.tokensPerSecond;
  const alone = speedOfFrontAlone(cluster, facts);
  if (alone === null || alone <= present) return [];
  const isFaster = isEvenClusterAs(facts, ({ decode }) => decode.tokensPerSecond > alone);
  const found = cheapestOfAnyArchitecture(onePool(cluster, ["cpu", "cuda"], [1]), isFaster);
  const remedy = remedyOf(found, cluster);
  const machine = cluster.front.type.name;
  const without = { action: `run llama-server on a ${machine} without backends` };
  return [
    {
      code: "slower-than-front-alone",
      severity: "warning",
      path: "backends",
      message: `The front's ${machine} can hold the model alone and would generate ${speedText(alone)} tokens per second, more than the ${speedText(present)} of the cluster.`,
      remedy:
        remedy === null
          ? { ...without, note: "No machine of the region makes a cluster faster." }
          : { ...remedy, or: [without] },
    },
  ];
};

/** A token that spends more than this part of its time on messages is bound by the network. */
const MOST_TRIP_SHARE = 0.5;

/** Reports if a token spends most of its time on messages instead of on the model. */
const tokensAreNotMessages: Check = ({ cluster, facts, placement, performance }) => {
  if (cluster.target === "docker" || performance === null || placement?.fits !== true) return [];
  const share = tripShare(performance.speed, cluster);
  if (share <= MOST_TRIP_SHARE) return [];
  const backends = cluster.backends.length;
  const remedy = remedyOf(fewerTrips(cluster, facts, performance.speed.decode.tokensPerSecond), cluster);
  return [
    {
      code: "network-bound",
      severity: "warning",
      path: "backends",
      message: `Messages between the front and ${backends === 1 ? "its backend" : `${backends} backends`} take ${Math.round(share * 100)} % of each token's time.`,
      remedy: remedy ?? {
        action: "run llama-server on one machine",
        note: "The model is too small for a cluster.",
      },
    },
  ];
};

/** The cheapest cluster with fewer backends that is faster and spends less time on messages. */
function fewerTrips(cluster: AwsCluster, facts: ModelFacts, tokensPerSecond: number): Proposal | null {
  const backends = cluster.backends.length;
  const isBetter = isEvenClusterAs(
    facts,
    (speed, changed) => speed.decode.tokensPerSecond > tokensPerSecond && tripShare(speed, changed) <= MOST_TRIP_SHARE,
  );
  const counts = range(1, cluster.pools.reduce((sum, { count }) => sum + count, 0) - 1);
  const fewer = onePool(cluster, [flavourOf(cluster)], counts).filter(
    (proposal) => proposal.cluster.backends.length < backends,
  );
  return cheapestOfAnyArchitecture(fewer, isBetter);
}

/** A load that takes longer than this because of the disk is reported. */
const SLOW_LOAD_SECONDS = 2 * LOAD_GOAL_SECONDS;

/** Reports if reading the model from its volume takes long. */
const diskIsFast: Check = ({ cluster, facts, placement, performance }) => {
  if (cluster.target === "docker" || performance === null || placement?.fits !== true || !isSlow(performance.load))
    return [];
  const remedy = fasterLoad(cluster, facts, placement, performance.load.seconds);
  return [
    {
      code: "slow-load",
      severity: "warning",
      path: "front.diskMebibytesPerSecond",
      message: performance.load.because,
      remedy: remedy ?? {
        action: "choose a smaller quantization of the model",
        note: "No volume of the front reads this one faster.",
      },
    },
  ];
};

/** Checks of speed. */
export const SPEED_CHECKS: readonly Check[] = [clusterBeatsItsFront, tokensAreNotMessages, diskIsFast];

function isSlow({ seconds, boundBy }: LoadEstimate): boolean {
  return boundBy !== "network" && seconds > SLOW_LOAD_SECONDS;
}

/** The highest throughput of a gp3 volume, in MiB/s (`front.diskMebibytesPerSecond`). */
const MOST_MEBIBYTES_PER_SECOND = 2000;

/** What makes the load quick enough, or else quicker than it is. */
function fasterLoad(cluster: AwsCluster, facts: ModelFacts, placement: Placement, present: number): Remedy | null {
  const within = (most: number) => (changed: AwsCluster) => loadAfter(changed, facts, placement, most);
  return fasterDisk(cluster, facts, within(SLOW_LOAD_SECONDS)) ?? fasterDisk(cluster, facts, within(present));
}

/** A faster volume; if the front can't use it, the cheapest front that can; if neither is enough, both. */
function fasterDisk(
  cluster: AwsCluster,
  facts: ModelFacts,
  secondsOf: (changed: AwsCluster) => number | null,
): Remedy | null {
  const wanted = Math.ceil(facts.fileBytes / MIB / LOAD_GOAL_SECONDS / 25) * 25;
  const value = Math.min(MOST_MEBIBYTES_PER_SECOND, wanted);
  const { change, config } = withFrontDisk(cluster, value);
  const faster = resolveOnAws(config);
  const seconds = secondsOf(faster);
  if (seconds !== null) {
    return { change, note: `Loading then takes about ${seconds} s.` };
  }
  const isFast = ({ cluster: changed }: Proposal) => secondsOf(changed) !== null;
  const other = cheapestOfAnyArchitecture(otherFronts(cluster), isFast);
  if (other !== null) return remedyOf(other, cluster);
  const both = cheapestOfAnyArchitecture(otherFronts(faster), isFast);
  return both === null ? null : { change: bothChanges(both.change, change) };
}

/**
 * Seconds that loading takes with another front or volume; null if that is too long, or the model does not fit with it. The
 * present placement gives nearly the same answer, and at once.
 */
function loadAfter(cluster: AwsCluster, facts: ModelFacts, present: Placement, most: number): number | null {
  const secondsOf = (placement: Placement | null) => {
    const load = performanceOf(cluster, facts, placement)?.load;
    return load === undefined || isSlow(load) || load.seconds >= most ? null : Math.round(load.seconds);
  };
  if (secondsOf(present) === null) return null;
  const placement = place(cluster, facts);
  return placement?.fits === true ? secondsOf(placement) : null;
}
