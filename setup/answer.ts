/** Data that other programs print. */
import * as z from "zod";
import { UserError } from "../config/errors.ts";

/**
 * What a program printed as JSON.
 * @param program how it was called, for the message
 * @throws {UserError} if it printed something else
 */
export function jsonAnswer<Schema extends z.ZodType>(text: string, schema: Schema, program: string): z.output<Schema> {
  const result = schema.safeParse(fromJson(text));
  if (result.success) return result.data;
  throw new UserError(`${program} answered with something else than expected: ${z.prettifyError(result.error)}`);
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // no schema takes it, and its message shows what it is
  }
}
