import { EventParser } from "../../cli/live/chat.ts";

/** What a test asks of a running front. */
export class FrontClient {
  readonly #endpoint: string;
  readonly #key: string;

  constructor(endpoint: string, key: string) {
    this.#endpoint = endpoint;
    this.#key = key;
  }

  /** POSTs JSON with the key. */
  post(path: string, body: unknown, key: string | null = this.#key): Promise<Response> {
    return fetch(`${this.#endpoint}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(key === null ? {} : { authorization: `Bearer ${key}` }) },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(120_000),
    });
  }

  /** One answer of the chat API, as text. */
  async chat(question: string, maxTokens = 24): Promise<string> {
    const response = await this.post("/v1/chat/completions", {
      messages: [{ role: "user", content: question }],
      max_tokens: maxTokens,
      temperature: 0,
    });
    if (!response.ok) throw new Error(`The front answered ${response.status}: ${await response.text()}`);
    const body = (await response.json()) as { choices: { message: { content: string } }[] };
    return body.choices[0]?.message.content ?? "";
  }

  /** The data of a streamed answer's events, one list for each time that something came over the network. */
  async stream(question: string, maxTokens = 24): Promise<string[][]> {
    const response = await this.post("/v1/chat/completions", {
      messages: [{ role: "user", content: question }],
      max_tokens: maxTokens,
      stream: true,
    });
    if (!response.body) throw new Error(`The front answered ${response.status} without a body.`);
    const parser = new EventParser();
    const arrivals: string[][] = [];
    for await (const bytes of response.body) arrivals.push(parser.push(bytes));
    return arrivals;
  }

  /** HTTP status of the health page; 0 where nobody answers. */
  async health(): Promise<number> {
    try {
      return (await fetch(`${this.#endpoint}/health`, { signal: AbortSignal.timeout(2000) })).status;
    } catch {
      return 0;
    }
  }
}

/** Waits until a condition holds; says what it waited for when it does not. */
export async function until(what: string, seconds: number, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (Date.now() < deadline) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`Waited ${seconds} s in vain: ${what}.`);
}
