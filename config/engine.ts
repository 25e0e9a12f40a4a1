/**
 * Turns what the engine hands to a program, one string per key with objects as JSON, back into what the stack file says.
 * @param get reads one key of the project's namespace
 * @param keys keys that the schema knows
 */
export function sectionsFromEngine(get: (key: string) => string | undefined, keys: readonly string[]) {
  const sections: Record<string, unknown> = {};
  for (const key of keys) {
    const text = get(key);
    if (text !== undefined) sections[key] = asWritten(text);
  }
  return sections;
}

/** A plain word is not JSON; the schema says whether a word is allowed there. */
function asWritten(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
