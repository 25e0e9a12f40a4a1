import { describe, expect, test } from "vitest";
import { configurationWith } from "../../bench/support/configurations.ts";
import { smallModelFacts } from "../../bench/support/models.ts";
import { isPrivate, networkOf, overlaps } from "../../config/cidr.ts";
import { parseCluster } from "../../config/parse.ts";
import { GIB, MIB } from "../../config/units.ts";
import { type MachineFacts, machineFindings, withMachineFindings } from "../../plan/account/machine.ts";
import { planCluster } from "../../plan/index.ts";

const planWith = (values: Readonly<Record<string, unknown>> = {}) =>
  planCluster(parseCluster(configurationWith(values)), smallModelFacts(), { stack: "local" });
const plan = planWith();
const { hostPort } = plan.front;
const { cidr } = plan.network;

/** A machine on which everything is well. */
const well: MachineFacts = {
  containers: [],
  networks: [{ name: "bridge", isOwn: false, cidrs: ["172.17.0.0/16"] }],
  memoryBytes: 32 * GIB,
  freeMemoryBytes: 16 * GIB,
  isHostPortTaken: false,
  freeHostPort: null,
  disk: { folder: "/var/lib/docker", freeBytes: 100 * GIB },
  flavoursToBuild: ["cpu"],
  modelFiles: [{ path: "/models/model.gguf", mode: 0o644, uid: 1000, gid: 1000 }],
  offersGpus: null,
  hasGpu: null,
};

const findingsWith = (facts: Partial<MachineFacts>, planned = plan) => machineFindings(planned, { ...well, ...facts });
const codesWith = (facts: Partial<MachineFacts>, planned = plan) =>
  findingsWith(facts, planned).map(({ code }) => code);

test("a machine on which everything is well says nothing", () => expect(findingsWith({})).toEqual([]));

test("nothing follows from what could not be asked", () => {
  const unknown = {
    freeMemoryBytes: null,
    isHostPortTaken: null,
    freeHostPort: null,
    disk: null,
    modelFiles: null,
    offersGpus: null,
    hasGpu: null,
  };
  const withGpu = planWith({ "backends[0].flavour": "cuda", "backends[0].gpus": "all", "backends[0].count": 1 });
  for (const planned of [plan, withGpu]) expect(findingsWith(unknown, planned)).toEqual([]);
});

test("everything that stops a cluster is said at once, errors first, beside what the plan says itself", () => {
  const facts = {
    ...well,
    isHostPortTaken: true,
    freeMemoryBytes: GIB,
    networks: [{ name: "x", isOwn: false, cidrs: [cidr] }],
  };
  const { findings } = withMachineFindings(plan, facts);
  expect(findings.map(({ number, severity }) => [number, severity])).toEqual([
    ["F31", "error"],
    ["F32", "error"],
    ["F34", "warning"],
    ...plan.findings.map(({ number, severity }) => [number, severity]),
  ]);
});

describe("the front's port", () => {
  const container = (address: string, { isOwn = false, port = hostPort } = {}) => ({
    name: "web",
    isOwn,
    published: [{ address, port }],
  });

  test("is taken by a program of the machine, and the remedy is the next that is free", () => {
    expect(findingsWith({ isHostPortTaken: true, freeHostPort: 8083 })).toEqual([
      {
        code: "port-taken",
        number: "F31",
        severity: "error",
        path: "front.hostPort",
        message: `Port ${hostPort} of 127.0.0.1 is taken by another program of this machine.`,
        remedy: {
          change: { set: [{ path: "front.hostPort", value: 8083 }], remove: [] },
          or: [{ action: "choose another free port" }],
        },
        remedyText: "Set front.hostPort to 8083. Or choose another free port.",
      },
    ]);
  });

  test.each(["0.0.0.0", "127.0.0.1"])(
    "is taken by a container that publishes it on %s, whose name is said",
    (address) => {
      const [finding] = findingsWith({ containers: [container(address)], isHostPortTaken: null });
      expect(finding?.message).toBe(`Port ${hostPort} of 127.0.0.1 is taken by the container web.`);
      expect(finding?.remedyText).toBe("Set front.hostPort to a free port.");
      expect(finding?.remedy).not.toHaveProperty("change");
    },
  );

  test("is not taken by a container that publishes it on another address, or another port", () =>
    expect(findingsWith({ containers: [container("192.168.1.7"), container("0.0.0.0", { port: 9999 })] })).toEqual([]));

  test("is not taken by the stack's own front", () =>
    expect(findingsWith({ containers: [container("127.0.0.1", { isOwn: true })], isHostPortTaken: true })).toEqual([]));
});

describe("the private network", () => {
  const network = (isOwn: boolean, ...cidrs: string[]) => ({ name: "other", isOwn, cidrs });

  test.each([cidr, "10.0.0.0/9", cidr.replace("0/24", "128/25")])("overlaps with a Docker network of %s", (taken) => {
    const [finding, ...more] = findingsWith({ networks: [network(false, "fd00::/64", taken)] });
    expect(more).toEqual([]);
    expect(finding).toMatchObject({
      code: "network-overlaps",
      number: "F32",
      severity: "error",
      path: "access.privateCidr",
    });
    expect(finding?.message).toBe(`The cluster's network ${cidr} overlaps with the Docker network other (${taken}).`);
  });

  test("has a remedy that overlaps with nothing, and is a value that the stack file takes", () => {
    const networks = [network(false, cidr), network(false, "10.0.0.0/11"), network(false, "10.64.0.0/11")];
    const [finding] = findingsWith({ networks });
    const value = String(finding?.remedy.change?.set[0]?.value);
    expect(isPrivate(networkOf(value))).toBe(true);
    const changed = planWith({ "access.privateCidr": value });
    expect(codesWith({ networks }, changed)).toEqual([]);
    for (const taken of [cidr, "10.0.0.0/11", "10.64.0.0/11"])
      expect(overlaps(networkOf(value), networkOf(taken))).toBe(false);
  });

  test("has a remedy without a network where there is none left", () => {
    const [finding] = findingsWith({ networks: [network(false, "10.0.0.0/8")] });
    expect(finding?.remedyText).toBe("Set access.privateCidr to a private network that no Docker network overlaps.");
    expect(finding?.remedy).not.toHaveProperty("change");
  });

  test("does not overlap with the stack's own, or with one beside it", () =>
    expect(findingsWith({ networks: [network(true, cidr), network(false, "10.99.0.0/16")] })).toEqual([]));
});

describe("memory", () => {
  // A front of 2 GiB and two backends of 1 GiB.
  test("is short where the limits are more than what is free, which only warns", () => {
    const [finding, ...more] = findingsWith({ freeMemoryBytes: 4 * GIB - MIB });
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ code: "memory-short", number: "F34", severity: "warning" });
    expect(finding?.message).toMatch(
      /^The containers may use 4 GiB together and are planned to use \d+ MiB, but the machine has 4095 MiB of 32 GiB free\.$/,
    );
    expect(findingsWith({ freeMemoryBytes: 4 * GIB })).toEqual([]);
  });

  test("is compared with all of the machine's where nobody knows what is free", () => {
    expect(codesWith({ freeMemoryBytes: null, memoryBytes: 4 * GIB - MIB })).toEqual(["memory-short"]);
    expect(codesWith({ freeMemoryBytes: null, memoryBytes: 4 * GIB })).toEqual([]);
  });

  test("stops a cluster only if what the backends will use is more than the machine has", () => {
    const used = plan.backends.reduce((sum, { memory }) => sum + memory.totalBytes, 0);
    expect(codesWith({ memoryBytes: used, freeMemoryBytes: 0 })).toEqual(["memory-short"]);
    const [finding, ...more] = findingsWith({ memoryBytes: used - 1, freeMemoryBytes: 0 });
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ code: "machine-memory-too-small", number: "F33", severity: "error" });
  });

  test("of backends on GPUs is not the machine's", () => {
    const withGpu = planWith({ "backends[0].flavour": "cuda", "backends[0].gpus": "all", "backends[0].count": 1 });
    expect(codesWith({ memoryBytes: 16 * MIB, freeMemoryBytes: 16 * MIB }, withGpu)).toEqual(["memory-short"]);
  });
});

describe("the disk", () => {
  test("is short where images have to be built, which only warns", () => {
    const disk = { folder: "/data/docker", freeBytes: 2 * GIB - 1 };
    const [finding, ...more] = findingsWith({ disk });
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ code: "disk-short", number: "F35", severity: "warning" });
    expect(finding?.message).toContain("/data/docker");
    expect(codesWith({ disk: { ...disk, freeBytes: 21 * GIB }, flavoursToBuild: ["cpu", "cuda"] })).toEqual([
      "disk-short",
    ]);
  });

  test("is big enough where every image is there", () =>
    expect(findingsWith({ disk: { folder: "/data/docker", freeBytes: 0 }, flavoursToBuild: [] })).toEqual([]));
});

describe("the model's file", () => {
  const file = (mode: number, { uid = 1000, gid = 1000 } = {}) => ({ path: "/models/model.gguf", mode, uid, gid });

  test("has to be readable for the user of the containers", () => {
    expect(findingsWith({ modelFiles: [file(0o644), file(0o600)] })).toEqual([
      {
        code: "model-unreadable",
        number: "F36",
        severity: "error",
        path: "model.source",
        message:
          "The containers run as uid 10001, which can't read /models/model.gguf: its permissions are 0600, and its owner is uid 1000.",
        remedy: { action: "run `chmod a+r '/models/model.gguf'`" },
        remedyText: "Run `chmod a+r '/models/model.gguf'`.",
      },
    ]);
  });

  test.each([
    ["others may read", file(0o604), true],
    ["its group may, which is another", file(0o640), false],
    ["its group may, which is the containers'", file(0o640, { gid: 10001 }), true],
    ["its owner may, who is the containers' user", file(0o400, { uid: 10001 }), true],
    ["its owner may not, who is the containers' user", file(0o044, { uid: 10001, gid: 10001 }), false],
    ["its group may not, which is the containers'", file(0o604, { gid: 10001 }), false],
  ])("is judged as the kernel does: %s", (_, modelFile, isReadable) =>
    expect(codesWith({ modelFiles: [modelFile] })).toEqual(isReadable ? [] : ["model-unreadable"]),
  );
});

describe("GPUs", () => {
  const withGpu = planWith({ "backends[0].flavour": "cuda", "backends[0].gpus": "all", "backends[0].count": 1 });

  test("are needed by flavour cuda alone", () => {
    expect(findingsWith({ offersGpus: false, hasGpu: false })).toEqual([]);
    expect(findingsWith({ offersGpus: true, hasGpu: true }, withGpu)).toEqual([]);
  });

  test("that the machine does not have are told before an engine that can't hand them out", () => {
    const [finding, ...more] = findingsWith({ offersGpus: false, hasGpu: false }, withGpu);
    expect(more).toEqual([]);
    expect(finding).toMatchObject({
      code: "gpu-not-offered",
      number: "F37",
      severity: "error",
      path: "backends[0].flavour",
    });
    expect(finding?.message).toBe("Backend cpu-0 has flavour cuda, but this machine has no NVIDIA GPU.");
  });

  test("that the engine can't hand out want NVIDIA's toolkit", () => {
    const [finding] = findingsWith({ offersGpus: false, hasGpu: true }, withGpu);
    expect(finding?.remedyText).toContain("NVIDIA Container Toolkit");
  });

  test("are not judged on a machine that could not be asked", () =>
    expect(findingsWith({ offersGpus: null, hasGpu: true }, withGpu)).toEqual([]));
});
