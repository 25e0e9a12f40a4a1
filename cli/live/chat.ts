/** One chat completion, streamed. */

/** The text pieces in a stretch of server-sent events, and what is left of an unfinished line. */
export function piecesOf(text: string): { pieces: string[]; rest: string } {
  const lines = text.split("\n");
  const rest = lines.pop() ?? "";
  const pieces: string[] = [];
  for (const line of lines) {
    const data = /^data:\s*(\{.*\})\s*$/.exec(line)?.[1];
    if (data === undefined) continue;
    const event = JSON.parse(data) as { choices?: { delta?: { content?: unknown } }[]; error?: { message?: unknown } };
    if (event.error) throw new Error(`the front broke off: ${String(event.error.message)}`);
    const content = event.choices?.[0]?.delta?.content;
    if (typeof content === "string" && content !== "") pieces.push(content);
  }
  return { pieces, rest };
}

/** What is asked, and who is asked. */
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
  const decoder = new TextDecoder();
  let pending = "";
  for await (const chunk of response.body) {
    const { pieces, rest } = piecesOf(pending + decoder.decode(chunk, { stream: true }));
    pending = rest;
    yield* pieces;
  }
}
