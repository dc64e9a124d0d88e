import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** A local server that is there until the running test has ended; gives its address, and the requests it saw. */
export async function serve(listener: RequestListener): Promise<{ url: string; seen: IncomingMessage[] }> {
  const { close, ...served } = await listen(listener);
  onTestFinished(close);
  return served;
}

/** As {@link serve}, until it is closed. */
export async function listen(
  listener: RequestListener,
): Promise<{ url: string; seen: IncomingMessage[]; close(): void }> {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, close };
}

/** Serves `bytes` with ranges, as a hub or an index does. */
export const ranged =
  (bytes: Uint8Array): RequestListener =>
  (request, response) => {
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    if (from >= bytes.length) {
      response.writeHead(416, { "content-range": `bytes */${bytes.length}` }).end();
      return;
    }
    response
      .writeHead(from > 0 ? 206 : 200, { "content-length": bytes.length - from })
      .end(bytes.subarray(from));
  };
