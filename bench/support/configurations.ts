/** Configurations for tests: a right one, and variations of it. */

/** A configuration that is right, with nothing in it that has a default. */
export function rightConfiguration(): Record<string, unknown> {
  return { model: { source: "models/smollm2.gguf" }, backends: [{ name: "cpu", count: 2, memory: "1 GiB" }] };
}

/** The right configuration with some values replaced, by path: `{ "backends[0].memory": "3 GB" }`. */
export function configurationWith(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const configuration = rightConfiguration();
  for (const [path, value] of Object.entries(values)) {
    const steps = path.split(/[.[\]]+/).filter((step) => step !== "");
    const last = steps.pop() ?? path;
    let place: Record<string, unknown> = configuration;
    for (const step of steps) {
      const next = place[step] ?? {};
      place[step] = next;
      place = next as Record<string, unknown>;
    }
    place[last] = value;
  }
  return configuration;
}
