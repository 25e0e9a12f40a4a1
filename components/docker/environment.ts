/** A plan's environment in Docker's form, sorted so that the order of the plan does not matter. */
export function environmentOf(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment)
    .map(([name, value]) => `${name}=${value}`)
    .sort();
}
