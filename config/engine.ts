/**
 * The engine hands a program one string for each key, with objects as JSON. This gives back what the stack file says.
 * Keys that the schema does not know are kept, so that the schema can refuse them.
 * @param all every key of the stack with its namespace (`llama-rpc-cluster:model`)
 * @param project the project's namespace
 */
export function sectionsFromEngine(all: Readonly<Record<string, string>>, project: string): Record<string, unknown> {
  const prefix = `${project}:`;
  return Object.fromEntries(
    Object.entries(all)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, text]) => [key.slice(prefix.length), asWritten(text)] as const)
      // Pulumi.yaml gives {} for a section that the stack leaves out, because the engine wants a value for each key.
      .filter(([, value]) => JSON.stringify(value) !== "{}"),
  );
}

/** A plain word is not JSON; the schema decides whether a word is allowed there. */
function asWritten(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
