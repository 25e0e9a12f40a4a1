import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { unreachable, whyNoAnswer } from "../../setup/probe.ts";

const failed = (code: string) =>
  new TypeError("fetch failed", { cause: Object.assign(new Error(`why: ${code}`), { code }) });

describe("a server that does not answer", () => {
  test.each([
    ["ENOTFOUND", "example.org can't be resolved by DNS (ENOTFOUND)"],
    ["EAI_AGAIN", "example.org can't be resolved by DNS (EAI_AGAIN)"],
    ["ECONNREFUSED", "example.org can't be reached (ECONNREFUSED)"],
    ["SELF_SIGNED_CERT_IN_CHAIN", /^the TLS certificate of example\.org is not trusted .*NODE_EXTRA_CA_CERTS$/],
    ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", /^the TLS certificate of example\.org is not trusted/],
    ["ERR_TLS_CERT_ALTNAME_INVALID", /^the TLS certificate of example\.org is not trusted/],
  ])("is told with the reason %s", (code, text) => {
    const reason = whyNoAnswer("example.org", failed(code), {});
    if (typeof text === "string") expect(reason).toBe(text);
    else expect(reason).toMatch(text);
  });

  test("within the limit is told with the limit", () => {
    const timeout = new DOMException("The operation was aborted due to timeout", "TimeoutError");
    expect(whyNoAnswer("example.org", timeout, {})).toBe("example.org does not answer within 2.5 s");
  });

  test("is told with the proxy that Node does not use", () => {
    const ignored = whyNoAnswer("example.org", failed("ENOTFOUND"), { HTTPS_PROXY: "http://proxy:3128" });
    expect(ignored).toContain("; HTTPS_PROXY is set, but Node uses it only if NODE_USE_ENV_PROXY=1 is set too");
    const used = { HTTPS_PROXY: "http://proxy:3128", NODE_USE_ENV_PROXY: "1" };
    expect(whyNoAnswer("example.org", failed("ENOTFOUND"), used)).not.toContain("PROXY");
  });
});

test("a server is asked once, and its status is told unless it is a welcome", async () => {
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    response.writeHead(request.url === "/v2/" ? 401 : 503).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  expect(await unreachable(`${url}/v2/`)).toBeNull();
  expect(await unreachable(`${url}/other`)).toBe(`127.0.0.1:${port} answers with status 503`);
  await unreachable(`${url}/other`);
  expect(asked).toBe(2);
  server.close();
  server.closeAllConnections();
  expect(await unreachable(`${url}/closed`)).toBe(`127.0.0.1:${port} can't be reached (ECONNREFUSED)`);
});
