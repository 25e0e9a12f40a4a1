/** What the fields of the stack file have in common: their notes, and the kinds of values that several of them take. */

import * as z from "zod";
import { isCidr } from "../cidr.ts";
import { isMemorySize, type MemorySize } from "../units.ts";

/** What a field's error message and its row in the reference say. */
export interface FieldNotes {
  /** What a value must be, to follow "must be": `a whole number from 1 to 15`. */
  rule: string;
  /** One sentence that says what to do about a wrong value. */
  remedy: string;
  /** What it means if an optional value is missing and there is no plain default. */
  whenAbsent?: string;
}

/** Notes by schema; the error messages and the reference read them. */
export const notes = z.registry<FieldNotes>();

/** The notes of a field. */
export function noteOf(schema: z.ZodType): FieldNotes {
  const note = notes.get(schema);
  if (note === undefined) throw new Error("a field without notes");
  return note;
}

/** An optional field, and what it means if it is missing: `2 GiB; with target aws the machine's`. */
export function absent<Schema extends z.ZodType>(schema: Schema, whenAbsent: string): z.ZodOptional<Schema> {
  const field = z.optional(schema);
  notes.add<z.ZodType>(field, { ...noteOf(schema), whenAbsent });
  return field;
}

/** Notes of a section. */
export const mapping = (remedy: string): FieldNotes => ({ rule: "a mapping of keys to values", remedy });

export const text = (remedy: string) => z.string().min(1).register(notes, { rule: "a text that is not empty", remedy });

/** A text of one form. */
export const written = (form: RegExp, rule: string, remedy: string) =>
  z.string().regex(form).register(notes, { rule, remedy });

/** A list that is not empty. */
export const listOf = <Element extends z.ZodType>(element: Element, rule: string, remedy: string) =>
  z.array(element).min(1).register(notes, { rule, remedy });

export const oneOf = <const Words extends readonly [string, string, ...string[]]>(words: Words, remedy: string) => {
  const quoted = words.map((word) => `"${word}"`);
  return z.enum(words).register(notes, { rule: `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`, remedy });
};

/** A whole number within bounds, which are included. */
export const wholeNumber = (min: number, max: number, remedy: string, noun = "whole number") =>
  z
    .int()
    .min(min)
    .max(max)
    .register(notes, { rule: `a ${noun} from ${min} to ${max}`, remedy });

export const trueOrFalse = () =>
  z.boolean().register(notes, { rule: "true or false", remedy: "Write true or false without quotation marks." });

export const flavour = () =>
  oneOf(["cpu", "cuda"], 'Write "cuda" if it is to compute on an NVIDIA GPU, otherwise "cpu".');

export const memory = () =>
  z
    .custom<MemorySize>((value) => typeof value === "string" && isMemorySize(value))
    .register(notes, {
      rule: 'an amount of memory, a number and "MiB" or "GiB"',
      remedy: 'Write it like "512 MiB" or "1.5 GiB", with one space.',
    });

export const threads = () =>
  wholeNumber(1, 1024, "Give the number of CPU threads, at most the cores that the container may use.");

export const gpus = () =>
  written(
    /^(all|\d+(,\d+)*)$/,
    '"all" or GPU numbers separated by commas',
    'Write "all", or the numbers that nvidia-smi shows, like "0" or "0,1".',
  );

export const imageReference = () =>
  written(
    /^[a-z0-9]+([._:/@-]+[A-Za-z0-9]+)*$/,
    "the name of a container image",
    'Write it like "ghcr.io/owner/name:tag" or "name@sha256:…".',
  );

/** An EC2 type; the catalog knows whether it exists. */
export const machine = () =>
  absent(
    written(
      /^[a-z][a-z0-9-]*\.[a-z0-9-]+$/,
      "the name of an EC2 instance type",
      'Write it like "g6e.xlarge" or "c8g.16xlarge".',
    ),
    "required with target aws, not allowed with target docker",
  );

export const cidr = (remedy: string) =>
  z.string().refine(isCidr).register(notes, { rule: "an IPv4 network in CIDR notation with no host bits set", remedy });
