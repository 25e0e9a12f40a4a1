/** The CrossGuard pack: `pulumi preview --policy-pack policies`. */
import { join } from "node:path";
import { PolicyPack } from "@pulumi/policy";
import { policyOf } from "./adapter.ts";
import { RULES } from "./rules/index.ts";

// The pack has the project's version, which @pulumi/policy reads from where the process runs.
process.chdir(join(import.meta.dirname, ".."));

new PolicyPack("llama-rpc-cluster", { enforcementLevel: "mandatory", policies: RULES.map(policyOf) });
