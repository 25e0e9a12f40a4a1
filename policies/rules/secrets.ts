/** Secrets where everybody can read them. */
import { aws, docker, type Finding, isProps, type Resource, type Rule, UNKNOWN } from "../model.ts";
import { userDataOf } from "./user-data.ts";

/** What secrets look like. Where one is written is told, never what it is. */
const SHAPES: Readonly<Record<string, RegExp>> = {
  "an AWS access key": /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/,
  "an AWS secret key": /aws_?secret_?access_?key["']?\s*[=:]\s*["']?[\w/+]{20,}/i,
  "a Hugging Face token": /\bhf_[A-Za-z0-9]{20,}\b/,
  "a GitHub token": /\bgh[pousr]_[A-Za-z0-9]{30,}\b/,
  "a private key": /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  "a password": /\b(?:password|passwd|passphrase)\b["']?\s*[=:]\s*["']?[^\s"'$<{]{4,}/i,
  "an API key": /(?:--api-key[ =]|\bLLAMA_(?:ARG_)?API_KEY\s*[=:]\s*["']?)(?!\/)[^\s"'$<{]{4,}/,
  "a token": /\b(?:HF_TOKEN|GITHUB_TOKEN|AUTH_TOKEN)\s*[=:]\s*["']?[^\s"'$<{]{8,}/,
  "a name and password in an address": /:\/\/[^\s/:@"']+:[^\s/:@"']+@/,
};

/** How the graph writes what a program marked as secret. */
const MARKED = "<secret>";

/** Properties that are made to hold a secret: the provider encrypts them, or they never leave this machine. */
const CARRIERS: Readonly<Record<string, readonly string[]>> = {
  [docker("Container")]: ["uploads"],
  "docker-build:index:Image": ["registries", "secrets"],
  [aws("secretsmanager", "SecretVersion")]: ["secretString"],
};

function isCarrier({ type, props }: Resource, property: string): boolean {
  if (type === aws("ssm", "Parameter")) return property === "value" && props["type"] === "SecureString";
  return CARRIERS[type]?.includes(property) ?? false;
}

/** The resources of clouds and engines; a component's and the stack's outputs are encrypted where they are secret. */
const isOfProvider = ({ type }: Resource) => /^(aws|docker|docker-build|kubernetes):/.test(type);

interface Text {
  path: string;
  text: string;
}

/** Every text of a resource but what may be secret, user data decoded. */
function openTextsOf(resource: Resource): Text[] {
  const decoded = userDataOf(resource);
  const inside = new Set(decoded.map(({ path }) => path));
  const written = Object.entries(resource.props)
    .filter(([property]) => !isCarrier(resource, property) && !inside.has(property))
    .flatMap(([property, value]) => textsIn(value, property));
  return [...decoded, ...written].filter(({ path, text }) => text !== MARKED || !isMarkedAnyway(resource, path));
}

/** The provider's SDK marks every parameter's value, a machine's state too. */
const isMarkedAnyway = ({ type }: Resource, path: string) => type === aws("ssm", "Parameter") && path === "value";

function textsIn(value: unknown, path: string): Text[] {
  if (typeof value === "string") return [{ path, text: value }];
  if (value === UNKNOWN) return [];
  if (Array.isArray(value)) return value.flatMap((one: unknown, index) => textsIn(one, `${path}[${index}]`));
  if (!isProps(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => textsIn(inner, `${path}.${key}`));
}

const noSecretInPlainSight: Rule = {
  name: "no-secret-in-plain-sight",
  must: "no user data, environment, argument, tag or other property may hold a secret",
  why: "Everyone who may describe a machine can read its user data, environments and command lines, and these end up in logs.",
  remedy: "Put it into a SecureString of SSM or into a file, and pass the name.",
  check: (resource) =>
    isOfProvider(resource)
      ? openTextsOf(resource).flatMap(({ path, text }) =>
          looksOf(text).map((look): Finding => ({ path, value: `${look} on line ${lineOf(text, look)}` })),
        )
      : [],
  checkStack: (resources) => {
    const secrets = resources.flatMap(secretsOf);
    return resources.filter(isOfProvider).flatMap((resource) =>
      openTextsOf(resource)
        .filter(({ text }) => secrets.some((secret) => text.includes(secret)))
        .map(({ path }) => ({ resource, path, value: "one of the stack's secrets" })),
    );
  },
};

function looksOf(text: string): string[] {
  if (text === MARKED) return ["what the program marks as secret"];
  return Object.keys(SHAPES).filter((look) => SHAPES[look]?.test(text));
}

function lineOf(text: string, look: string): number {
  const at = SHAPES[look] ? text.search(SHAPES[look]) : 0;
  return text.slice(0, at).split("\n").length;
}

/** Shorter texts occur by chance. */
const SHORTEST_SECRET = 12;

/** Secrets that the stack itself makes, as far as they are known. */
function secretsOf({ type, props }: Resource): string[] {
  const values: Readonly<Record<string, readonly unknown[]>> = {
    "pulumi:index:Stash": [props["output"], props["input"]],
    "random:index/randomPassword:RandomPassword": [props["result"]],
    [aws("ssm", "Parameter")]: props["type"] === "SecureString" ? [props["value"]] : [],
  };
  return (values[type] ?? []).filter(
    (value): value is string => typeof value === "string" && value !== MARKED && value.length >= SHORTEST_SECRET,
  );
}

/** The rules of this file. */
export const secretRules: readonly Rule[] = [noSecretInPlainSight];
