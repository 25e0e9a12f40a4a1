/**
 * What the catalog leaves out on purpose, so that `npm run catalog:refresh` reports only what nobody has looked at: older
 * Graviton generations, families that differ by more disk or network than a cluster has use for, and metal and the
 * smallest sizes of the others.
 */

const FAMILIES: ReadonlySet<string> = new Set(
  (
    "a1 c6g c6gd c6gn m6g m6gd r6g r6gd t4g x2gd " +
    "c7gd c7gn c8gb c9gd i4g i8g i8ge im4gn is4gen m7gd m8gb m8gn m9gd r7gd r8gb r8gn"
  ).split(" "),
);

/** All sizes of hpc7g cost the same and have the whole socket: the biggest is enough. */
const TYPES: ReadonlySet<string> = new Set(["hpc7g.4xlarge", "hpc7g.8xlarge"]);

/** Whether the catalog leaves a Graviton type out on purpose. No NVIDIA type is. */
export function isLeftOut(name: string): boolean {
  const [family = "", size = ""] = name.split(".");
  return FAMILIES.has(family) || TYPES.has(name) || size === "medium" || size.startsWith("metal");
}
