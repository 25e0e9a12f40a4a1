/** What keeps a cluster private on one Docker engine. */
import { at, docker, elements, isSet, type Resource, type Rule, roleOf, UNKNOWN } from "../model.ts";

const CONTAINER = docker("Container");
const NETWORK = docker("Network");

const onlyTheFrontIsPublished: Rule = {
  name: "only-the-front-is-published",
  must: "no container but the front may publish a port, and the front only on the loopback address",
  why: "A published port bypasses the host's own firewall; RPC on it gives a shell to everyone who reaches the host.",
  remedy:
    'Remove `ports` and `publishAllPorts` from backends, and write `ip: "127.0.0.1"` in the front\'s; a tunnel or a proxy with TLS brings others there.',
  check: (resource) => {
    const { type, props } = resource;
    if (type !== CONTAINER) return [];
    const ports = elements(props["ports"]).flatMap((port, index) => {
      if (roleOf(resource) !== "front") return [{ path: `ports[${index}]`, value: port }];
      const address = at(port, "ip");
      const isLoopback = address === UNKNOWN || /^(127\.\d+\.\d+\.\d+|::1)$/.test(String(address));
      return isLoopback ? [] : [{ path: `ports[${index}].ip`, value: address }];
    });
    const all = props["publishAllPorts"] === true ? [{ path: "publishAllPorts", value: true }] : [];
    return [...ports, ...all];
  },
};

const noSharedNamespace: Rule = {
  name: "containers-keep-to-themselves",
  must: "a container must have its own network and no privileges of the host",
  why: "On the host's network a backend answers on every address of the machine; in a privileged container, anyone who runs code owns the machine.",
  remedy: "Remove `networkMode` and `privileged`, and join the cluster's networks through `networksAdvanced`.",
  check: ({ type, props }) => {
    if (type !== CONTAINER) return [];
    const mode = props["networkMode"];
    return [
      ...(/^(host|container:.*)$/.test(String(mode)) ? [{ path: "networkMode", value: mode }] : []),
      ...(props["privileged"] === true ? [{ path: "privileged", value: true }] : []),
      ...["pidMode", "ipcMode"]
        .filter((property) => props[property] === "host")
        .map((path) => ({ path, value: props[path] })),
    ];
  },
};

/** A plugin that is built from Go modules answers with a plural of the plural. */
const networksOf = ({ props }: Resource): unknown => props["networksAdvanced"] ?? props["networksAdvanceds"];

const backendsAreInternal: Rule = {
  name: "backends-are-on-internal-networks",
  must: "every network that a backend is on must be one of the stack's and internal",
  why: "Docker gives every other network a route out, and a route in to its members.",
  remedy: "Write `internal: true` in the network, and list no other one in the backend's `networksAdvanced`.",
  checkStack: (resources) =>
    resources
      .filter((resource) => resource.type === CONTAINER && roleOf(resource) === "backend")
      .flatMap((resource) => {
        const written = networksOf(resource);
        // Without a network of its own a container is on Docker's default one.
        if (!isSet(written))
          return resource.props["networkMode"] === "none"
            ? []
            : [{ resource, path: "networksAdvanced", value: undefined }];
        const joined = elements(written);
        return joined.flatMap((one, index) => {
          const name = at(one, "name");
          const networks = resource.refersTo("networksAdvanced", name).filter(({ type }) => type === NETWORK);
          const isInternal = networks.length > 0 && networks.every(({ props }) => props["internal"] === true);
          return isInternal ? [] : [{ resource, path: `networksAdvanced[${index}].name`, value: name }];
        });
      }),
};

/** The rules of this file. */
export const dockerRules: readonly Rule[] = [onlyTheFrontIsPublished, noSharedNamespace, backendsAreInternal];
