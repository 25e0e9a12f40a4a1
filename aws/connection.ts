/** How AWS is reached by everything here that asks it itself. */

import http from "node:http";
import https from "node:https";
import type { EC2ClientConfig } from "@aws-sdk/client-ec2";

/** Credentials are found as the AWS SDK finds them everywhere: environment, profile, single sign-on, role of the machine. */
export interface AwsConnection {
  region: string;
  /** Profile of the AWS configuration files. @default the SDK's choice (`AWS_PROFILE`) */
  profile?: string | undefined;
  /** Address of a server that is not AWS's. @default the SDK's choice (`AWS_ENDPOINT_URL`) */
  endpoint?: string | undefined;
}

/** How long an answer is waited for. */
export interface Patience {
  /** A server that gives no sign of life for so long is asked again. @default 60 */
  silenceSeconds?: number;
  /** How often a question is asked; the SDK waits longer before each. @default 6 */
  attempts?: number;
}

/** What every client of the SDK is made with. */
export type ClientOptions = Pick<EC2ClientConfig, "region" | "requestHandler" | "maxAttempts" | "profile" | "endpoint">;

const CONNECT_MS = 10_000;

/** Options of clients that reach AWS the way the rest of the program does. */
export function clientOptions(
  { region, profile, endpoint }: Partial<AwsConnection>,
  { silenceSeconds = 60, attempts = 6 }: Patience = {},
): ClientOptions {
  return {
    ...(region === undefined ? {} : { region }),
    ...(profile === undefined ? {} : { profile }),
    ...(endpoint === undefined ? {} : { endpoint }),
    maxAttempts: attempts,
    requestHandler: {
      connectionTimeout: Math.min(CONNECT_MS, silenceSeconds * 1000),
      socketTimeout: silenceSeconds * 1000,
      // These two know the proxy of the environment; agents that the SDK makes don't.
      httpAgent: http.globalAgent,
      httpsAgent: https.globalAgent,
    },
  };
}

/** All that pages hold. */
export async function collected<Page, Item>(
  pages: AsyncIterable<Page>,
  itemsOf: (page: Page) => Item[] | undefined,
): Promise<Item[]> {
  const items: Item[] = [];
  for await (const page of pages) items.push(...(itemsOf(page) ?? []));
  return items;
}
