/** Buckets, parameters and registries. */
import { at, aws, elements, type Finding, is, type Resource, type Rule, roleOf, UNKNOWN } from "../model.ts";
import { statementsOf } from "./statements.ts";

const BUCKETS = new Set([aws("s3", "Bucket"), aws("s3", "BucketV2")]);
const versions = (kind: string) => new Set([aws("s3", kind), aws("s3", `${kind}V2`)]);

/** The settings of a bucket that are resources of their own. */
function settingsOf(bucket: Resource, resources: readonly Resource[], types: ReadonlySet<string>): Resource[] {
  return resources.filter(
    (one) => types.has(one.type) && one.refersTo("bucket", one.props["bucket"]).some((to) => to === bucket),
  );
}

/** Every bucket that lacks a setting which is as it should be. */
function bucketsWithout(
  resources: readonly Resource[],
  types: ReadonlySet<string>,
  isGood: (setting: Resource) => boolean,
) {
  return resources
    .filter(({ type }) => BUCKETS.has(type))
    .filter((bucket) => !settingsOf(bucket, resources, types).some(isGood))
    .map((resource): Finding & { resource: Resource } => ({ resource, path: "", value: undefined }));
}

const ENCRYPTION = versions("BucketServerSideEncryptionConfiguration");

const bucketsAreEncrypted: Rule = {
  name: "bucket-is-encrypted",
  must: "a bucket must come with a BucketServerSideEncryptionConfiguration",
  why: "A model can be worth more than the machines, and the bucket's setting applies to every object in it.",
  remedy: "Add one whose rule has an `applyServerSideEncryptionByDefault` of AES256 or aws:kms.",
  checkStack: (resources) =>
    bucketsWithout(resources, ENCRYPTION, ({ props }) => elements(props["rules"]).some(encrypts)),
};

function encrypts(rule: unknown): boolean {
  const algorithm = at(rule, "applyServerSideEncryptionByDefault.sseAlgorithm");
  return algorithm === UNKNOWN || /^(AES256|aws:kms(:dsse)?)$/.test(String(algorithm));
}

const BLOCKS = ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"] as const;

const bucketsArePrivate: Rule = {
  name: "bucket-is-private",
  must: "a bucket must come with a BucketPublicAccessBlock whose four switches are on, and no access list may be public",
  why: "One careless policy must not publish the model on the Internet.",
  remedy: `Add one with ${BLOCKS.map((name) => `\`${name}: true\``).join(", ")}.`,
  check: ({ type, props }) =>
    type === aws("s3", "BucketAcl") || BUCKETS.has(type)
      ? ["public-read", "public-read-write", "authenticated-read"]
          .filter((acl) => props["acl"] === acl)
          .map((value) => ({ path: "acl", value }))
      : [],
  checkStack: (resources) =>
    bucketsWithout(resources, versions("BucketPublicAccessBlock"), ({ props }) =>
      BLOCKS.every((name) => is(props[name], true)),
    ),
};

const bucketsWantTls: Rule = {
  name: "bucket-wants-tls",
  must: "a bucket must come with a BucketPolicy that denies everything without TLS",
  why: "S3 answers plain HTTP as well.",
  remedy:
    'Add a statement with Effect Deny, Principal "*", Action "s3:*", the bucket and its objects, and the condition Bool aws:SecureTransport "false".',
  checkStack: (resources) =>
    bucketsWithout(resources, versions("BucketPolicy"), ({ props }) =>
      // A preview knows no text that the bucket's own name is part of.
      props["policy"] === UNKNOWN ? true : statementsOf(props["policy"]).some(deniesPlainHttp),
    ),
};

function deniesPlainHttp(statement: Record<string, unknown>): boolean {
  const isEverybody = JSON.stringify(statement["Principal"]) === '{"AWS":"*"}' || statement["Principal"] === "*";
  const actions = [statement["Action"]].flat();
  const condition = statement["Condition"] as Record<string, Record<string, unknown>> | undefined;
  const transport = [condition?.["Bool"]?.["aws:SecureTransport"]].flat().map(String);
  const isEverything = actions.includes("s3:*") && [statement["Resource"]].flat().length >= 2;
  return statement["Effect"] === "Deny" && isEverybody && isEverything && transport.includes("false");
}

const PARAMETER = aws("ssm", "Parameter");
const SECRET_NAME = /key|token|secret|password|credential/i;

const keysAreSecureStrings: Rule = {
  name: "key-is-a-secure-string",
  must: "a parameter that holds a key must be a SecureString",
  why: "Everyone who may read parameters sees a String in plain text.",
  remedy: 'Write `type: "SecureString"`.',
  check: (resource) => {
    const { type, props } = resource;
    if (type !== PARAMETER || is(props["type"], "SecureString")) return [];
    const isKey = roleOf(resource) === "key" || SECRET_NAME.test(String(props["name"] ?? ""));
    return isKey ? [{ path: "type", value: props["type"] }] : [];
  },
};

const REPOSITORY = aws("ecr", "Repository");
/** Layers that speed up builds: the builder writes them again under the same tag, and nobody runs them. */
const isCache = (resource: Resource) => /^(registry-)?cache$/.test(roleOf(resource) ?? "");

const tagsStay: Rule = {
  name: "image-tags-stay",
  must: "an image repository must have immutable tags, unless its role is cache",
  why: "A tag must keep naming the image that was reviewed.",
  remedy: 'Write `imageTagMutability: "IMMUTABLE"`.',
  check: (resource) => {
    const value = resource.props["imageTagMutability"];
    if (resource.type !== REPOSITORY || isCache(resource) || is(value, "IMMUTABLE")) return [];
    return [{ path: "imageTagMutability", value }];
  },
};

const imagesAreScanned: Rule = {
  name: "images-are-scanned",
  must: "an image repository must scan images on push, unless its role is cache",
  why: "Vulnerabilities of a base image are found after it was built.",
  remedy: "Write `imageScanningConfiguration: { scanOnPush: true }`.",
  check: (resource) => {
    const path = "imageScanningConfiguration.scanOnPush";
    const value = at(resource.props, path);
    return resource.type !== REPOSITORY || isCache(resource) || is(value, true) ? [] : [{ path, value }];
  },
};

/** The rules of this file. */
export const storageRules: readonly Rule[] = [
  bucketsAreEncrypted,
  bucketsArePrivate,
  bucketsWantTls,
  keysAreSecureStrings,
  tagsStay,
  imagesAreScanned,
];
