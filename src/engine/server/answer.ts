import { type CancellationToken, ErrorCodes, type MessageConnection, ResponseError } from "vscode-jsonrpc";
import { z } from "zod";
import { DiscernError } from "../../protocol/errors.ts";
import { callSchema, type Method, type Params, type Result, requests } from "../../protocol/rpc.ts";

/** Told how far a request has come; throws when the request was cancelled meanwhile. */
export type Progress = (title: string) => (done: number, total: number) => void;

/** What an engine does on request. A handler that takes long calls its progress often: there it is cancelled. */
export type Handlers = {
  readonly [M in Method]?: (params: Params<M>, progress: Progress) => Promise<Result<M>>;
};

/** Requests that keep the processor busy and therefore wait for each other. */
const heavy: ReadonlySet<Method> = new Set(["generate", "score", "evaluate"]);

/** Code of a JSON-RPC error whose `data.code` is one of Discern's. */
const discernError = -32_000;
/** Milliseconds between two notifications of one request. */
const progressEvery = 100;

/**
 * Answers a client's requests: parameters are checked before a handler sees them, failures travel with their code, and
 * heavy requests are worked on one after another, since all share the processor.
 */
export function answer(connection: MessageConnection, handlers: Handlers, queue: Queue): void {
  for (const [method, handler] of Object.entries(handlers) as [Method, Handlers[Method]][]) {
    if (!handler) continue;
    connection.onRequest(method, async (call: unknown, cancelled: CancellationToken) => {
      const { token, params } = callSchema.parse(call);
      const checked = requests[method].params.safeParse(params);
      if (!checked.success) {
        throw new ResponseError(ErrorCodes.InvalidParams, `${method}: ${z.prettifyError(checked.error)}`, {
          code: "request-invalid",
        });
      }
      const run = handler as (params: unknown, progress: Progress) => Promise<unknown>;
      try {
        const task = () => run(checked.data, progressTo(connection, token, cancelled));
        return await (heavy.has(method) ? queue(task) : task());
      } catch (error) {
        throw asResponse(error);
      }
    });
  }
}

/** Runs one task after another. */
export type Queue = <T>(task: () => Promise<T>) => Promise<T>;

/** A queue for the heavy requests of all clients of an engine. */
export function newQueue(): Queue {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const next = last.then(task, task);
    last = next.catch(() => undefined);
    return next;
  };
}

class Cancelled extends Error {}

function progressTo(
  connection: MessageConnection,
  token: string | undefined,
  cancelled: CancellationToken,
): Progress {
  return (title) => {
    let told = 0;
    return (done, total) => {
      if (cancelled.isCancellationRequested) throw new Cancelled("cancelled");
      if (token === undefined || (done < total && performance.now() - told < progressEvery)) return;
      told = performance.now();
      // A client that is gone need not be told.
      void connection.sendNotification("progress", { token, title, done, total }).catch(() => undefined);
    };
  };
}

function asResponse(error: unknown): ResponseError<{ code: string }> {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Cancelled) {
    return new ResponseError(-32_800, "The request was cancelled.", { code: "cancelled" });
  }
  const code = error instanceof DiscernError ? error.code : "internal";
  return new ResponseError(error instanceof DiscernError ? discernError : ErrorCodes.InternalError, message, {
    code,
  });
}
