/**
 * Turns what the engine hands to a program, one string per key with objects as JSON, back into what the stack file says.
 * Keys that the schema does not know come along: it is the schema's to refuse them.
 * @param all every key of the stack with its namespace (`llama-rpc-cluster:model`)
 * @param project the namespace that is ours
 */
export function sectionsFromEngine(all: Readonly<Record<string, string>>, project: string): Record<string, unknown> {
  const prefix = `${project}:`;
  return Object.fromEntries(
    Object.entries(all)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, text]) => [key.slice(prefix.length), asWritten(text)] as const)
      // What Pulumi.yaml gives for a section that the stack leaves out: the engine wants a value for each key.
      .filter(([, value]) => JSON.stringify(value) !== "{}"),
  );
}

/** A plain word is not JSON; the schema says whether a word is allowed there. */
function asWritten(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
