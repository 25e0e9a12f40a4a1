import { expect, test } from "vitest";
import { sectionsFromEngine } from "../../config/engine.ts";
import { parseCluster } from "../../config/parse.ts";

const PROJECT = "llama-rpc-cluster";

test("sections come back from the engine as the stack file wrote them, and other namespaces stay out", () => {
  const all = {
    "llama-rpc-cluster:target": "docker",
    "llama-rpc-cluster:front": '{"hostPort":8081}',
    "aws:region": "x",
  };
  expect(sectionsFromEngine(all, PROJECT)).toEqual({ target: "docker", front: { hostPort: 8081 } });
});

test("a misspelt section reaches the schema, which refuses it", () => {
  const all = {
    "llama-rpc-cluster:model": '{"source":"model.gguf"}',
    "llama-rpc-cluster:backends": '[{"name":"cpu","memory":"1 GiB"}]',
    "llama-rpc-cluster:acess": '{"privateCidr":"10.97.12.0/24"}',
  };
  expect(() => parseCluster(sectionsFromEngine(all, PROJECT))).toThrow(/acess.*Did you mean access/s);
});
