import { randomBytes } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";

/**
 * A key that is generated once: the engine keeps the first value, encrypted in the state, in all later runs.
 * @returns 32 random bytes as text; a secret
 */
export function generatedKey(name: string, parent: pulumi.Resource): pulumi.Output<string> {
  const stash = new pulumi.Stash(
    name,
    { input: pulumi.secret(randomBytes(32).toString("base64url")) },
    { parent, ignoreChanges: ["input"], additionalSecretOutputs: ["output", "input"] },
  );
  return pulumi.secret(stash.output.apply(String));
}
