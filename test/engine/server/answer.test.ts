import { connect, createServer, type Server, type Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { inspect } from "node:util";
import { afterEach, expect, test } from "vitest";
import { connectEngine, type EngineClient, isCutOff } from "../../../src/connection/client.ts";
import { connectionOver, listen, newPipeName, removePipe } from "../../../src/connection/pipe.ts";
import { answer, type Handlers, newQueue } from "../../../src/engine/server/answer.ts";
import { DiscernError } from "../../../src/protocol/errors.ts";
import { InternalError, RequestCancelled } from "../../../src/protocol/wireError.ts";

let server: Server;
let pipe: string;
const clients: EngineClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  server.close();
  await removePipe(pipe);
});

/** Clients of an engine with these handlers, all over one real pipe. */
async function engine(handlers: Handlers): Promise<() => Promise<EngineClient>> {
  const queue = newQueue();
  pipe = await newPipeName();
  server = await listen(pipe, (connection) => answer(connection, handlers, queue));
  return async () => {
    const client = await connectEngine(pipe);
    clients.push(client);
    return client;
  };
}
const generate = (prompt: string) => ({ model: "m", root: "/", prompts: [prompt] });
const pending = () => Promise.withResolvers<void>();

/** The chain of causes of an error, itself first: names, messages and codes. */
function chain(error: unknown): string[] {
  const links: string[] = [];
  for (let one = error; one instanceof Error; one = one.cause) {
    const { code } = one as { code?: unknown };
    links.push(`${one.name}${code === undefined ? "" : ` ${code}`}: ${one.message}`);
  }
  return links;
}
const thrown = (call: Promise<unknown>) => call.then(() => null).catch((error: unknown) => error);

test("a failure arrives as what it was, with every cause and its code", async () => {
  const full = Object.assign(new Error("ENOSPC: no space left"), { code: "ENOSPC", syscall: "write" });
  const client = await (
    await engine({
      async inspect() {
        const unreadable = new DiscernError("weights-invalid", "The shard is damaged.", { cause: full });
        throw new DiscernError("model-invalid", "The model cannot be read.", { cause: unreadable });
      },
      async doctor() {
        throw new TypeError("x is not a function", { cause: "a text" });
      },
    })
  )();
  const known = await thrown(client.call("inspect", { model: "m", root: "/" }));
  expect(known).toBeInstanceOf(DiscernError);
  expect(chain(known)).toEqual([
    "DiscernError model-invalid: The model cannot be read.",
    "DiscernError weights-invalid: The shard is damaged.",
    "Error ENOSPC: ENOSPC: no space left",
  ]);
  const unforeseen = await thrown(client.call("doctor", {}));
  expect(unforeseen).toBeInstanceOf(InternalError);
  expect(chain(unforeseen)).toEqual([
    "InternalError: x is not a function",
    "TypeError: x is not a function",
    "string: a text",
  ]);
  // Where it arose, and not where its answer was read.
  expect(inspect(unforeseen)).toMatch(/TypeError\]: x is not a function\n\s+at doctor .*answer\.test/);
  const absent = await thrown(client.call("pull", { name: "x" }));
  expect(chain(absent)).toEqual([expect.stringMatching(/^InternalError: .*pull/)]);
});

test("an error that is its own cause travels, and a text that could not be parsed does not", async () => {
  const client = await (
    await engine({
      async inspect() {
        const error = new Error("round and round");
        error.cause = error;
        throw error;
      },
      async doctor() {
        return JSON.parse('{"prompt": How do I kill a process?}');
      },
    })
  )();
  const round = await thrown(client.call("inspect", { model: "m", root: "/" }));
  expect(chain(round)).toHaveLength(9);
  const unparsed = (await thrown(client.call("doctor", {}))) as Error;
  expect((unparsed.cause as Error).message).toMatch(/^Unexpected token.*"…" is not valid JSON$/);
  expect(inspect(unparsed.cause)).not.toContain("kill");
});

test("an error on the wire is JSON-RPC's, with Discern's code in its data", async () => {
  await engine({
    async inspect() {
      throw new DiscernError("model-missing", "There is no such model.");
    },
  });
  const connection = connectionOver(connect(pipe));
  connection.listen();
  const call = { params: { model: "m", root: "/" } };
  await expect(connection.sendRequest("inspect", call)).rejects.toMatchObject({
    code: -32_000,
    message: "There is no such model.",
    data: { code: "model-missing", message: "There is no such model.", causes: [] },
  });
  connection.end();
});

test("what is not a call at all is refused, and the connection lives on", async () => {
  await engine({ doctor: async () => ({ platform: "here", cores: 2 }) });
  const connection = connectionOver(connect(pipe));
  connection.listen();
  await expect(connection.sendRequest("doctor", "nonsense")).rejects.toMatchObject({ code: -32_602 });
  const wrong = connection.sendRequest("doctor", { params: { colour: "red" } });
  await expect(wrong).rejects.toMatchObject({ code: -32_602, message: expect.stringMatching(/colour/) });
  expect(await connection.sendRequest("doctor", { params: {} })).toEqual({ platform: "here", cores: 2 });
  connection.end();
});

test("an answer of another form than agreed is not handed on", async () => {
  const client = await (await engine({ doctor: async () => ({ platform: 1 }) as never }))();
  await expect(client.call("doctor", {})).rejects.toThrow(/platform/);
});

test("heavy requests of all clients take turns, others pass by", async () => {
  const order: string[] = [];
  const first = pending();
  const newClient = await engine({
    async generate({ prompts: [prompt] }) {
      order.push(`begin ${prompt}`);
      if (prompt === "a") await first.promise;
      order.push(`end ${prompt}`);
      return [];
    },
    async doctor() {
      order.push("doctor");
      return { platform: "here", cores: 2 };
    },
  });
  const [one, other] = [await newClient(), await newClient()];
  const a = one.call("generate", generate("a"));
  const b = other.call("generate", generate("b"));
  await other.call("doctor", {});
  first.resolve();
  await Promise.all([a, b]);
  expect(order).toEqual(["begin a", "doctor", "end a", "begin b", "end b"]);
});

test("a request that waits its turn is cancelled at once and never begins", async () => {
  const began: string[] = [];
  const first = pending();
  const client = await (
    await engine({
      async generate({ prompts: [prompt] }) {
        began.push(prompt!);
        if (prompt === "a") await first.promise;
        return [];
      },
    })
  )();
  const a = client.call("generate", generate("a"));
  const cancel = new AbortController();
  const b = client.call("generate", generate("b"), { signal: cancel.signal });
  cancel.abort();
  const late = client.call("generate", generate("late"), { signal: cancel.signal });
  const refused = { status: "rejected", reason: expect.any(RequestCancelled) };
  expect(await Promise.allSettled([b, late])).toMatchObject([refused, refused]);
  first.resolve();
  await a;
  await client.call("generate", generate("c"));
  expect(began).toEqual(["a", "c"]);
});

test("the work of a client that is gone ends", async () => {
  const ended = pending();
  const begun = pending();
  const newClient = await engine({
    async generate(_, { signal }) {
      begun.resolve();
      await new Promise((_, reject) =>
        signal.addEventListener("abort", () => {
          ended.resolve();
          reject(signal.reason);
        }),
      );
      return [];
    },
  });
  const client = await newClient();
  const lost = client.call("generate", generate("a"));
  await begun.promise;
  client.close();
  await ended.promise;
  await expect(lost).rejects.toThrow();
});

test("progress reaches the request it belongs to, and its end is always told", async () => {
  const client = await (
    await engine({
      async generate({ prompts: [prompt] }, { progress }) {
        const tell = progress(`Title ${prompt}`);
        for (let done = 0; done <= 1000; done++) tell(done, 1000);
        return [];
      },
    })
  )();
  const told: [string, number][] = [];
  await Promise.all([
    client.call("generate", generate("a"), {
      onProgress: ({ title, done }) => told.push([title, done]),
    }),
    client.call("generate", generate("b")),
  ]);
  expect(told.at(-1)).toEqual(["Title a", 1000]);
  expect(told.length).toBeLessThan(1000);
  expect(told.every(([title]) => title === "Title a")).toBe(true);
});

test("whatever is asked of an engine as it goes fails as cut off: before, while and after its socket closes", async () => {
  const sockets: Socket[] = [];
  pipe = await newPipeName();
  server = createServer((socket) => sockets.push(socket)).listen(pipe);
  const client = await connectEngine(pipe);
  const faults: unknown[] = [];
  const calls: Promise<unknown>[] = [];
  const gone = Promise.withResolvers<void>();
  client.onClose(gone.resolve);
  let closed = false;
  void gone.promise.then(() => (closed = true));
  for (let n = 0; !closed; n++) {
    calls.push(client.call("doctor", {}).catch((error: unknown) => faults.push(error)));
    if (n === 3) sockets[0]!.resume().end();
    await turn();
  }
  calls.push(client.call("doctor", {}).catch((error: unknown) => faults.push(error)));
  await Promise.all(calls);
  expect(faults).toHaveLength(calls.length);
  expect(faults.filter((fault) => !isCutOff(fault))).toEqual([]);
});
