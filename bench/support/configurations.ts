/** Configurations for tests: a valid one, and variations of it. */

/** A valid configuration without optional values. */
export function rightConfiguration(): Record<string, unknown> {
  return { model: { source: "models/smollm2.gguf" }, backends: [{ name: "cpu", count: 2, memory: "1 GiB" }] };
}

/** The valid configuration with some values replaced, by path: `{ "backends[0].memory": "3 GB" }`. */
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
