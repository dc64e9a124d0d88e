import { randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import * as z from "zod";
import { DiscernError, type ErrorCode, errorCodes } from "../../../protocol/errors.ts";
import { type Launched, launchWorker } from "./launch.ts";
import { type Frame, readFrames, type Tensors, writeFrame } from "./wire.ts";

const greetingSchema = z.object({
  token: z.string(),
  versions: z.object({ python: z.string(), torch: z.string(), transformers: z.string() }),
});
/** Versions of what the worker runs on. */
export type WorkerVersions = z.infer<typeof greetingSchema>["versions"];

const replySchema = z.union([
  z.object({ id: z.int(), result: z.unknown() }),
  z.object({ id: z.int(), error: z.object({ code: z.string(), message: z.string() }) }),
]);

/** How a worker is started. */
export interface WorkerOptions {
  readonly python: string;
  /** Milliseconds after which a worker that has not connected is given up. PyTorch alone takes seconds to import. */
  readonly patience?: number;
  /** Is told each line that the worker prints. */
  readonly onLine?: (line: string) => void;
}

/** What a method gave. */
export interface Answer<R> {
  readonly result: R;
  readonly tensors: Tensors;
}

const keptLines = 40;

/**
 * A PyTorch worker: a process that answers one request after the other over a local socket. It ends when the socket closes, so
 * also when this process is killed.
 */
export class WorkerClient {
  readonly python: string;
  readonly versions: WorkerVersions;
  private readonly socket: Socket;
  private readonly frames: AsyncGenerator<Frame>;
  private readonly launched: Launched;
  private readonly lines: readonly string[];
  private turn: Promise<unknown> = Promise.resolve();
  private asked = 0;

  private constructor(
    python: string,
    versions: WorkerVersions,
    socket: Socket,
    frames: AsyncGenerator<Frame>,
    launched: Launched,
    lines: readonly string[],
  ) {
    this.python = python;
    this.versions = versions;
    this.socket = socket;
    this.frames = frames;
    this.launched = launched;
    this.lines = lines;
  }

  /**
   * Starts a worker and waits until it has connected.
   *
   * @throws DiscernError("device-unavailable") with what the worker said last, where it does not start.
   */
  static async start({ python, patience = 120_000, onLine }: WorkerOptions): Promise<WorkerClient> {
    const token = randomBytes(32).toString("hex");
    const { server, port } = await listen();
    const lines: string[] = [];
    const launched = launchWorker({
      python,
      environment: { DISCERN_WORKER_PORT: String(port), DISCERN_WORKER_TOKEN: token },
      onLine(line) {
        lines.push(line);
        if (lines.length > keptLines) lines.shift();
        onLine?.(line);
      },
    });
    const failed = Promise.withResolvers<never>();
    const fail = (what: string) =>
      failed.reject(
        new DiscernError("device-unavailable", `The PyTorch worker (${python}) ${what}.${last(lines)}`),
      );
    const timer = setTimeout(() => fail(`did not connect within ${patience / 1000} s`), patience);
    launched.ended.then((how) => fail(`ended before it had connected (${how})`));
    try {
      const { socket, frames, versions } = await Promise.race([greeted(server, token), failed.promise]);
      return new WorkerClient(python, versions, socket, frames, launched, lines);
    } catch (error) {
      launched.kill();
      throw error;
    } finally {
      clearTimeout(timer);
      failed.promise.catch(() => undefined);
      server.close();
    }
  }

  /**
   * Asks the worker for something. Requests are answered one after the other.
   *
   * @param schema of the result.
   * @throws DiscernError with the worker's own code; Error for a fault in the worker, with its traceback, and where it has ended.
   */
  request<R>(
    method: string,
    params: object,
    schema: z.ZodType<R>,
    tensors: Tensors = new Map(),
  ): Promise<Answer<R>> {
    const answer = this.turn.then(() => this.ask(method, params, schema, tensors));
    this.turn = answer.catch(() => undefined);
    return answer;
  }

  /** Closes the socket, which ends the worker, and waits until it is gone. */
  async stop(): Promise<void> {
    this.socket.destroy();
    const slow = setTimeout(() => this.launched.kill(), 10_000);
    await this.launched.ended;
    clearTimeout(slow);
  }

  private async ask<R>(
    method: string,
    params: object,
    schema: z.ZodType<R>,
    tensors: Tensors,
  ): Promise<Answer<R>> {
    const id = ++this.asked;
    let next: IteratorResult<Frame>;
    try {
      await writeFrame(this.socket, { id, method, params }, tensors);
      next = await this.frames.next();
    } catch (cause) {
      throw await this.gone(method, cause);
    }
    if (next.done) throw await this.gone(method);
    const reply = replySchema.parse(next.value.message);
    if (reply.id !== id) throw new Error(`the worker answered request ${reply.id} instead of ${id}`);
    if ("error" in reply) throw errorOf(method, reply.error);
    return { result: schema.parse(reply.result), tensors: next.value.tensors };
  }

  private async gone(method: string, cause?: unknown): Promise<Error> {
    const how = await Promise.race([
      this.launched.ended,
      new Promise<string>((resolve) => setTimeout(() => resolve("its socket is closed"), 2000).unref()),
    ]);
    return new DiscernError(
      "device-unavailable",
      `The PyTorch worker ended during "${method}" (${how}).${last(this.lines)}`,
      { cause },
    );
  }
}

function errorOf(method: string, { code, message }: { code: string; message: string }): Error {
  if ((errorCodes as readonly string[]).includes(code)) return new DiscernError(code as ErrorCode, message);
  return new Error(`The PyTorch worker failed at "${method}": ${message}`);
}

function last(lines: readonly string[]): string {
  return lines.length > 0 ? ` It said last:\n${lines.join("\n")}` : "";
}

async function listen(): Promise<{ server: Server; port: number }> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the socket has no port");
  return { server, port: address.port };
}

/** The first connection that knows the token. Others are closed. */
function greeted(
  server: Server,
  token: string,
): Promise<{ socket: Socket; frames: AsyncGenerator<Frame>; versions: WorkerVersions }> {
  return new Promise((resolve) => {
    server.on("connection", async (socket) => {
      socket.setNoDelay(true);
      // What fails is seen where it is read or written.
      socket.on("error", () => undefined);
      try {
        const frames = readFrames(socket);
        const { value } = await frames.next();
        const greeting = greetingSchema.parse((value as Frame).message);
        const [own, given] = [Buffer.from(token), Buffer.from(greeting.token)];
        if (own.length !== given.length || !timingSafeEqual(own, given)) throw new Error("another token");
        resolve({ socket, frames, versions: greeting.versions });
      } catch {
        socket.destroy();
      }
    });
  });
}
