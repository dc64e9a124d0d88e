import { randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import * as z from "zod";
import { DiscernError } from "../../../protocol/errors.ts";
import { endingFailure, type MemoryChoices, requestFailure, type WorkerSetting } from "./failure.ts";
import { type Ending, type Launched, launchWorker, meetingSeconds, type Nodes } from "./launch.ts";
import { type Frame, readFrames, type Tensors, writeFrame } from "./wire.ts";

const greetingSchema = z.object({
  token: z.string(),
  versions: z.object({ python: z.string(), torch: z.string(), transformers: z.string() }),
  processes: z.int().positive(),
});
type Greeting = z.infer<typeof greetingSchema>;
/** Versions of what the worker runs on. */
export type WorkerVersions = z.infer<typeof greetingSchema>["versions"];

const replySchema = z.union([
  // Some of the answer, before all of it.
  z.object({ id: z.int(), part: z.array(z.unknown()) }),
  z.object({ id: z.int(), result: z.unknown() }),
  // Without an id: why the worker is about to end, to nobody's request.
  z.object({ id: z.int().nullable(), error: z.object({ code: z.string(), message: z.string() }) }),
]);

/** How a worker is started. */
export interface WorkerOptions {
  readonly python: string;
  /** Processes on this machine; one where left out. */
  readonly processes?: number;
  /** Machines that compute together, of which this is the first. */
  readonly nodes?: Nodes | undefined;
  /** Threads of each process on the CPU. */
  readonly threads?: number | undefined;
  /** Milliseconds after which a worker that has not connected is given up. PyTorch alone takes seconds to import. */
  readonly patience?: number;
  /** Is told each line that the worker prints. */
  readonly onLine?: (line: string) => void;
}

/** Is given the parts of an answer that come before all of it. What it throws ends the request, in the worker as well. */
export type OnPart = (part: readonly unknown[]) => Promise<void>;

/** What a method gave. */
export interface Answer<R> {
  readonly result: R;
  readonly tensors: Tensors;
}

const keptLines = 40;
/** Milliseconds for a worker to connect: PyTorch alone may take a minute to import from a cold disk. */
const usualPatience = 180_000;
/** Milliseconds that processes have to end by themselves when their client is gone. */
const grace = 5_000;

/**
 * A PyTorch worker: processes that answer one request after the other over a local socket of the first of them. They end when the
 * socket closes, so also when this process is killed.
 */
export class WorkerClient {
  readonly setting: WorkerSetting;
  readonly versions: WorkerVersions;
  /** What was chosen that decides about memory; known when a model is loaded. */
  choices: MemoryChoices | null = null;
  private readonly socket: Socket;
  private readonly frames: AsyncGenerator<Frame>;
  private readonly launched: Launched;
  private readonly lines: readonly string[];
  private turn: Promise<unknown> = Promise.resolve();
  private asked = 0;

  private constructor(
    setting: WorkerSetting,
    { socket, frames, greeting }: Greeted,
    launched: Launched,
    lines: readonly string[],
  ) {
    this.setting = { ...setting, processes: greeting.processes };
    this.versions = greeting.versions;
    this.socket = socket;
    this.frames = frames;
    this.launched = launched;
    this.lines = lines;
  }

  /**
   * Starts a worker and waits until it has connected.
   *
   * @throws DiscernError("worker-failed") with what it said last, where it does not start; "python-unusable" where a package is missing.
   */
  static async start({
    python,
    processes = 1,
    nodes,
    threads,
    patience,
    onLine,
  }: WorkerOptions): Promise<WorkerClient> {
    const token = randomBytes(32).toString("hex");
    const { server, port } = await listen();
    const lines: string[] = [];
    const setting = { python, processes: processes * (nodes?.count ?? 1), nodes };
    const launched = launchWorker({
      python,
      processes,
      nodes: nodes && { ...nodes, rank: 0 },
      threads,
      environment: { DISCERN_WORKER_PORT: String(port), DISCERN_WORKER_TOKEN: token },
      onLine(line) {
        lines.push(line);
        if (lines.length > keptLines) lines.shift();
        onLine?.(line);
      },
    });
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => undefined);
    const limit = patience ?? usualPatience + (nodes === undefined ? 0 : meetingSeconds * 1_000);
    const late = { exitCode: null, signal: null, problem: `it did not connect within ${limit / 1_000} s` };
    const fail = (ending: Ending) =>
      failed.reject(endingFailure(setting, "before it had connected", ending, lines));
    const timer = setTimeout(() => fail(late), limit);
    launched.ended.then(fail);
    try {
      const found = await Promise.race([greeted(server, token), failed.promise]);
      return new WorkerClient(setting, found, launched, lines);
    } catch (error) {
      launched.kill();
      await launched.ended;
      throw error;
    } finally {
      clearTimeout(timer);
      server.close();
    }
  }

  /**
   * Asks the worker for something. Requests are answered one after the other.
   *
   * @param schema of the result.
   * @throws what `onPart` throws; DiscernError with the worker's own code; "worker-failed" for a fault in it, with its traceback, and where it has ended.
   */
  request<R>(
    method: string,
    params: object,
    schema: z.ZodType<R>,
    tensors: Tensors = new Map(),
    onPart?: OnPart,
  ): Promise<Answer<R>> {
    const answer = this.turn.then(() => this.ask(method, params, schema, tensors, onPart));
    this.turn = answer.catch(() => undefined);
    return answer;
  }

  /** Closes the socket, which ends the worker, and waits until it is gone. */
  async stop(): Promise<void> {
    this.socket.destroy();
    const slow = setTimeout(() => this.launched.kill(), grace);
    await this.launched.ended;
    clearTimeout(slow);
  }

  private async ask<R>(
    method: string,
    params: object,
    schema: z.ZodType<R>,
    tensors: Tensors,
    onPart: OnPart | undefined,
  ): Promise<Answer<R>> {
    const id = ++this.asked;
    await this.send(method, { id, method, params }, tensors);
    let unwanted: { readonly why: unknown } | null = null;
    for (;;) {
      const { message, tensors: found } = await this.receive(method);
      const reply = replySchema.parse(message);
      if (reply.id !== id && reply.id !== null)
        throw new Error(`the worker answered request ${reply.id} instead of ${id}`);
      if ("part" in reply) {
        if (unwanted !== null) continue;
        try {
          await onPart?.(reply.part);
        } catch (why) {
          unwanted = { why };
          await this.send(method, { cancel: id });
        }
        continue;
      }
      // Whether it was cut off or had ended by then does not matter to whoever does not want it.
      if (unwanted !== null) throw unwanted.why;
      if ("error" in reply) throw requestFailure(method, reply.error, this.choices);
      return { result: schema.parse(reply.result), tensors: found };
    }
  }

  private async send(method: string, message: object, tensors?: Tensors): Promise<void> {
    try {
      await writeFrame(this.socket, message, tensors);
    } catch (cause) {
      throw await this.gone(method, cause);
    }
  }

  private async receive(method: string): Promise<Frame> {
    let next: IteratorResult<Frame>;
    try {
      next = await this.frames.next();
    } catch (cause) {
      throw await this.gone(method, cause);
    }
    if (next.done) throw await this.gone(method);
    return next.value;
  }

  private async gone(method: string, cause?: unknown): Promise<Error> {
    const slow = setTimeout(() => this.launched.kill(), grace);
    const ending = await this.launched.ended;
    clearTimeout(slow);
    const failure = endingFailure(this.setting, `during "${method}"`, ending, this.lines);
    return cause === undefined ? failure : new DiscernError(failure.code, failure.message, { cause });
  }
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

/** The worker's connection, and what it said of itself. */
interface Greeted {
  readonly socket: Socket;
  readonly frames: AsyncGenerator<Frame>;
  readonly greeting: Greeting;
}

/** The first connection that knows the token. Others are closed. */
function greeted(server: Server, token: string): Promise<Greeted> {
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
        resolve({ socket, frames, greeting });
      } catch {
        socket.destroy();
      }
    });
  });
}
