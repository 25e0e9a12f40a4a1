/** A machine's user data as cloud-config: its configuration, the program that fetches its scripts, and its systemd units. */

import { asYaml } from "../../../aws/yaml.ts";
import type { ContainerBoot, NodeBoot } from "./node-boot.ts";
import { type BootScript, bootFile, bootScripts, withoutComments } from "./scripts.ts";

/** EC2's limit for user data before base64, in bytes. */
export const MOST_USER_DATA_BYTES = 16_384;

const CONFIGURATION = "/etc/llama-rpc-cluster";
const UNITS = "/etc/systemd/system";

interface File {
  path: string;
  permissions: string;
  content: string;
}

/**
 * Renders the user data of a machine: plain text without secrets. The same configuration gives the same text.
 * @returns `#cloud-config …`, at most 16 KiB
 * @throws Error on an invalid name, on a control character, and on more than 16 KiB
 */
export function renderUserData(node: NodeBoot): string {
  for (const { name } of node.containers) {
    if (!/^[a-z0-9][a-z0-9-]*$/.test(name))
      throw new Error(
        `Container '${name}' of machine ${node.machine}: a name is lower-case letters, digits and dashes.`,
      );
  }
  const files = filesOf(node);
  const text = [
    "#cloud-config",
    `# ${node.stack}: ${node.machine}. Written by llama-rpc-cluster; a change replaces the machine.`,
    asYaml({
      write_files: files,
      runcmd: [
        ["systemctl", "daemon-reload"],
        ["systemctl", "enable", "--now", "--no-block", ...unitsOf(node)],
      ],
    }),
  ].join("\n");
  // YAML would escape it, and the shell would then read the escape.
  if (files.some(({ content }) => /[^\P{Cc}\n]/u.test(content)))
    throw new Error(
      `User data of machine ${node.machine}: a control character in a name, value or argument; remove it.`,
    );
  const bytes = Buffer.byteLength(text);
  if (bytes > MOST_USER_DATA_BYTES)
    throw new Error(
      `User data of machine ${node.machine}: ${bytes} bytes, but EC2 takes ${MOST_USER_DATA_BYTES}; shorten the containers' arguments.`,
    );
  return text;
}

function stopsItself(node: NodeBoot): boolean {
  return node.stopAfterIdleMinutes !== null || node.stopAfterHours !== null;
}

/** The scripts that a machine fetches. */
export function scriptsOf(node: NodeBoot): BootScript[] {
  return [
    bootScripts.node,
    ...(node.front === null ? [] : [bootScripts.front]),
    ...(stopsItself(node) ? [bootScripts.stop] : []),
  ];
}

function unitsOf(node: NodeBoot): string[] {
  const containers = node.containers.map(({ name }) => `llama-rpc-node@${name}.service`);
  return stopsItself(node) ? [...containers, "llama-rpc-stop.timer"] : containers;
}

function filesOf(node: NodeBoot): File[] {
  const units = [
    "llama-rpc-node@.service",
    ...(stopsItself(node) ? ["llama-rpc-stop.service", "llama-rpc-stop.timer"] : []),
  ];
  const files = [
    { path: `${CONFIGURATION}/node.conf`, permissions: "0644", content: nodeConfiguration(node) },
    ...node.containers.map((container) => ({
      path: `${CONFIGURATION}/${container.name}.conf`,
      permissions: "0644",
      content: containerConfiguration(container),
    })),
    {
      path: "/usr/local/sbin/llama-rpc-boot",
      permissions: "0755",
      content: withoutComments(bootFile("fetch.sh")),
    },
    ...units.map((unit) => ({ path: `${UNITS}/${unit}`, permissions: "0644", content: bootFile(unit) })),
  ];
  return files.map(({ content, ...file }) => ({ ...file, content: `${content.trimEnd()}\n` }));
}

function nodeConfiguration(node: NodeBoot): string {
  const { front } = node;
  return [
    assignment("MACHINE", node.machine),
    assignment("AWS_REGION", node.region),
    assignment("STATUS_PARAMETER", node.statusParameter),
    assignment("BUCKET", node.bucket),
    list(
      "SCRIPTS",
      scriptsOf(node).map(({ name, sha256 }) => `${name} ${sha256}`),
    ),
    list(
      "CONTAINERS",
      node.containers.map(({ name }) => name),
    ),
    assignment("INSTANCE_STORE", String(node.instanceStore)),
    ...(stopsItself(node)
      ? [
          assignment("STOP_AFTER_IDLE_MINUTES", String(node.stopAfterIdleMinutes ?? "")),
          assignment("STOP_AFTER_HOURS", String(node.stopAfterHours ?? "")),
        ]
      : []),
    ...(front === null
      ? []
      : [
          assignment("KEY_PARAMETER", front.keyParameter),
          assignment("MODEL_BUCKET", front.model.bucket),
          list("MODEL_KEYS", front.model.keys),
          assignment("MODEL_BYTES", String(front.model.bytes)),
          assignment("STARTUP_SECONDS", String(front.startupSeconds)),
        ]),
  ].join("\n");
}

function containerConfiguration(container: ContainerBoot): string {
  const environment = Object.entries(container.environment).map(([name, value]) => `${name}=${value}`);
  return [
    assignment("ROLE", container.role),
    assignment("IMAGE", container.image),
    assignment("GPUS", container.gpus ?? ""),
    assignment("MEMORY_BYTES", String(Math.floor(container.memoryBytes))),
    list("ENVIRONMENT", environment.sort()),
    list("ARGUMENTS", container.arguments),
  ].join("\n");
}

const assignment = (name: string, value: string): string => `${name}=${shell(value)}`;
const list = (name: string, values: readonly string[]): string => `${name}=(${values.map(shell).join(" ")})`;

/** Quotes a text for the shell. */
function shell(text: string): string {
  return /^[A-Za-z0-9_.,:/=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
