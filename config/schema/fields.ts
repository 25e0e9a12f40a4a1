/** What the fields of the stack file have in common: their notes, and the kinds of values that several of them take. */

import * as z from "zod";
import { isMemorySize, type MemorySize } from "../units.ts";

/** What a field's error message and its row in the reference say. */
export interface FieldNotes {
  /** What a value must be, to follow "must be": `a whole number from 1 to 15`. */
  rule: string;
  /** One sentence that says what to do about a wrong value. */
  remedy: string;
  /** What a missing optional value means, where that is not a plain default. */
  whenAbsent?: string;
}

/** Notes by schema; read by the error messages and by the reference. */
export const notes = z.registry<FieldNotes>();

/** The notes of a field, to be used again with another word for its absence. */
export function noteOf(schema: z.ZodType): FieldNotes {
  const note = notes.get(schema);
  if (note === undefined) throw new Error("a field without notes");
  return note;
}

/** Notes of a section. */
export const mapping = (remedy: string): FieldNotes => ({ rule: "a mapping of keys to values", remedy });

export const text = (remedy: string) => z.string().min(1).register(notes, { rule: "a text that is not empty", remedy });

export const oneOf = <const Words extends readonly [string, string, ...string[]]>(words: Words, remedy: string) => {
  const quoted = words.map((word) => `"${word}"`);
  return z.enum(words).register(notes, { rule: `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`, remedy });
};

export const flavour = () => oneOf(["cpu", "cuda"], 'Write "cuda" if it is to compute on an NVIDIA GPU, else "cpu".');

export const memory = () =>
  z
    .custom<MemorySize>((value) => typeof value === "string" && isMemorySize(value))
    .register(notes, {
      rule: 'an amount of memory, a number and "MiB" or "GiB"',
      remedy: 'Write it like "512 MiB" or "1.5 GiB", with one space.',
    });

export const threads = () =>
  z.int().min(1).max(1024).register(notes, {
    rule: "a whole number from 1 to 1024",
    remedy: "Give the number of CPU threads, at most the cores that the container may use.",
  });

export const gpus = () =>
  z
    .string()
    .regex(/^(all|\d+(,\d+)*)$/)
    .register(notes, {
      rule: '"all" or GPU numbers separated by commas',
      remedy: 'Write "all", or the numbers that nvidia-smi shows, like "0" or "0,1".',
    });

export const imageReference = () =>
  z
    .string()
    .regex(/^[a-z0-9]+([._:/@-]+[A-Za-z0-9]+)*$/)
    .register(notes, {
      rule: "the name of a container image",
      remedy: 'Write it like "ghcr.io/owner/name:tag" or "name@sha256:…".',
    });
