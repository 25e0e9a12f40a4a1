/** Policy documents of IAM and of resources. */
import { isProps, UNKNOWN } from "../model.ts";

/** A statement as it is written. */
export type Statement = Readonly<Record<string, unknown>>;

/**
 * The statements of a document, which may be a text or an object; none if it is unknown or absent.
 * @throws if a text is no JSON
 */
export function statementsOf(document: unknown): Statement[] {
  if (document === undefined || document === null || document === "" || document === UNKNOWN) return [];
  const parsed: unknown = typeof document === "string" ? JSON.parse(document) : document;
  if (!isProps(parsed)) return [];
  return [parsed["Statement"]].flat().filter(isProps);
}

/** One or several texts as a list. */
export const texts = (value: unknown): string[] =>
  [value].flat().filter((one): one is string => typeof one === "string");
