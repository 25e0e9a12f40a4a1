import { gzipSync } from "node:zlib";
import { aws, type Case, casesOf, type Inputs } from "./case.ts";

const DIGEST = `sha256:${"a1".repeat(32)}`;
const ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com/llama-rpc-cluster/dev/cuda";
const container = (inputs: Inputs) => ({ type: "docker:index/container:Container", name: "container", inputs });
const machine = (userData: string) => aws("ec2/instance:Instance", "machine", { userData });
const packed = (text: string) => gzipSync(text).toString("base64");

const digests = casesOf("images-by-digest", [
  ["a container runs an image's id", [container({ image: DIGEST })]],
  ["a container runs a digest", [container({ image: `ghcr.io/owner/name:tag@${DIGEST}` })]],
  ["user data pulls a digest", [machine(`#cloud-config\nIMAGE=${ECR}@${DIGEST}\n`)]],
  ["user data says nothing of images", [machine("#cloud-config\nwrite_files:\n- path: /etc/hosts.d/a.b/c\n")]],
  [
    "an image that the stack builds is followed by its digest",
    [{ type: "docker:index/remoteImage:RemoteImage", name: "image", inputs: { name: "a:b", pullTriggers: [DIGEST] } }],
  ],
  ["a container runs a tag", [container({ image: "llama:latest" })], ["container image"]],
  [
    "an image is pulled by a tag",
    [{ type: "docker:index/remoteImage:RemoteImage", name: "image", inputs: { name: "ghcr.io/owner/name:tag" } }],
    ["image name"],
  ],
  ["user data pulls a tag of ECR", [machine(`IMAGE=${ECR}:v1`)], ["machine userData"]],
  ["user data pulls no tag at all", [machine(`docker run --rm ${ECR} -c`)], ["machine userData"]],
  [
    "user data pulls a tag of another registry",
    [machine("docker run ghcr.io/ggml-org/llama.cpp:server")],
    ["machine userData"],
  ],
  ["user data pulls from Docker Hub", [machine("docker pull ollama/ollama")], ["machine userData"]],
  ["user data names an image without a registry", [machine("IMAGE=llama:latest")], ["machine userData"]],
  ["a digest is cut off", [machine(`IMAGE=${ECR}@sha256:a1a1`)], ["machine userData"]],
  [
    "packed user data pulls a tag",
    [aws("ec2/launchTemplate:LaunchTemplate", "template", { userData: packed(`IMAGE=${ECR}:v1`) })],
    ["template userData"],
  ],
]);

// Built from parts, so that nobody's scanner takes them for real ones.
const ACCESS_KEY = ["AKIA", "IOSFODNN7EXAMPLE"].join("");
const TOKEN = ["hf_", "a".repeat(34)].join("");
const PRIVATE_KEY = ["-----BEGIN ", "OPENSSH PRIVATE KEY-----"].join("");
const KEY = "s3cr3t-of-the-api-0123456789";

const secrets = casesOf("no-secret-in-plain-sight", [
  [
    "the key's file is named",
    [
      container({
        envs: ["LLAMA_ARG_API_KEY_FILE=/run/secrets/api-key"],
        command: ["--api-key-file", "/run/secrets/k"],
      }),
      machine("KEY_PARAMETER=/llama-rpc-cluster/dev/api-key\nexec server --api-key-file /run/secrets/api-key\n"),
    ],
  ],
  [
    "a SecureString holds the stack's key",
    [
      { type: "pulumi:index:Stash", name: "key", inputs: { input: KEY } },
      aws("ssm/parameter:Parameter", "key", { name: "/x/api-key", type: "SecureString", value: KEY }),
    ],
  ],
  [
    "the SDK marks what a machine says of itself",
    [aws("ssm/parameter:Parameter", "status", { name: "/x/status/front", type: "String", value: "<secret>" })],
  ],
  ["a file that is carried over holds a secret", [container({ uploads: "<secret>" })]],
  ["user data holds an access key", [machine(`#cloud-config\nkey: ${ACCESS_KEY}\n`)], ["machine userData"]],
  [
    "packed user data holds a token",
    [aws("ec2/instance:Instance", "machine", { userDataBase64: packed(`curl -H "${TOKEN}"`) })],
    ["machine userDataBase64"],
  ],
  ["user data holds a private key", [machine(PRIVATE_KEY)], ["machine userData"]],
  ["an environment holds a password", [container({ envs: ["DB_NAME=x", "password=hunter22"] })], ["container envs[1]"]],
  ["an environment holds the API key", [container({ envs: ["LLAMA_API_KEY=abcdef"] })], ["container envs[0]"]],
  ["a command line holds the API key", [container({ command: ["--api-key abcdef"] })], ["container command[0]"]],
  ["an environment is a secret", [container({ envs: "<secret>" })], ["container envs"]],
  [
    "a parameter in plain text holds a token",
    [aws("ssm/parameter:Parameter", "plain", { name: "/x/y", type: "String", value: TOKEN })],
    ["plain value"],
  ],
  [
    "a build job's environment holds a token",
    [
      aws("codebuild/project:Project", "job", {
        environment: { environmentVariables: [{ name: "TOKEN", value: TOKEN, type: "PLAINTEXT" }] },
      }),
    ],
    ["job environment.environmentVariables[0].value"],
  ],
  [
    "user data holds the stack's own key",
    [{ type: "pulumi:index:Stash", name: "key", inputs: { input: KEY } }, machine(`#cloud-config\nkey: ${KEY}\n`)],
    ["machine userData"],
  ],
  [
    "an environment holds what a SecureString holds",
    [
      aws("ssm/parameter:Parameter", "key", { name: "/x/api-key", type: "SecureString", value: KEY }),
      container({ envs: [`ANYTHING=${KEY}`] }),
    ],
    ["container envs[0]"],
  ],
]);

export const contentCases: readonly Case[] = [...digests, ...secrets];
