/** A web server of files for tests, with byte ranges as real servers have them, and with the faults that some have. */

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

/** What the server does at a path. */
export type Answer = Buffer | ((request: IncomingMessage, response: ServerResponse) => void);

export interface FileServer {
  url: string;
  /** What is served, by path; may be changed at any time. */
  files: Map<string, Answer>;
  /** Requests so far: path, range and bearer token. */
  requests: { path: string; range: string; authorization: string }[];
  /** Bytes of bodies sent so far. */
  sentBytes(): number;
  close(): Promise<void>;
}

export async function fileServer(): Promise<FileServer> {
  const files: FileServer["files"] = new Map();
  const requests: FileServer["requests"] = [];
  let sentBytes = 0;
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    requests.push({
      path,
      range: request.headers.range ?? "",
      authorization: request.headers.authorization ?? "",
    });
    const answer = files.get(path);
    if (answer === undefined) response.writeHead(404).end("not found");
    else if (typeof answer === "function") answer(request, response);
    else sentBytes += sendRange(answer, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    files,
    requests,
    sentBytes: () => sentBytes,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Answers a request for a range of a file; the number of bytes sent. */
export function sendRange(file: Buffer, request: IncomingMessage, response: ServerResponse): number {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
  if (first === undefined || last === undefined) {
    response.writeHead(200).end(file);
    return file.length;
  }
  if (Number(first) >= file.length) {
    response.writeHead(416, { "content-range": `bytes */${file.length}` }).end();
    return 0;
  }
  const part = file.subarray(Number(first), Number(last) + 1);
  response
    .writeHead(206, {
      "content-range": `bytes ${first}-${Number(first) + part.length - 1}/${file.length}`,
      etag: `"${createHash("sha256").update(file).digest("hex").slice(0, 16)}"`,
    })
    .end(part);
  return part.length;
}
