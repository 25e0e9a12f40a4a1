import { chmodSync, cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Container, docker, removeEverything, runToEnd } from "./containers.ts";
import { BUILD_TIMEOUT_MS, buildArguments, buildImages, images, type Role, root } from "./images.ts";

beforeAll(buildImages, BUILD_TIMEOUT_MS);
afterAll(removeEverything);

const roles = Object.keys(images) as Role[];

/** Output of a shell script in an image, as root or as its own user. */
async function inside(role: Role, script: string, options: string[] = []): Promise<string> {
  const ended = await runToEnd({ image: images[role], args: ["bash", "-c", script], options });
  expect(ended.exitCode, ended.output).toBe(0);
  return ended.output;
}

const config = async (role: Role, format: string): Promise<unknown> =>
  JSON.parse(await docker(["image", "inspect", "--format", `{{json ${format}}}`, images[role]]));

async function labels(role: Role): Promise<Record<string, string>> {
  return (await config(role, ".Config.Labels")) as Record<string, string>;
}

describe.each(roles)("the image of role %s", (role) => {
  test("carries the labels that the source itself confirms", async () => {
    const facts = Object.fromEntries(
      (await inside(role, "cat /app/build-info")).split("\n").map((line) => line.split("=") as [string, string]),
    );
    const found = await labels(role);
    expect(found["llama-rpc-cluster/llamacpp-commit"]).toBe(facts["LLAMACPP_COMMIT"]);
    expect(found["llama-rpc-cluster/rpc-protocol"]).toBe(facts["RPC_PROTOCOL"]);
    expect(found["llama-rpc-cluster/ggml-version"]).toBe(facts["GGML_VERSION"]);
    expect(found["org.opencontainers.image.revision"]).toBe(facts["LLAMACPP_COMMIT"]);
    expect(found["org.opencontainers.image.title"]).toContain(role);
    expect(found["org.opencontainers.image.description"]).toBeTruthy();
    expect(found["org.opencontainers.image.licenses"]).toBe("MIT");
  });

  test("runs as uid and gid 10001, which own /cache and /models and no program", async () => {
    expect(await inside(role, "id -u; id -g; id -un")).toBe("10001\n10001\nllama");
    expect(await inside(role, "stat -c %u:%g /cache /models")).toBe("10001:10001\n10001:10001");
    expect(await inside(role, "find /app ! -uid 0")).toBe("");
    expect(await inside(role, "find /app -writable -type f")).toBe("");
    expect(await inside(role, "readlink /app/models")).toBe("/models");
  });

  test("holds no compiler, no package lists, no sources", async () => {
    const names = "gcc g++ cc c++ clang make cmake ninja git ccache nvcc ld as";
    expect(await inside(role, `for n in ${names}; do command -v $n; done; true`)).toBe("");
    const asRoot = ["--user", "0"];
    const traces =
      "find /var/lib/apt/lists -type f ! -name lock; find / -xdev -name '*.h'; ls -d /llama.cpp /build /out";
    expect(await inside(role, `{ ${traces}; } 2>/dev/null; true`, asRoot)).toBe("");
  });

  test("is stopped by SIGTERM, has tini in front and a health check", async () => {
    expect(await config(role, ".Config.StopSignal")).toBe("SIGTERM");
    expect(await config(role, ".Config.Entrypoint")).toEqual(["/usr/bin/tini", "--", "/app/entrypoint.sh"]);
    expect(await config(role, ".Config.Healthcheck.Test")).toEqual(["CMD", "/app/healthcheck.sh"]);
    expect(await config(role, ".Config.User")).toBe("10001:10001");
  });

  test("finds every library that its programs are linked with", async () => {
    const script =
      "for f in /app/*; do [ -f $f ] && ldd $f 2>/dev/null | grep 'not found' && echo \"  in $f\"; done; true";
    expect(await inside(role, script), "copy the library in images/build/arrange.sh").toBe("");
  });

  test("lets a container run another program of the image or of the system", async () => {
    expect((await runToEnd({ image: images[role], args: ["rpc-server", "--help"] })).output).toMatch(/--cache/);
    expect((await runToEnd({ image: images[role], args: ["/bin/echo", "a b", "*"] })).output).toBe("a b *");
    expect((await runToEnd({ image: images[role], args: ["bash", "-c", "exit 7"] })).exitCode).toBe(7);
  });
});

test("the backend's image has the RPC server alone", async () => {
  expect(await inside("backend", "cd /app; ls | grep -v '\\.so' | sort | tr '\\n' ' '")).toBe(
    "build-info entrypoint.sh ggml-rpc-server healthcheck.sh models rpc-server runtime ",
  );
});

test("an image from a clone made under umask 077 works as well", async () => {
  const context = mkdtempSync(join(tmpdir(), "llama-rpc-cluster-umask-"));
  const tag = `${images.backend}:umask`;
  try {
    cpSync(join(root, "images"), context, { recursive: true });
    // Only what the last stage takes: other modes of the compiler's scripts would compile all anew.
    for (const script of ["entrypoint.sh", "healthcheck.sh"]) chmodSync(join(context, script), 0o700);
    for (const script of readdirSync(join(context, "runtime"))) chmodSync(join(context, "runtime", script), 0o600);
    chmodSync(join(context, "runtime"), 0o700);
    await docker([...(await buildArguments("cpu.Dockerfile")), "--target", "backend", "--tag", tag, context]);
    const modes = await runToEnd({
      image: tag,
      args: ["bash", "-c", "cd /app; stat -c '%a %n' . *.sh runtime runtime/*"],
    });
    for (const line of modes.output.split("\n")) {
      expect(line).toMatch(/^755 (\.|entrypoint\.sh|healthcheck\.sh|runtime)$|^644 runtime\/[a-z]+\.sh$/);
    }
    const container = await Container.start({ image: tag });
    await container.logged(/transport\s+: TCP/);
    expect((await container.exec("/app/healthcheck.sh")).output).toBe("listening on port 50052");
    await container.remove();
  } finally {
    rmSync(context, { recursive: true });
    await docker(["image", "rm", "--force", tag]).catch(() => undefined);
  }
}, 600_000);

test("the server's image has every program, and they know their commit", async () => {
  const programs = ["llama-server", "llama-cli", "llama-embedding", "llama-bench", "ggml-rpc-server", "rpc-server"];
  expect(await inside("server", `cd /app; ls ${programs.join(" ")} | wc -l`)).toBe(String(programs.length));
  const commit = (await labels("server"))["llama-rpc-cluster/llamacpp-commit"];
  expect((await runToEnd({ image: images.server, args: ["--version"] })).output).toContain(commit);
});

test("every variant of the CPU code for this architecture is there", async () => {
  const variants = Number(await inside("backend", "ls /app/libggml-cpu-*.so | wc -l"));
  expect(variants, "GGML_CPU_ALL_VARIANTS is on for amd64 and arm64").toBeGreaterThanOrEqual(8);
});

test.each([
  ["backend", 150],
  ["server", 300],
] as const)("the image of role %s is at most %i MB above its base, uncompressed", async (role, most) => {
  // The layers that the base has are the first ones; what comes after them is ours.
  const base = Number(await docker(["image", "inspect", "--format", "{{.Size}}", "debian:trixie-slim"]));
  const size = Number(await docker(["image", "inspect", "--format", "{{.Size}}", images[role]]));
  expect((size - base) / 1e6).toBeLessThanOrEqual(most);
});
