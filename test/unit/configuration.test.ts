import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { configurationWith, rightConfiguration } from "../../bench/support/configurations.ts";
import { addressAt, isPrivate, networkOf, parseNetwork } from "../../config/cidr.ts";
import { ConfigError, parseCluster } from "../../config/parse.ts";
import { closest } from "../../config/problems.ts";
import { isMemorySize, MIB, memoryBytes, memorySize } from "../../config/units.ts";

function messageFor(raw: Record<string, unknown>): string {
  try {
    parseCluster(raw);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "";
}

describe("a right configuration", () => {
  test("gets its defaults", () => {
    expect(parseCluster(rightConfiguration())).toEqual({
      target: "docker",
      model: {
        source: "models/smollm2.gguf",
        contextTokens: 4096,
        parallelSlots: 1,
        kvCacheType: "f16",
        flashAttention: "auto",
      },
      front: { flavour: "cpu", embeddings: false, wait: true, arguments: [] },
      backends: [{ name: "cpu", count: 2, memory: "1 GiB" }],
      access: {},
      images: { version: "0c1e57098", repository: "https://github.com/ggml-org/llama.cpp" },
      limits: {},
    });
  });

  test("keeps what it says", () => {
    const config = parseCluster({
      target: "docker",
      model: {
        source: "/srv/models/Llama 3.gguf",
        contextTokens: 8192,
        parallelSlots: 4,
        kvCacheType: "q8_0",
        batchTokens: 4096,
        microBatchTokens: 2048,
        flashAttention: "on",
        alias: "meta/llama-3:8b",
      },
      front: {
        flavour: "cuda",
        hostPort: 9000,
        memory: "1.5 GiB",
        threads: 8,
        gpus: "0",
        embeddings: true,
        arguments: ["--temp", "0.7"],
      },
      backends: [{ name: "gpu-a10", flavour: "cuda", count: 1, memory: "22 GiB", threads: 4, gpus: "0,1" }],
      access: { privateCidr: "192.168.7.0/28" },
      images: { version: "b9876", cuda: { backend: "example.org/llm/backend@sha256:0a", server: "server:1" } },
      limits: { maxHourlyUsd: 1.5 },
    });
    expect(config.model.alias).toBe("meta/llama-3:8b");
    expect(config.images.cuda?.server).toBe("server:1");
    expect(config.access.privateCidr).toBe("192.168.7.0/28");
  });

  test("may hold keys that Pulumi answered nothing for", () => {
    expect(messageFor({ ...rightConfiguration(), front: undefined, limits: undefined })).toBe("");
  });

  test("may hold tags in every alphabet, as long as AWS takes them", () => {
    const tags = {
      Größe: "Überlänge straße",
      所有者: "機械学習チーム",
      владелец: "команда ① ½",
      "a+b-c=d.e_f:g/h@i": "",
      ["k".repeat(127)]: "v".repeat(255),
    };
    const sections = {
      target: "aws",
      front: { machine: "c8g.large" },
      backends: [{ name: "a", machine: "c8g.large" }],
    };
    const config = { ...rightConfiguration(), ...sections, aws: { region: "us-east-1", tags } };
    expect(parseCluster(config).aws?.tags).toEqual(tags);
    const tooLong = { ["k".repeat(128)]: "", key: "v".repeat(256) };
    const message = messageFor({ ...config, aws: { region: "us-east-1", tags: tooLong } });
    expect(message).toMatch(/^2 problems .*key has 1 to 127 letters.*at most 255 letters/s);
  });

  test("may give one image of a flavour that needs only that one", () => {
    const images = { cuda: { backend: "example/backend:1" }, cpu: { server: "example/server:1" } };
    const backends = [{ name: "gpu", flavour: "cuda", memory: "8 GiB" }];
    expect(messageFor({ ...rightConfiguration(), images, backends })).toBe("");
  });
});

describe("a wrong configuration", () => {
  test("is told everything at once: fields, unknown keys and the rules between fields", () => {
    const message = messageFor({
      target: "podman",
      model: { source: "model.gguf", contextToken: 3, kvCacheType: "q8_0", flashAttention: "off" },
      front: { arguments: ["--rpc"] },
      backends: [{ name: "cpu", memory: "3 GB" }, { name: "cpu", memory: "1 GiB" }, 3],
    });
    const paths = message
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(" ")[0]);
    expect(paths).toEqual([
      "target",
      "model.contextToken",
      "backends[0].memory",
      "backends[2]",
      "model.kvCacheType",
      "front.arguments[0]",
      "backends[1].name",
    ]);
    expect(message).toMatch(/^7 problems in the configuration:\n {2}target is "podman": /);
  });

  test("is not told of rules that follow from a field that is wrong by itself", () => {
    expect(messageFor(configurationWith({ "model.batchTokens": "many", "model.microBatchTokens": 4096 }))).toBe(
      '1 problem in the configuration:\n  model.batchTokens is "many": it must be a whole number from 1 to 65536. ' +
        "Give the most tokens that are handed over at once, like 2048.",
    );
  });

  test("does not have a secret printed that stands behind an equals sign", () => {
    expect(messageFor(configurationWith({ "front.arguments": ["--api-key=hunter2"] }))).not.toContain("hunter2");
  });

  test("never ends in another error, whatever it holds", () => {
    const any = fc.jsonValue();
    const some = (keys: readonly string[]) =>
      fc.record(Object.fromEntries(keys.map((key) => [key, any])), { requiredKeys: [] });
    const pool = fc.oneof(any, some(["name", "memory", "count", "layers", "machine"]));
    const raws = fc.record(
      {
        target: fc.oneof(fc.constantFrom("docker", "aws"), any),
        model: fc.oneof(any, some(["source", "alias", "contextTokens", "parallelSlots", "sha256"])),
        front: fc.oneof(any, some(["arguments", "embeddings", "machine"])),
        backends: fc.oneof(any, fc.array(pool, { maxLength: 3 })),
        images: fc.oneof(any, some(["version", "cpu"])),
        aws: fc.oneof(any, some(["region", "tags", "vcpuQuotas", "network"])),
        limits: fc.oneof(any, some(["schedule", "maxHourlyUsd"])),
        x: any,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(raws, (raw) => {
        const before = JSON.stringify(raw);
        messageFor(raw);
        expect(JSON.stringify(raw), "parseCluster must not change what it is given").toBe(before);
      }),
    );
  });
});

describe("units", () => {
  test("bytes written as memory and read again are the same, in whole MiB", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4_194_304 }), (mib) => {
        const size = memorySize(mib * MIB);
        expect(isMemorySize(size)).toBe(true);
        expect(memoryBytes(size)).toBe(mib * MIB);
      }),
    );
  });

  test("memory is written as a person would", () => {
    expect([512, 1024, 1536, 1600, 65_536].map((mib) => memorySize(mib * MIB))).toEqual([
      "512 MiB",
      "1 GiB",
      "1.5 GiB",
      "1600 MiB",
      "64 GiB",
    ]);
  });
});

describe("networks", () => {
  test("an address is as far from the first as it is said", () => {
    expect(addressAt(networkOf("10.255.255.0/24"), 11)).toBe("10.255.255.11");
    expect(addressAt(networkOf("192.168.0.0/16"), 300)).toBe("192.168.1.44");
  });

  test("only networks that lie wholly in a private range are private", () => {
    expect(["10.0.0.0/8", "172.31.0.0/16", "192.168.1.0/24"].every((cidr) => isPrivate(networkOf(cidr)))).toBe(true);
    expect(
      ["172.32.0.0/16", "8.0.0.0/7", "100.64.0.0/10", "0.0.0.0/0"].some((cidr) => isPrivate(networkOf(cidr))),
    ).toBe(false);
  });

  test("what is no network is null", () => {
    for (const text of ["", "10.0.0.0", "10.0.0.0/33", "256.0.0.0/8", "10.0.0.1/24", "10.0.0.0/8 ", "::/0"]) {
      expect(parseNetwork(text), text).toBeNull();
    }
  });
});

describe("the closest known word", () => {
  test("is found over spelling, case and punctuation, and not invented", () => {
    const known = ["contextTokens", "parallelSlots", "memory", "name"];
    expect(closest("context_tokens", known)).toBe("contextTokens");
    expect(closest("memroy", known)).toBe("memory");
    expect(closest("zone", known)).toBeNull();
    expect(closest("x", [])).toBeNull();
  });
});
