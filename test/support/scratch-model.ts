import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { modelFile } from "../../bench/support/models.ts";

/**
 * A model section for a stack file whose model is a header in a temporary folder, which is all that the planner reads:
 * graph tests need no download. Removed after the test file.
 */
export function scratchModel() {
  const scratch = mkdtempSync(join(tmpdir(), "llama-rpc-cluster-model-"));
  const source = join(scratch, "model.gguf");
  writeFileSync(source, modelFile({ layers: 30 }));
  afterAll(() => rmSync(scratch, { recursive: true }));
  return { scratch, model: { source, contextTokens: 2048 } };
}
