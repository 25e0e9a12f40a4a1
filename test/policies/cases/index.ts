import type { Case } from "./case.ts";
import { contentCases } from "./contents.ts";
import { dockerCases } from "./docker.ts";
import { identityCases } from "./identity.ts";
import { machineCases } from "./machines.ts";
import { networkCases } from "./network.ts";
import { ownershipCases } from "./ownership.ts";
import { securityGroupCases } from "./security-groups.ts";
import { storageCases } from "./storage.ts";

/** Every rule, broken and kept. */
export const CASES: readonly Case[] = [
  ...securityGroupCases,
  ...networkCases,
  ...machineCases,
  ...storageCases,
  ...contentCases,
  ...identityCases,
  ...ownershipCases,
  ...dockerCases,
];
