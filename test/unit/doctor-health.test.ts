import { describe, expect, test } from "vitest";
import { type Findings, judge } from "../../cli/doctor/health.ts";
import { compiledFile } from "../../cli/live/activity.ts";
import { EventParser, pieceOf } from "../../cli/live/chat.ts";
import { type Container, labelsWith } from "../../cli/live/cluster.ts";
import { loadEvidence, unusedBackends } from "../../cli/live/evidence.ts";
import { waitUntilReady } from "../../cli/live/readiness.ts";
import { orphansOf, type Snapshot } from "../../setup/pulumi/recovery.ts";

const LOG = `
0.01.2 I load_tensors: offloaded 31/31 layers to GPU
0.01.2 I load_tensors:   CPU_Mapped model buffer size =    28.69 MiB
0.01.2 I load_tensors: RPC0[10.2.67.11:50052] model buffer size =    33.82 MiB
0.01.2 I load_tensors: RPC0[10.2.67.12:50052] model buffer size =    58.28 MiB
0.01.3 I llama_kv_cache: RPC0[10.2.67.11:50052] KV buffer size =    24.00 MiB
`;

describe("the front's log", () => {
  test("says which backend holds how much", () => {
    expect(loadEvidence(LOG)).toEqual({
      offloaded: { layers: 31, of: 31 },
      buffers: [
        { address: "10.2.67.11:50052", mebibytes: 33.82 },
        { address: "10.2.67.12:50052", mebibytes: 58.28 },
      ],
      frontHoldsLayers: false,
    });
  });
  test("counts with its latest start alone", () => {
    const restarted = `${LOG}I load_tensors: offloaded 31/31 layers to GPU\nI RPC0[10.2.67.12:50052] model buffer size = 92.10 MiB\n`;
    expect(unusedBackends(loadEvidence(restarted), ["10.2.67.11:50052", "10.2.67.12:50052"])).toBe(
      "no weights on 10.2.67.11:50052",
    );
  });
  test("shows it when the front keeps layers itself", () => {
    expect(loadEvidence(`${LOG}I llama_kv_cache: CPU KV buffer size = 3.00 MiB\n`).frontHoldsLayers).toBe(true);
  });
  test("that says nothing proves nothing", () => {
    expect(unusedBackends(loadEvidence(""), ["10.2.67.11:50052"])).toMatch(/does not show/);
  });
});

const labels = {
  "llama-rpc-cluster/llamacpp-commit": "0c1e57098",
  "llama-rpc-cluster/rpc-protocol": "7.0",
  "llama-rpc-cluster/ggml-version": "0.25",
};
const container = (name: string, role: string, more: Partial<Container> = {}): Container => ({
  name,
  role,
  state: "running",
  health: "healthy",
  restarts: 0,
  published: role === "front" ? ["127.0.0.1:8080"] : [],
  labels,
  ...more,
});
const healthy: Findings = {
  stack: "local",
  containers: [
    container("cpu-0", "backend"),
    container("cpu-1", "backend"),
    container("front", "front"),
    container("key", "key", { state: "created", health: null, labels: {} }),
  ],
  backendAddresses: ["10.2.67.11:50052", "10.2.67.12:50052"],
  evidence: loadEvidence(LOG),
  statuses: { health: 200, withoutKey: 401, withKey: 200 },
};
const wrong = (change: Partial<Findings>) =>
  judge({ ...healthy, ...change })
    .filter(({ remedy }) => remedy !== null)
    .map(({ name, found }) => `${name}: ${found}`);

describe("doctor", () => {
  test("finds nothing wrong with a healthy cluster", () => expect(wrong({})).toEqual([]));
  test("notices a backend that is gone, stopped or ill", () => {
    expect(wrong({ containers: healthy.containers.slice(1) })).toEqual(["containers: 2 of 3 exist"]);
    const stopped = [container("cpu-0", "backend", { state: "exited", health: null }), ...healthy.containers.slice(1)];
    expect(wrong({ containers: stopped })).toEqual(["containers: cpu-0 is exited"]);
    const ill = [container("cpu-0", "backend", { health: "unhealthy" }), ...healthy.containers.slice(1)];
    expect(wrong({ containers: ill })).toEqual(["containers: cpu-0 is unhealthy"]);
  });
  test("notices a front that asks for no key or has another one", () => {
    expect(wrong({ statuses: { health: 200, withoutKey: 200, withKey: 200 } })[0]).toMatch(
      /without the key gets status 200/,
    );
    expect(wrong({ statuses: { health: 200, withoutKey: 401, withKey: 401 } })[0]).toMatch(
      /the stack's key gets status 401/,
    );
  });
  test("notices a published RPC port and a front that the network can reach", () => {
    const open = [container("cpu-0", "backend", { published: ["0.0.0.0:50052"] }), ...healthy.containers.slice(1)];
    expect(wrong({ containers: open })[0]).toMatch(/cpu-0 on 0\.0\.0\.0:50052/);
    const wide = healthy.containers.map((one) =>
      one.role === "front" ? { ...one, published: ["0.0.0.0:8080"] } : one,
    );
    expect(wrong({ containers: wide })[0]).toMatch(/the front is published on 0\.0\.0\.0:8080/);
  });
  test("notices mixed versions of llama.cpp", () => {
    const old = { ...labels, "llama-rpc-cluster/rpc-protocol": "6.1" };
    const mixed = [container("cpu-0", "backend", { labels: old }), ...healthy.containers.slice(1)];
    expect(wrong({ containers: mixed })).toEqual(["versions: the images differ: rpc-protocol 6.1 and 7.0"]);
  });
  test("calls versions that nobody knows unknown, and never equal", () => {
    const empty = Object.fromEntries(Object.keys(labels).map((label) => [label, ""]));
    const containers = healthy.containers.map((one) => ({ ...one, labels: empty }));
    const versions = judge({ ...healthy, containers }).find(({ name }) => name === "versions");
    expect(versions?.found).toBe("not all known of cpu-0, cpu-1, front: neither labels nor /app/build-info state them");
  });
  test("reads from inside an image what its labels leave empty", () => {
    const inside = "LLAMACPP_VERSION=b9999\nLLAMACPP_COMMIT=0c1e57098\nRPC_PROTOCOL=7.1.0\nGGML_VERSION=0.26.0\n";
    expect(labelsWith({ "llama-rpc-cluster/rpc-protocol": "", role: "front" }, inside)).toEqual({
      role: "front",
      "llama-rpc-cluster/llamacpp-commit": "0c1e57098",
      "llama-rpc-cluster/rpc-protocol": "7.1.0",
      "llama-rpc-cluster/ggml-version": "0.26.0",
    });
    expect(labelsWith(labels, inside)).toEqual(labels);
  });
  test("takes the lost log of a healthy front for no trouble, and that of one that does not serve for one", () => {
    const evidence = loadEvidence("slot release: id 0\n");
    expect(wrong({ evidence })).toEqual([]);
    const used = judge({ ...healthy, evidence }).find(({ name }) => name === "backends used");
    expect(used?.found).toMatch(/no longer has the lines of the start/);
    const statuses = { health: 503, withoutKey: 401, withKey: 200 };
    expect(wrong({ evidence, statuses }).join()).toMatch(/does not show where the layers are/);
  });
  test("gives one line to do for everything that is wrong", () => {
    const all = judge({
      ...healthy,
      containers: [],
      evidence: loadEvidence(""),
      statuses: { health: 0, withoutKey: 0, withKey: 0 },
    });
    for (const { remedy } of all.filter((check) => check.remedy !== null)) expect(remedy).not.toContain("\n");
  });
});

describe("waiting for a front that is coming up", () => {
  const never = new AbortController().signal;
  const waiting = (answers: number[], seconds: number) => {
    const lines: string[] = [];
    const status = async () => answers.shift() ?? 0;
    const say = (line: string) => lines.push(line);
    return { lines, options: { endpoint: "http://front", seconds, say, status, everyMilliseconds: 1 } };
  };
  test("ends when it is ready, and says at once why it goes on", async () => {
    const { lines, options } = waiting([0, 503, 200], 60);
    expect(await waitUntilReady(options, never)).toBeNull();
    expect(lines).toEqual(["  … waiting for the front: it does not answer yet (0 s of at most 60 s)"]);
  });
  test("says nothing where it is ready", async () => {
    const { lines, options } = waiting([200], 60);
    expect(await waitUntilReady(options, never)).toBeNull();
    expect(lines).toEqual([]);
  });
  test("ends when the plan's time is up, with what the front said last", async () => {
    expect(await waitUntilReady(waiting([503], 0).options, never)).toBe("it is loading the model");
  });
  test("ends with an interruption", async () => {
    const interruption = new AbortController();
    const { options } = waiting([], 60);
    const attempt = waitUntilReady(
      { ...options, say: () => interruption.abort(new Error("Ctrl-C")) },
      interruption.signal,
    );
    await expect(attempt).rejects.toThrow();
  });
});

describe("a streamed answer", () => {
  const event = (content: string) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;
  const bytesOf = (text: string) => new TextEncoder().encode(text);
  const textOf = (...parts: Uint8Array[]) => {
    const parser = new EventParser();
    return parts.flatMap((part) => parser.push(part).map(pieceOf)).join("");
  };

  test("comes in pieces, whatever the network cuts it into, letters of several bytes included", () => {
    for (const end of ["\n", "\r\n", "\r"]) {
      const text = `: a comment\n\n${event("Lla")}${event("mäs 🦙")}data: [DONE]\n\n`.replaceAll("\n", end);
      const stream = bytesOf(text);
      for (let cut = 0; cut <= stream.length; cut += 1) {
        expect(textOf(stream.slice(0, cut), stream.slice(cut)), `${JSON.stringify(end)} at ${cut}`).toBe("Llamäs 🦙");
      }
      expect(textOf(...[...stream].map((byte) => new Uint8Array([byte])))).toBe("Llamäs 🦙");
    }
  });

  test("may come in events of several lines, with comments, other fields and no space after the colon", () => {
    const parser = new EventParser();
    const stream =
      ':ping\nevent: x\nid\ndata: {"a":\ndata:1}\nretry: 5\n\n\ndata:  two spaces\n\ndata\n\ndata: cut off';
    expect(parser.push(bytesOf(stream))).toEqual(['{"a":\n1}', " two spaces", ""]);
    expect(parser.push(bytesOf("\n\n"))).toEqual(["cut off"]);
  });

  test("that ends in an error says so", () => {
    expect(() => textOf(bytesOf('data: {"error":{"message":"out of context"}}\n\n'))).toThrow(/out of context/);
  });
});

test("a compiler's command line says which file is compiled", () => {
  const line = [
    "/usr/libexec/gcc/x86_64-linux-gnu/14/cc1plus",
    "-quiet",
    "-I",
    "/x",
    "/llama.cpp/src/llama-model.cpp",
    "-o",
    "-",
  ];
  expect(compiledFile(line.join("\0"))).toBe("llama-model.cpp");
  expect(compiledFile("/usr/bin/vim\0main.cpp")).toBeNull();
  expect(compiledFile("")).toBeNull();
});

describe("what a killed run left", () => {
  const snapshot: Snapshot = {
    resources: [{ type: "docker:index/container:Container", id: "aaa" }],
    pending_operations: [
      { type: "creating", resource: { type: "docker:index/container:Container", inputs: { name: "front" } } },
      { type: "deleting", resource: { type: "docker:index/container:Container", inputs: { name: "cpu-1" } } },
    ],
  };
  const container = (id: string, name: string) => ({ kind: "container" as const, id, name });
  test("is the container whose creation was under way and that no state knows", () => {
    expect(orphansOf(snapshot, [container("bbb", "front")])).toEqual([container("bbb", "front")]);
  });
  test("is nothing that the state knows, that was being deleted, or that has another name or kind", () => {
    const others = [container("aaa", "front"), container("ccc", "cpu-1"), container("ddd", "cpu-0")];
    expect(orphansOf(snapshot, [...others, { kind: "network", id: "eee", name: "front" }])).toEqual([]);
    expect(orphansOf({ resources: [] }, [container("bbb", "front")])).toEqual([]);
  });
});
