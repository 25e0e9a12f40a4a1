/** A server before the double of AWS that answers some requests itself: as AWS does where the double knows no better. */

import { createServer, type IncomingMessage, request as send } from "node:http";

/** One answer instead of the double's. */
export interface OwnAnswer {
  /** Found in the request's target, address or body: `AmazonSSM.DescribeParameters`, `Action=ListRoles`. */
  match: string;
  status: number;
  body: string;
}

export interface AwsRelay {
  endpoint: string;
  /** May be changed at any time. */
  answers: OwnAnswer[];
  close(): Promise<void>;
}

/** Starts a relay to the double. */
export async function awsRelay(double: string): Promise<AwsRelay> {
  const relay: AwsRelay = { endpoint: "", answers: [], close: async () => undefined };
  const server = createServer(async (request, response) => {
    const body = await bytesOf(request);
    const text = `${request.headers["x-amz-target"] ?? ""} ${request.url} ${body.toString("utf8")}`;
    const own = relay.answers.find(({ match }) => text.includes(match));
    if (own !== undefined) {
      response.writeHead(own.status, { "content-type": "application/x-amz-json-1.1" }).end(own.body);
      return;
    }
    const { method, headers, url = "/" } = request;
    const onward = send(new URL(url, double), { method: method ?? "GET", headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", (error) => response.destroy(error));
    onward.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  relay.endpoint = `http://127.0.0.1:${address.port}`;
  relay.close = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return relay;
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
