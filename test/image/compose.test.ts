import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { Container, removeEverything } from "./containers.ts";
import { BUILD_TIMEOUT_MS, buildImages, images, root } from "./images.ts";

beforeAll(buildImages, BUILD_TIMEOUT_MS);
afterAll(removeEverything);

/** What these tests look at in a Compose file. */
interface Service {
  build: { dockerfile: string; target: string; args: Record<string, string> };
  image: string;
  environment: Record<string, string>;
  networks: string[];
  ports?: string[];
  profiles?: string[];
  read_only: boolean;
  cap_drop: string[];
  security_opt: string[];
  restart: string;
  mem_limit: string;
  memswap_limit: string;
  pids_limit: number;
}

const file = join(root, "images", "compose.yaml");
const compose = parse(readFileSync(file, "utf8"), { merge: true }) as {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean }>;
};
const services = Object.entries(compose.services);

describe("images/compose.yaml", () => {
  test("has a front, a CPU backend, and a CUDA backend that only its profile starts", () => {
    expect(services.map(([name]) => name)).toEqual(["main", "backend-cpu", "backend-cuda"]);
    expect(compose.services["backend-cuda"]?.profiles).toEqual(["cuda"]);
  });

  test.each(services)(
    "%s has a read-only root, no capabilities, no way to new ones, and bounds on memory and processes",
    (_name, service) => {
      expect(service.read_only).toBe(true);
      expect(service.cap_drop).toEqual(["ALL"]);
      expect(service.security_opt).toContain("no-new-privileges:true");
      expect(service.restart).toBe("unless-stopped");
      expect(service.mem_limit).toMatch(/^\$\{LLAMA_[A-Z_]+:-\d+\}m$/);
      expect(service.memswap_limit, "no swap").toBe(service.mem_limit);
      expect(service.pids_limit).toBe(1024);
    },
  );

  test("backends are on the internal network alone, and the front is published on the loopback address", () => {
    expect(compose.networks["rpc"]?.internal).toBe(true);
    for (const [name, service] of services.filter(([name]) => name.startsWith("backend"))) {
      expect(service.networks, name).toEqual(["rpc"]);
      expect(service.ports, name).toBeUndefined();
    }
    expect(compose.services["main"]?.ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:/)]);
  });

  test("builds the same llama.cpp as the Dockerfiles, in stages that they have", () => {
    for (const [name, { build }] of services) {
      const dockerfile = readFileSync(join(root, "images", build.dockerfile), "utf8");
      expect(dockerfile, name).toMatch(new RegExp(`^FROM .* AS ${build.target}$`, "m"));
      for (const [argument, value] of Object.entries(build.args)) {
        const fallback = /:-(.*)\}$/.exec(value)?.[1];
        expect(dockerfile, `${name}: ${argument}`).toContain(`ARG ${argument}=${fallback}\n`);
      }
    }
  });

  test("sets no variable that the images do not know", async () => {
    for (const [name, { environment }] of services) {
      const env = Object.fromEntries(Object.keys(environment).map((key) => [key, ""]));
      const container = await Container.start({ image: images.server, env: { ...env, APP_MODE: "none" } });
      const log = await container.logged(/APP_MODE=none: idle/);
      await container.remove();
      expect(log, name).not.toMatch(/is no variable of this image/);
    }
  });
});
