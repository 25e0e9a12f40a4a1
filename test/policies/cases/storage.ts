import { afterwards, aws, type Case, casesOf, type Inputs, ref, tags } from "./case.ts";

const bucket = aws("s3/bucket:Bucket", "models", { tags: tags("model") });
const setting = (kind: string, inputs: Inputs) =>
  aws(`s3/${kind.charAt(0).toLowerCase()}${kind.slice(1)}:${kind}`, "setting", {
    bucket: ref("Bucket", "models"),
    ...inputs,
  });
const encryption = (inputs: Inputs) => setting("BucketServerSideEncryptionConfiguration", inputs);
const by = (sseAlgorithm: string) => [{ applyServerSideEncryptionByDefault: { sseAlgorithm } }];

const encrypted = casesOf("bucket-is-encrypted", [
  ["it is, with S3's key", [bucket, encryption({ rules: by("AES256") })]],
  ["it is, with a key of KMS", [bucket, encryption({ rules: by("aws:kms") })]],
  ["nothing says so", [bucket], ["models "]],
  ["another bucket is", [bucket, encryption({ bucket: "somebody-elses", rules: by("AES256") })], ["models "]],
  ["the setting has no rule", [bucket, encryption({ rules: [] })], ["models "]],
]);

const BLOCKED = { blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true };

const closed = casesOf("bucket-is-private", [
  ["all four switches are on", [bucket, setting("BucketPublicAccessBlock", BLOCKED)]],
  ["there is no block", [bucket], ["models "]],
  [
    "one switch is off",
    [bucket, setting("BucketPublicAccessBlock", { ...BLOCKED, restrictPublicBuckets: false })],
    ["models "],
  ],
  [
    "an access list is public",
    [
      bucket,
      setting("BucketPublicAccessBlock", BLOCKED),
      { ...setting("BucketAcl", { acl: "public-read" }), name: "acl" },
    ],
    ["acl acl"],
  ],
]);

const TLS_ONLY = {
  Effect: "Deny",
  Principal: "*",
  Action: "s3:*",
  Resource: [ref("Bucket", "models", "arn"), `${ref("Bucket", "models", "arn")}/*`],
  Condition: { Bool: { "aws:SecureTransport": "false" } },
};
const policy = (statement: Inputs) => setting("BucketPolicy", { policy: JSON.stringify({ Statement: [statement] }) });

const tls = [
  ...casesOf("bucket-wants-tls", [
    ["it denies plain HTTP", [bucket, policy(TLS_ONLY)]],
    ["it has no policy", [bucket], ["models "]],
  ]),
  ...afterwards(
    casesOf("bucket-wants-tls", [
      ["only its objects want it", [bucket, policy({ ...TLS_ONLY, Resource: `${TLS_ONLY.Resource[1]}` })], ["models "]],
      ["only reading wants it", [bucket, policy({ ...TLS_ONLY, Action: "s3:GetObject" })], ["models "]],
      ["it allows what it should deny", [bucket, policy({ ...TLS_ONLY, Effect: "Allow" })], ["models "]],
      ["the condition is turned round", [bucket, policy({ ...TLS_ONLY, Condition: {} })], ["models "]],
    ]),
  ),
];

const parameter = (inputs: Inputs) => aws("ssm/parameter:Parameter", "parameter", inputs);

const keys = casesOf("key-is-a-secure-string", [
  ["it is", [parameter({ name: "/llama-rpc-cluster/test/api-key", type: "SecureString", tags: tags("key") })]],
  ["a machine's state is plain text", [parameter({ name: "/llama-rpc-cluster/test/status/front", type: "String" })]],
  ["its role is key", [parameter({ name: "/x", type: "String", tags: tags("key") })], ["parameter type"]],
  ["its name says so", [parameter({ name: "/llama-rpc-cluster/test/api-key", type: "String" })], ["parameter type"]],
]);

const repository = (inputs: Inputs) => aws("ecr/repository:Repository", "repository", inputs);
const GOOD = { imageTagMutability: "IMMUTABLE", imageScanningConfiguration: { scanOnPush: true } };

const immutable = casesOf("image-tags-stay", [
  ["they do", [repository(GOOD)]],
  ["the cache's may change", [repository({ imageTagMutability: "MUTABLE", tags: tags("registry-cache") })]],
  ["they may change", [repository({ ...GOOD, imageTagMutability: "MUTABLE" })], ["repository imageTagMutability"]],
  ["nothing is said", [repository({ tags: tags("registry") })], ["repository imageTagMutability"]],
]);

const scanned = casesOf("images-are-scanned", [
  ["they are", [repository(GOOD)]],
  ["the cache is not", [repository({ tags: tags("registry-cache") })]],
  [
    "they are not",
    [repository({ ...GOOD, imageScanningConfiguration: { scanOnPush: false } })],
    ["repository imageScanningConfiguration.scanOnPush"],
  ],
  ["nothing is said", [repository({})], ["repository imageScanningConfiguration.scanOnPush"]],
]);

export const storageCases: readonly Case[] = [...encrypted, ...closed, ...tls, ...keys, ...immutable, ...scanned];
