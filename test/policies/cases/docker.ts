import { type Case, casesOf, type Inputs, labels } from "./case.ts";

const container = (role: string, inputs: Inputs) => ({
  type: "docker:index/container:Container",
  name: role,
  inputs: { labels: labels(role), ...inputs },
});
const network = (internal: boolean) => ({
  type: "docker:index/network:Network",
  name: "network",
  inputs: { name: "cluster-rpc", internal },
});

const published = casesOf("only-the-front-is-published", [
  ["the front is, on the loopback address", [container("front", { ports: [{ internal: 8080, ip: "127.0.0.1" }] })]],
  ["a backend is", [container("backend", { ports: [{ internal: 50052, ip: "127.0.0.1" }] })], ["backend ports[0]"]],
  ["the front is, on every address", [container("front", { ports: [{ internal: 8080 }] })], ["front ports[0].ip"]],
  [
    "the front is, on an address of the machine's",
    [container("front", { ports: [{ internal: 8080, ip: "192.0.2.1" }] })],
    ["front ports[0].ip"],
  ],
  ["all ports of a backend are", [container("backend", { publishAllPorts: true })], ["backend publishAllPorts"]],
]);

const apart = casesOf("containers-keep-to-themselves", [
  ["a container has a network of its own", [container("key", { networkMode: "none" })]],
  ["a backend is on the host's network", [container("backend", { networkMode: "host" })], ["backend networkMode"]],
  [
    "a backend shares another's network",
    [container("backend", { networkMode: "container:x" })],
    ["backend networkMode"],
  ],
  ["a backend is privileged", [container("backend", { privileged: true })], ["backend privileged"]],
  ["a backend sees the host's processes", [container("backend", { pidMode: "host" })], ["backend pidMode"]],
]);

const joined = (name: string) => container("backend", { networksAdvanced: [{ name }] });

const internal = casesOf("backends-are-on-internal-networks", [
  ["a backend is", [network(true), joined("cluster-rpc")]],
  [
    "the front is on others, too",
    [network(false), container("front", { networksAdvanced: [{ name: "cluster-rpc" }] })],
  ],
  ["the network has a way out", [network(false), joined("cluster-rpc")], ["backend networksAdvanced[0].name"]],
  ["the network is somebody else's", [network(true), joined("bridge")], ["backend networksAdvanced[0].name"]],
  ["a backend is on Docker's default network", [container("backend", {})], ["backend networksAdvanced"]],
]);

export const dockerCases: readonly Case[] = [...published, ...apart, ...internal];
