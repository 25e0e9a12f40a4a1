/** AWS regions that a cluster may be in: those of whose machines the catalog knows the prices. */

export const REGIONS = ["us-east-1", "us-west-2", "eu-central-1", "eu-west-1"] as const;
export type Region = (typeof REGIONS)[number];
