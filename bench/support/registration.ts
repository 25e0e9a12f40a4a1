/** What a program registers with a resource besides its inputs. */

import type { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";

/** Options of a registration. A value is absent if the program does not set it. */
export interface Extras {
  /** The component that the resource belongs to, as `<type> <name>`. */
  parent?: string;
  /** Resources that must exist first. Those that the inputs refer to are visible there and not repeated. */
  dependsOn?: string[];
  options?: Options;
}

/** Resource options that change the engine's behaviour. */
export interface Options {
  ignoreChanges?: string[];
  replaceOnChanges?: string[];
  deleteBeforeReplace?: true;
  protect?: true;
  retainOnDelete?: true;
  deletedWith?: string;
  customTimeouts?: Record<string, string>;
  hooks?: string[];
}

type Registration = Parameters<MockMonitor["registerResource"]>[0];

/** Reads the options of a registration. */
export function extrasOf(request: Registration): Extras {
  const parent = shortName(request.getParent());
  const dependsOn: string[] = request.getDependenciesList().map(shortName).filter(isText).sort();
  const options = optionsOf(request);
  return {
    ...(parent && !parent.startsWith("pulumi:pulumi:Stack ") && { parent }),
    ...(dependsOn.length > 0 && { dependsOn }),
    ...(Object.keys(options).length > 0 && { options }),
  };
}

/** Removes the dependencies that are visible as markers in the inputs. */
export function withoutVisible(extras: Extras, inputs: unknown): Extras {
  const text = JSON.stringify(inputs);
  const { dependsOn = [], ...rest } = extras;
  const hidden = dependsOn.filter((dependency) => !text.includes(`@@${markerName(dependency)}.`));
  return hidden.length > 0 ? { ...rest, dependsOn: hidden } : rest;
}

/** The start of a resource's markers: `Vpc/cluster` for AWS, the bare name for others. */
export function markerName(resource: string): string {
  const [type = "", name = ""] = resource.split(" ");
  return type.startsWith("aws:") ? `${type.split(":").at(-1)}/${name}` : name;
}

function optionsOf(request: Registration): Options {
  const ignoreChanges: string[] = request.getIgnorechangesList();
  const replaceOnChanges: string[] = request.getReplaceonchangesList();
  const deletedWith = shortName(request.getDeletedwith());
  const timeouts: Record<string, string> = request.getCustomtimeouts()?.toObject() ?? {};
  const customTimeouts = Object.fromEntries(Object.entries(timeouts).filter(([, time]) => time !== ""));
  const hooks = Object.entries<string[]>(request.getHooks()?.toObject() ?? {}).flatMap(([when, names]) =>
    names.map((name) => `${when.replace(/List$/, "")}: ${name}`),
  );
  return {
    ...(ignoreChanges.length > 0 && { ignoreChanges }),
    ...(replaceOnChanges.length > 0 && { replaceOnChanges }),
    ...(request.getDeletebeforereplace() && { deleteBeforeReplace: true }),
    ...(request.getProtect() && { protect: true }),
    ...(request.getRetainondelete() && { retainOnDelete: true }),
    ...(deletedWith && { deletedWith }),
    ...(Object.keys(customTimeouts).length > 0 && { customTimeouts }),
    ...(hooks.length > 0 && { hooks }),
  };
}

/** `urn:pulumi:<stack>::<project>::<parents>$<type>::<name>` as `<type> <name>`. */
function shortName(urn: string): string {
  const [, , types = "", ...name] = urn.split("::");
  return name.length > 0 ? `${types.split("$").at(-1)} ${name.join("::")}` : "";
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
