/** Everything that must hold. */
import type { Rule } from "../model.ts";
import { dockerRules } from "./docker.ts";
import { identityRules } from "./identity.ts";
import { imageRules } from "./images.ts";
import { machineRules } from "./machines.ts";
import { networkRules } from "./network.ts";
import { ownershipRules } from "./ownership.ts";
import { secretRules } from "./secrets.ts";
import { securityGroupRules } from "./security-groups.ts";
import { storageRules } from "./storage.ts";

/** All rules, in the order of their documentation. */
export const RULES: readonly Rule[] = [
  ...securityGroupRules,
  ...networkRules,
  ...machineRules,
  ...storageRules,
  ...imageRules,
  ...secretRules,
  ...identityRules,
  ...ownershipRules,
  ...dockerRules,
];
