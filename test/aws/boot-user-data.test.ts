import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { execa } from "execa";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { NodeBoot } from "../../components/aws/boot/node-boot.ts";
import { bootScripts, withoutComments } from "../../components/aws/boot/scripts.ts";
import { MOST_USER_DATA_BYTES, renderUserData } from "../../components/aws/boot/user-data.ts";
import { root } from "../image/images.ts";
import { type AwsTestTools, ensureAwsTestTools } from "../support/test-tools.ts";
import { backendNode, eightGpus, frontNode } from "./support/boot-nodes.ts";

interface CloudConfig {
  write_files: { path: string; permissions: string; content: string }[];
  runcmd: string[][];
}

const stopping = { stopAfterIdleMinutes: 30, stopAfterHours: 8 };
const machines: [string, NodeBoot][] = [
  ["a backend's machine", backendNode()],
  ["a machine with eight GPUs", eightGpus()],
  ["the front's machine", frontNode({}, stopping)],
];

const filesOf = (node: NodeBoot) => (parse(renderUserData(node)) as CloudConfig).write_files;

function contentOf(node: NodeBoot, path: string): string {
  const file = filesOf(node).find((one) => one.path === path);
  if (file === undefined) throw new Error(`the user data writes no ${path}`);
  return file.content;
}

let folder = "";
let tools: AwsTestTools;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "llama-rpc-boot-"));
  tools = await ensureAwsTestTools(root);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(machines)("the user data of %s", (_, node) => {
  test("passes cloud-init's own schema", async (context) => {
    const program = tools.cloudInit ?? context.skip(tools.reasons.cloudInit ?? "no cloud-init");
    const file = join(folder, "user-data.yaml");
    await writeFile(file, renderUserData(node));
    const result = await execa(program, ["schema", "--config-file", file], { reject: false, all: true });
    expect(result.exitCode, `${result.all}\n${renderUserData(node)}`).toBe(0);
    expect(result.all).toContain("Valid");
  });

  test("writes units that systemd understands", async (context) => {
    const program = tools.systemdAnalyze ?? context.skip(tools.reasons.systemdAnalyze ?? "no systemd-analyze");
    const units = join(folder, "units");
    await rm(units, { recursive: true, force: true });
    await mkdir(units);
    const instances = (parse(renderUserData(node)) as CloudConfig).runcmd
      .flat()
      .filter((word) => /\.(service|timer)$/.test(word));
    expect(instances.length).toBeGreaterThanOrEqual(node.containers.length);
    for (const { path, permissions, content } of filesOf(node)) {
      // Beside the unit, because what it starts must be there to be verified.
      const text = content.replaceAll("/usr/local/sbin", units);
      await writeFile(join(units, basename(path)), text);
      await chmod(join(units, basename(path)), Number.parseInt(permissions, 8));
      const named = instances.filter(
        (instance) => basename(path).includes("@.") && instance.startsWith("llama-rpc-node@"),
      );
      for (const instance of named) await writeFile(join(units, instance), text);
    }
    const files = instances.map((instance) => join(units, instance));
    const result = await execa(program, ["verify", "--man=no", ...files], { reject: false, all: true });
    expect(result.all, "systemd-analyze verify has to be silent").toBe("");
    expect(result.exitCode).toBe(0);
  });

  test("is far below what EC2 takes", () => {
    expect(Buffer.byteLength(renderUserData(node))).toBeLessThan(10 * 1024);
  });

  test("holds every byte of the files and scripts by their hash alone", () => {
    const configuration = contentOf(node, "/etc/llama-rpc-cluster/node.conf");
    expect(configuration).toContain(`'node.sh ${bootScripts.node.sha256}'`);
    expect(configuration.includes(bootScripts.front.sha256)).toBe(node.front !== null);
    expect(configuration.includes(bootScripts.stop.sha256)).toBe(node.stopAfterHours !== null);
    const program = contentOf(node, "/usr/local/sbin/llama-rpc-boot");
    expect(program.startsWith("#!/bin/bash\nset -uo pipefail\n")).toBe(true);
  });
});

test("user data is the same for the same boot, in whatever order its environment was written", () => {
  const node = frontNode();
  const [container] = node.containers;
  const reversed = Object.fromEntries(Object.entries(container?.environment ?? {}).reverse());
  expect(renderUserData(frontNode({ environment: reversed }))).toBe(renderUserData(node));
});

test("user data changes when what runs changes", () => {
  const before = renderUserData(frontNode());
  const image = `registry.example/llama@sha256:${"1".repeat(64)}`;
  for (const after of [
    frontNode({ image }),
    frontNode({ memoryBytes: 2 ** 32 }),
    frontNode({ arguments: ["--mlock"] }),
    frontNode({ environment: { APP_MODE: "server" } }),
    frontNode({}, stopping),
  ])
    expect(renderUserData(after)).not.toBe(before);
});

test("a comment in a script changes nothing, a command does", () => {
  const script = "#!/bin/bash\n# one\necho a\n\n  # two\necho '# b'\n";
  expect(withoutComments(script)).toBe("#!/bin/bash\necho a\necho '# b'\n");
});

test("a name that systemd or the shell would read otherwise is refused", () => {
  expect(() => renderUserData(backendNode({ name: "gpu 0; reboot" }))).toThrow(/'gpu 0; reboot'.*lower-case/);
});

test("a character that YAML can't hold is refused", () => {
  expect(() => renderUserData(backendNode({ arguments: ["a\u0007b"] }))).toThrow(/cpu-machine-1.*control character/);
});

test(`more than ${MOST_USER_DATA_BYTES} bytes are refused with what to shorten`, () => {
  expect(() => renderUserData(backendNode({ arguments: ["x".repeat(MOST_USER_DATA_BYTES)] }))).toThrow(
    /cpu-machine-1: \d+ bytes.*16384; shorten/,
  );
});

test("whatever stands in the environment and the arguments, the machine's shell reads it back as it was", async () => {
  const awkward = fc.constantFrom("'", '"', "\\", "$", "`", "\n", " ", "#", "!", "-", ":", "{", "%", "a");
  const text = fc.oneof(
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }),
    fc.string({ unit: awkward, minLength: 1, maxLength: 20 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(text, { maxLength: 4 }), async (values) => {
      const node = backendNode({
        arguments: values,
        environment: Object.fromEntries(values.map((value, n) => [`V${n}`, value])),
      });
      const file = join(folder, "container.conf");
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, contentOf(node, "/etc/llama-rpc-cluster/cpu-0.conf"));
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
      const script = 'source "$1"; printf "%s\\0" "${ARGUMENTS[@]}" "${ENVIRONMENT[@]}"';
      const { stdout } = await execa("bash", ["-uc", script, "bash", file], { stripFinalNewline: false });
      const expected = [...values, ...values.map((value, n) => `V${n}=${value}`)];
      expect(stdout).toBe(expected.length === 0 ? "\0" : expected.map((value) => `${value}\0`).join(""));
    }),
    { numRuns: 40 },
  );
});
