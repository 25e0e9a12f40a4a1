/** Reads data that other programs print. */
import * as z from "zod";
import { UserError } from "../config/errors.ts";

/**
 * Parses a program's JSON output.
 * @param program name of the program, for the message
 * @throws {UserError} if the output does not fit the schema
 */
export function jsonAnswer<Schema extends z.ZodType>(text: string, schema: Schema, program: string): z.output<Schema> {
  const result = schema.safeParse(fromJson(text));
  if (result.success) return result.data;
  throw new UserError(`${program} gave an unexpected answer: ${z.prettifyError(result.error)}`);
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // fails the schema, whose message then shows what it is
  }
}
