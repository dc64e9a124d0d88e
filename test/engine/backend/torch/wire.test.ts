import { createConnection, createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { readFrames, writeFrame } from "../../../../src/engine/backend/torch/wire.ts";

const open: { destroy(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.destroy();
});

test("waiting for a reader leaves no listeners behind, however often it happens", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
  const writer = createConnection(address.port, "127.0.0.1");
  const reader = await accepted;
  open.push(writer, reader, { destroy: () => void server.close() });
  const listeners = writer.listenerCount("close") + writer.listenerCount("drain");

  const frames = readFrames(reader);
  const tensor = { dtype: "F32", shape: [1 << 20], data: new Float32Array(1 << 20) } as const;
  for (let i = 0; i < 12; i++) {
    const [, frame] = await Promise.all([writeFrame(writer, { i }, new Map([["x", tensor]])), frames.next()]);
    expect(frame.done).toBe(false);
  }

  expect(writer.listenerCount("close") + writer.listenerCount("drain")).toBe(listeners);
});
