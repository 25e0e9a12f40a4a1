/**
 * Terraform's state over HTTP, in this process. A local state file is written anew after each of thousands of changes,
 * which takes longer than the changes; a remote one every 20 seconds.
 */

import { createServer } from "node:http";
import { text } from "node:stream/consumers";

/** A place for one state. */
export interface StateServer {
  address: string;
  stop: () => Promise<void>;
}

/** Starts a server on a free port of the loopback address. */
export async function startStateServer(): Promise<StateServer> {
  let state = "";
  const server = createServer(async (request, response) => {
    if (request.method === "POST") state = await text(request);
    response.statusCode = request.method === "GET" && state === "" ? 404 : 200;
    response.end(request.method === "GET" ? state : "");
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The system gave no free port.");
  return {
    address: `http://127.0.0.1:${address.port}`,
    stop: async () => {
      await new Promise((closed) => server.close(closed));
    },
  };
}
