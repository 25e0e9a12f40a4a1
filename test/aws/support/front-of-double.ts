/** A server in front of the double of AWS: sees every request, and can hold one up, break it off, or answer it itself. */

import { request as ask, createServer, type IncomingMessage, type ServerResponse } from "node:http";

/** A request as it came. */
export interface Seen {
  method: string;
  /** Path and query. */
  path: string;
  /** Operation of the JSON protocols: `CodeBuild_20161006.StartBuild`; empty with S3. */
  target: string;
  body: Buffer;
}

/** What to do with a request; nothing: pass it on. */
export type Intervention = (
  seen: Seen,
  response: ServerResponse,
) => "handled" | undefined | Promise<"handled" | undefined>;

export interface FrontOfDouble {
  endpoint: string;
  /** Requests that were answered. */
  seen: Seen[];
  /** May be changed at any time. */
  intervene: Intervention;
  /** Passes a request on and gives the answer's text. */
  forward(seen: Seen, headers: Record<string, string>): Promise<string>;
  close(): Promise<void>;
}

/** @param target address of the double */
export async function frontOfDouble(target: string): Promise<FrontOfDouble> {
  const server = createServer((request, response) => {
    void serve(request, response).catch((error: unknown) => {
      // A test that broke a connection off gets an error of its own.
      if (!response.destroyed) response.writeHead(502).end(String(error));
    });
  });
  const front: FrontOfDouble = {
    endpoint: "",
    seen: [],
    intervene: () => undefined,
    forward: async (seen, headers) => {
      const answer = await fetch(`${target}${seen.path}`, {
        method: seen.method,
        headers,
        body: new Uint8Array(seen.body),
      });
      return answer.text();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const body = Buffer.concat(await request.toArray());
    const seen = {
      method: request.method ?? "",
      path: request.url ?? "/",
      target: String(request.headers["x-amz-target"] ?? ""),
      body,
    };
    if ((await front.intervene(seen, response)) === "handled") return;
    await passOn(new URL(target), seen, request, response);
    front.seen.push(seen);
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  front.endpoint = `http://127.0.0.1:${address.port}`;
  return front;
}

function passOn(target: URL, seen: Seen, request: IncomingMessage, response: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    const onward = ask(
      { host: target.hostname, port: target.port, method: seen.method, path: seen.path, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
        answer.on("end", resolve);
        answer.on("error", reject);
      },
    );
    onward.on("error", reject);
    onward.end(seen.body);
  });
}

/** Whether a request brings a part of a multipart upload. */
export const isPart = ({ method, path }: Seen) => method === "PUT" && path.includes("partNumber=");
