import { readFileSync } from "node:fs";
import type { Alias } from "@pulumi/pulumi/proto/alias_pb.js";
import { describe, expect, test } from "vitest";
import { type GraphOptions, graphOf } from "../support/resource-graph.ts";
import { scratchModel } from "../support/scratch-model.ts";

type Request = Parameters<NonNullable<GraphOptions["onRegistration"]>>[0];

/** What the resources of each stack were called before their names began with their cluster's: `<types>::<name>`. */
const FORMER = JSON.parse(readFileSync("test/graph/former-urns.json", "utf8")) as Record<string, string[]>;
/** A component that holds nothing unless there is a public load balancer, and is made only for one now. */
const EMPTY = /\$llama-rpc-cluster:aws:PublicSubnets::network-public$/;

const { model, scratch } = scratchModel();

describe.each(Object.keys(FORMER))("a cluster of stack %s that was made under the former names", (stack) => {
  test("is kept: each former resource is one of today's, by its name or an alias", async () => {
    const names = new AliasedNames();
    await graphOf(stack, { model }, scratch, { onRegistration: (request) => names.add(request) });
    const lost = FORMER[stack]?.filter((urn) => !names.known.has(urn) && !EMPTY.test(urn));
    expect(lost, "the engine would delete or replace these: add `formerly(…)`").toEqual([]);
  });

  test("gives each of its resources to one successor alone", async () => {
    const names = new AliasedNames();
    await graphOf(stack, { model }, scratch, { onRegistration: (request) => names.add(request) });
    const shared = FORMER[stack]?.filter((urn) => (names.known.get(urn)?.length ?? 0) > 1);
    expect(shared).toEqual([]);
  });
});

/**
 * URNs by which an engine finds a resource in the state, multiplied along the parents as Pulumi's step generator does it
 * (pkg/resource/deploy/step_generator.go, generateAliases). Stack and project are left out.
 */
class AliasedNames {
  /** Whom a URN leads to. */
  readonly known = new Map<string, string[]>();
  /** URN and aliases of each resource by its type and name; the mocks' own URNs hold one parent at most. */
  readonly #seen = new Map<string, { urn: string; aliases: string[] }>();

  add(request: Request): void {
    const [type, name]: [string, string] = [request.getType(), request.getName()];
    if (type === "pulumi:pulumi:Stack") return;
    const parent = this.#seen.get(typeAndName(request.getParent())) ?? { urn: "", aliases: [] };
    const specs = (request.getAliasesList() as Alias[]).map((alias) => {
      const spec = alias.getSpec();
      return { type: spec?.getType() || type, name: spec?.getName() || name };
    });
    const inherited = parent.aliases.flatMap((alias) =>
      [{ type, name }, ...specs].map((own) =>
        urnOf(alias, own.type, inheritedName(own.name, nameOf(parent.urn), nameOf(alias))),
      ),
    );
    const urn = urnOf(parent.urn, type, name);
    const aliases = [...new Set([...specs.map((own) => urnOf(parent.urn, own.type, own.name)), ...inherited])];
    this.#seen.set(`${type} ${name}`, { urn, aliases });
    for (const each of new Set([urn, ...aliases])) this.known.set(each, [...(this.known.get(each) ?? []), urn]);
  }
}

/** `<type> <name>` of a URN. */
function typeAndName(urn: string): string {
  const [, , types = "", ...name] = urn.split("::");
  return `${types.split("$").at(-1)} ${name.join("::")}`;
}

const nameOf = (urn: string) => urn.slice(urn.lastIndexOf("::") + 2);
const urnOf = (parent: string, type: string, name: string) =>
  `${parent === "" ? "" : `${parent.slice(0, parent.lastIndexOf("::"))}$`}${type}::${name}`;

/** A child that is called after its parent was called after its parent's former name, too. */
function inheritedName(name: string, parent: string, formerParent: string): string {
  return name.startsWith(parent) ? `${formerParent}${name.slice(parent.length)}` : name;
}
