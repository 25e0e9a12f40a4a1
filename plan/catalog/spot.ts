/**
 * Spot prices that were seen, one sample each, in US dollars per hour; rough: they move daily and differ by zone.
 * Source: a public catalog of samples (skypilot-catalog v8), read mid-2026.
 */

import type { Region } from "./types.ts";

/** Samples by type and region. */
export const SPOT_SAMPLES: Readonly<Record<string, Partial<Record<Region, number>>>> = {
  "g5.16xlarge": { "us-east-1": 1.141, "us-west-2": 1.3853, "eu-central-1": 1.3444, "eu-west-1": 1.2971 },
  "g5.24xlarge": { "eu-central-1": 2.5518, "eu-west-1": 3.2242 },
  "g6.24xlarge": { "us-east-1": 2.5043, "us-west-2": 2.1984, "eu-central-1": 2.545 },
  "g6.2xlarge": { "us-east-1": 0.4416, "eu-central-1": 0.4485 },
  "g6e.2xlarge": { "us-east-1": 0.8064, "us-west-2": 0.948 },
  "g6e.48xlarge": { "us-east-1": 8.0189, "us-west-2": 10.1607, "eu-central-1": 14.399 },
  "g6e.4xlarge": { "us-east-1": 1.032, "us-west-2": 1.0972, "eu-central-1": 1.3898 },
  "m8g.48xlarge": { "us-east-1": 2.3629, "us-west-2": 1.8687 },
  "m8g.4xlarge": { "us-east-1": 0.3077, "us-west-2": 0.2911, "eu-central-1": 0.3246, "eu-west-1": 0.3501 },
  "m8g.8xlarge": { "us-east-1": 0.5536, "us-west-2": 0.5759, "eu-central-1": 0.7196, "eu-west-1": 0.7683 },
  "m8g.large": { "us-east-1": 0.0354, "us-west-2": 0.03, "eu-central-1": 0.0551, "eu-west-1": 0.0403 },
  "p4d.24xlarge": { "us-east-1": 2.4655, "us-west-2": 7.9992 },
  "p4de.24xlarge": { "us-east-1": 8.6505, "us-west-2": 10.3338, "eu-central-1": 8.0274 },
  "p5.48xlarge": { "us-east-1": 17.6289, "us-west-2": 12.6935 },
};
