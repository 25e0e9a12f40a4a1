/** One chat completion, streamed. */

/**
 * Parses server-sent events by the standard (html.spec.whatwg.org, "Server-sent events") and keeps their data. Only one field
 * is needed, so it uses no library.
 */
export class EventParser {
  readonly #decoder = new TextDecoder();
  #rest = "";
  #data: string[] = [];

  /** Takes the next piece of the stream, and returns the data of the events that it completes. */
  push(bytes: Uint8Array): string[] {
    // A carriage return at the end may be half of a line break.
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.#takeLine(line));
  }

  #takeLine(line: string): string[] {
    if (line === "") {
      const event = this.#data;
      this.#data = [];
      return event.length === 0 ? [] : [event.join("\n")];
    }
    // A line that begins with a colon is a comment; a field without a colon has an empty value.
    const [, field, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === "data") this.#data.push(value);
    return [];
  }
}

/**
 * The text of one event; may be empty.
 * @throws {Error} if the front reports an error
 */
export function pieceOf(data: string): string {
  // The last event is `[DONE]`, not JSON.
  if (!data.startsWith("{")) return "";
  const event = JSON.parse(data) as { choices?: { delta?: { content?: unknown } }[]; error?: { message?: unknown } };
  if (event.error) throw new Error(`the front stopped with an error: ${String(event.error.message)}`);
  const content = event.choices?.[0]?.delta?.content;
  return typeof content === "string" ? content : "";
}

/** The question, and the front to ask. */
export interface Question {
  endpoint: string;
  apiKey: string;
  text: string;
  maxTokens: number;
}

/** Yields the answer as it arrives. */
export async function* ask(question: Question, signal: AbortSignal): AsyncGenerator<string> {
  const response = await fetch(`${question.endpoint}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${question.apiKey}` },
    body: JSON.stringify({
      messages: [{ role: "user", content: question.text }],
      max_tokens: question.maxTokens,
      temperature: 0,
      stream: true,
    }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(120_000)]),
  });
  if (!response.ok || response.body === null) {
    throw new Error(`the front answers with status ${response.status}: ${(await response.text()).slice(0, 300)}`);
  }
  const parser = new EventParser();
  for await (const bytes of response.body) {
    for (const data of parser.push(bytes)) {
      const piece = pieceOf(data);
      if (piece !== "") yield piece;
    }
  }
}
