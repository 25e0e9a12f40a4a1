/** A plan's environment as Docker wants it, in an order that does not depend on who wrote it. */
export function environmentOf(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment)
    .map(([name, value]) => `${name}=${value}`)
    .sort();
}
