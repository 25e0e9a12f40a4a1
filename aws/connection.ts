/** How SDK clients connect to AWS. */

import http from "node:http";
import https from "node:https";
import type { EC2ClientConfig } from "@aws-sdk/client-ec2";

/** Credentials come from the SDK's default chain: environment, profile, single sign-on, role of the machine. */
export interface AwsConnection {
  region: string;
  /** Profile of the AWS configuration files. @default the SDK's choice (`AWS_PROFILE`) */
  profile?: string | undefined;
  /** Address of another server than AWS's, for tests. @default the SDK's choice (`AWS_ENDPOINT_URL`) */
  endpoint?: string | undefined;
}

/** How long a client waits for an answer. */
export interface Patience {
  /** Seconds without data after which a request is sent again. @default 60 */
  silenceSeconds?: number;
  /** Attempts for each request; the SDK waits longer before each. @default 6 */
  attempts?: number;
}

/** Options that every SDK client gets. */
export type ClientOptions = Pick<EC2ClientConfig, "region" | "requestHandler" | "maxAttempts" | "profile" | "endpoint">;

const CONNECT_MS = 10_000;

/** Options for an SDK client, with the proxy and the time limits of this program. */
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
      // The global agents use the proxy of the environment; agents that the SDK makes don't.
      httpAgent: http.globalAgent,
      httpsAgent: https.globalAgent,
    },
  };
}

/** The items of all pages. */
export async function collected<Page, Item>(
  pages: AsyncIterable<Page>,
  itemsOf: (page: Page) => Item[] | undefined,
): Promise<Item[]> {
  const items: Item[] = [];
  for await (const page of pages) items.push(...(itemsOf(page) ?? []));
  return items;
}
