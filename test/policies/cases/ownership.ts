import { aws, type Case, casesOf, type Inputs, labels, tags } from "./case.ts";

const machine = (inputs: Inputs) => aws("ec2/instance:Instance", "machine", inputs);
const volume = (written: unknown) => ({
  type: "docker:index/volume:Volume",
  name: "volume",
  inputs: written === undefined ? {} : { labels: written },
});

const tagged = casesOf("tagged", [
  ["a machine and its volumes are", [machine({ tags: tags("backend"), rootBlockDevice: { tags: tags("backend") } })]],
  ["a machine's volumes are by the machine", [machine({ tags: tags("backend"), volumeTags: tags("backend") })]],
  ["the provider gives the tags", [aws("sns/topic:Topic", "topic", { tagsAll: tags("guardrail") })]],
  ["what takes no tags has none", [aws("ec2/route:Route", "route", {})]],
  [
    "nothing is",
    [aws("ec2/vpc:Vpc", "vpc", {})],
    ['vpc tags["llama-rpc-cluster/stack"]', 'vpc tags["llama-rpc-cluster/role"]'],
  ],
  [
    "the role is missing",
    [aws("sns/topic:Topic", "topic", { tags: { "llama-rpc-cluster/stack": "test" } })],
    ['topic tags["llama-rpc-cluster/role"]'],
  ],
  [
    "a machine's volumes are not",
    [machine({ tags: tags("backend"), rootBlockDevice: {} })],
    ['machine volumeTags["llama-rpc-cluster/stack"]'],
  ],
]);

const labelled = casesOf("labelled", [
  ["a volume is", [volume(labels("cache"))]],
  ["an image is", [{ type: "docker-build:index:Image", name: "image", inputs: { labels: tags("backend") } }]],
  [
    "a volume is not",
    [volume(undefined)],
    ['volume labels["llama-rpc-cluster/stack"]', 'volume labels["llama-rpc-cluster/role"]'],
  ],
  ["the stack is missing", [volume(labels("cache").slice(1))], ['volume labels["llama-rpc-cluster/stack"]']],
]);

export const ownershipCases: readonly Case[] = [...tagged, ...labelled];
