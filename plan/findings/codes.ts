/**
 * The number of each finding. No number is used twice: a finding that is removed leaves a gap. `docs/findings.md` describes
 * each finding.
 */
export const FINDING_NUMBERS = {
  "model-does-not-fit": "F01",
  "front-memory-too-small": "F02",
  "more-backends-than-layers": "F03",
  "too-many-backends": "F04",
  "front-computes-layers": "F05",
  "context-longer-than-trained": "F06",
  "architecture-unknown": "F07",
  "gpu-shared": "F08",
  "context-rounded": "F09",
  "model-changed": "F10",
  "model-elsewhere": "F11",
  "one-backend-is-enough": "F12",
  "cpu-beside-gpu": "F13",
  "memory-unused": "F14",
  "split-too-long": "F15",
  "slower-than-front-alone": "F16",
  "network-bound": "F17",
  "mixed-architectures": "F18",
  "slow-load": "F19",
  "quota-needed": "F20",
  "type-not-offered": "F21",
  "hourly-cost-above-limit": "F22",
  "gpu-driver-missing": "F23",
  "quota-too-small": "F24",
  "no-zone-offers-all": "F25",
  "zone-lacks-type": "F26",
  "spot-saves-little": "F27",
  "network-unsuitable": "F28",
  "monthly-cost-above-limit": "F29",
  "reservation-unsuitable": "F30",
  "port-taken": "F31",
  "network-overlaps": "F32",
  "machine-memory-too-small": "F33",
  "memory-short": "F34",
  "disk-short": "F35",
  "model-unreadable": "F36",
  "gpu-not-offered": "F37",
} as const satisfies Readonly<Record<string, `F${number}`>>;

/** Stable identifier of a finding. */
export type FindingCode = keyof typeof FINDING_NUMBERS;
