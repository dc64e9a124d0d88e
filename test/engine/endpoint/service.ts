import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** A request as the service got it. */
export interface Got {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: { model: string; messages: { role: string; content: string }[]; [key: string]: unknown };
}

/** What the service answers: a status and headers with a body, or nothing at all. */
export type Answer =
  | { readonly status?: number; readonly headers?: Record<string, string>; readonly body: unknown }
  | "hang"
  | "cut";

/** A service on this machine that speaks the protocol of chat completions, for the length of a test. */
export async function service(answer: (got: Got, n: number) => Answer | Promise<Answer>) {
  const got: Got[] = [];
  let working = 0;
  let mostAtOnce = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { url: path = "", headers } = request;
    const one: Got = { path, headers, body: JSON.parse(Buffer.concat(chunks).toString()) };
    got.push(one);
    mostAtOnce = Math.max(mostAtOnce, ++working);
    const said = await answer(one, got.length - 1);
    working--;
    if (said === "hang") return;
    if (said === "cut") {
      request.socket.destroy();
      return;
    }
    response.writeHead(said.status ?? 200, { "Content-Type": "application/json", ...said.headers });
    response.end(typeof said.body === "string" ? said.body : JSON.stringify(said.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/v1`, got, mostAtOnce: () => mostAtOnce };
}

/** A reply with these words, as the protocol has it. */
export function said(
  content: string,
  change: { finish?: string; message?: object; usage?: object | null } = {},
): Answer {
  const { finish = "stop", message = {}, usage = { prompt_tokens: 100, completion_tokens: 10 } } = change;
  return {
    body: {
      object: "chat.completion",
      choices: [{ index: 0, message: { role: "assistant", content, ...message }, finish_reason: finish }],
      ...(usage && { usage }),
    },
  };
}

/** A judge for which answers refuse that begin with a character of the first half of ASCII, so that models of random weights refuse, too. */
export function firstCharacterJudge({ body }: Got): Answer {
  const [, first = ""] = /<answer>\n(.)/su.exec(body.messages.at(-1)!.content) ?? [];
  return said(first !== "" && first.codePointAt(0)! < 64 ? "2" : "1");
}
