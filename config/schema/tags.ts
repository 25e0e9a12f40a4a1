/**
 * Tags that every service accepts that the cluster tags. The strictest are CodeBuild (lengths,
 * docs.aws.amazon.com/codebuild/latest/APIReference/API_Tag.html), IAM (two keys must not differ only in case,
 * docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html) and S3 (ten tags for each object,
 * docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html). All accept letters, spaces and numbers of every
 * alphabet; an emoji is not a letter, and neither is an accent that is a character of its own.
 */

import * as z from "zod";
import { type FieldNotes, notes } from "./fields.ts";

/** Seven, because three of an object's ten tags are the cluster's own. */
const MOST_TAGS = 7;
/** In UTF-16, in which the services count. */
const KEY_LENGTH = 127;
const VALUE_LENGTH = 255;
const CHARACTERS = /^[\p{L}\p{Z}\p{N}+\-=._:/@]*$/u;
const ALLOWED = "letters, digits, spaces and + - = . _ : / @";

type Tags = Readonly<Record<string, string>>;

export const tagsSchema = z
  .custom<Tags>(isShortMapping)
  .superRefine((tags: unknown, context) => {
    if (!isShortMapping(tags)) return;
    for (const key of Object.keys(tags)) {
      const note = noteOfTag(tags, key);
      if (note !== null) context.addIssue({ code: "custom", path: [key], params: { ...note } });
    }
  })
  .default({})
  .register(notes, {
    rule: `a mapping of at most ${MOST_TAGS} tags to texts`,
    remedy: 'Write it like { owner: "ml-team", cost-centre: "1234" }.',
  });

function isShortMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.keys(value).length <= MOST_TAGS;
}

/** What is wrong with a tag; null if nothing is. */
function noteOfTag(tags: Readonly<Record<string, unknown>>, key: string): FieldNotes | null {
  const value = tags[key];
  const lower = key.toLowerCase();
  if (key === "" || key.length > KEY_LENGTH || !CHARACTERS.test(key)) {
    return {
      rule: `a tag whose key has 1 to ${KEY_LENGTH} ${ALLOWED}`,
      remedy: "Change the key: AWS accepts letters of every alphabet, but no other signs and no emoji.",
    };
  }
  if (typeof value !== "string" || value.length > VALUE_LENGTH || !CHARACTERS.test(value)) {
    return {
      rule: `a text of at most ${VALUE_LENGTH} ${ALLOWED}`,
      remedy: "Change it: AWS accepts letters of every alphabet, but no other signs and no emoji; quote a number.",
    };
  }
  if (/^(aws:|llama-rpc-cluster\/)/.test(lower)) {
    return {
      rule: "a tag whose key does not begin with aws: or llama-rpc-cluster/",
      remedy: "Choose another key: AWS and the cluster reserve these for their own tags.",
    };
  }
  if (/^aws:/i.test(value)) {
    return { rule: "a text that does not begin with aws:", remedy: "Change it: AWS reserves that beginning." };
  }
  if (lower === "name") {
    return {
      rule: "a tag with another key than Name",
      remedy: "Choose another key: the cluster names everything that it creates.",
    };
  }
  const twin = Object.keys(tags).find((other) => other.toLowerCase() === lower);
  if (twin === key || twin === undefined) return null;
  return {
    rule: `a tag whose key differs from ${twin} in more than upper and lower case`,
    remedy: "Remove one of them: roles in IAM can't have both.",
  };
}
