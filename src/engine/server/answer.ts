/**
 * How an engine is spoken to from another process: JSON-RPC over a local pipe, requests and their checks in
 * `protocol/rpc.ts`. `answer.ts` answers one connection; heavy requests of all clients wait in one queue. A thread of its own
 * (`liveness.ts`) answers pings and takes a wish to stop while the main thread computes. `runEngine.ts` is what a process offers
 * that works on a run or a comparison: clients come and go, and the work does not depend on them.
 */
import { type CancellationToken, ErrorCodes, type MessageConnection, ResponseError } from "vscode-jsonrpc";
import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";
import { callSchema, type Method, type Params, type Result, requests } from "../../protocol/rpc.ts";
import { RequestCancelled, toWire, type WireError } from "../../protocol/wireError.ts";

/** What a handler is given besides its parameters. */
export interface Asked {
  /** Told how far the request has come; throws when it was cancelled meanwhile. */
  readonly progress: (title: string) => (done: number, total: number) => void;
  /** Told what a model has written of an answer so far; does nothing once the request is cancelled. */
  readonly written: (reply: { readonly response: string; readonly reasoning?: string }) => void;
  /** Aborted when the request is cancelled, or when its client is gone. */
  readonly signal: AbortSignal;
}

/** What an engine does on request. */
export type Handlers = {
  readonly [M in Method]?: (params: Params<M>, asked: Asked) => Promise<Result<M>>;
};

/** Requests that keep the processor busy and therefore wait for each other. */
const heavy: ReadonlySet<Method> = new Set([
  "generate",
  "score",
  "tryPrompt",
  "measureProbe",
  "deriveOpenings",
]);

/** Code of a JSON-RPC error whose `data.code` is one of Discern's. */
const discernError = -32_000;
/** Code of a JSON-RPC error of a request that was cancelled, as in the Language Server Protocol. */
const requestCancelled = -32_800;
/** Milliseconds between two notifications of one request. */
const progressEvery = 100;

/**
 * Answers a client's requests: parameters are checked before a handler sees them, failures travel with their code, and
 * heavy requests are worked on one after another, since all share the processor.
 */
export function answer(connection: MessageConnection, handlers: Handlers, queue: Queue): void {
  const gone = new AbortController();
  connection.onClose(() => gone.abort(new RequestCancelled()));
  for (const [method, handler] of Object.entries(handlers) as [Method, Handlers[Method]][]) {
    if (!handler) continue;
    connection.onRequest(method, async (call: unknown, cancellation: CancellationToken) => {
      const { token, params } = checked(callSchema, call, method);
      const valid = checked(requests[method].params, params, method);
      const cancelled = new AbortController();
      const cancel = () => cancelled.abort(new RequestCancelled());
      cancellation.onCancellationRequested(cancel);
      // One that was cancelled before it was looked at has no event to come.
      if (cancellation.isCancellationRequested) cancel();
      const signal = AbortSignal.any([gone.signal, cancelled.signal]);
      const asked: Asked = {
        progress: progressTo(connection, token, signal),
        written({ response, reasoning }) {
          if (token === undefined || signal.aborted) return;
          const so = { token, response, ...(reasoning === undefined ? {} : { reasoning }) };
          void connection.sendNotification("written", so).catch(() => undefined);
        },
        signal,
      };
      const work = () => (handler as (params: unknown, asked: Asked) => Promise<unknown>)(valid, asked);
      try {
        return await (heavy.has(method) ? inTurn(queue, work, signal) : work());
      } catch (error) {
        throw asResponse(signal.aborted ? signal.reason : error);
      }
    });
  }
}

/** @throws ResponseError that names the key at fault. */
function checked<S extends z.ZodType>(schema: S, value: unknown, method: Method): z.output<S> {
  const found = schema.safeParse(value);
  if (found.success) return found.data;
  const message = `${method}: ${z.prettifyError(found.error)}`;
  throw new ResponseError(
    ErrorCodes.InvalidParams,
    message,
    toWire(new DiscernError("request-invalid", message)),
  );
}

/** Work that waits its turn; one that is cancelled is answered at once, and ends where it next looks at its signal. */
function inTurn<T>(queue: Queue, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason);
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  const turn = queue(() => {
    signal.throwIfAborted();
    return work();
  });
  return Promise.race([aborted, turn]);
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

function progressTo(
  connection: MessageConnection,
  token: string | undefined,
  signal: AbortSignal,
): Asked["progress"] {
  return (title) => {
    let told = 0;
    return (done, total) => {
      signal.throwIfAborted();
      if (token === undefined || (done < total && performance.now() - told < progressEvery)) return;
      told = performance.now();
      // A client that is gone need not be told.
      void connection.sendNotification("progress", { token, title, done, total }).catch(() => undefined);
    };
  };
}

/** The error as JSON-RPC has it, with its causes. */
function asResponse(error: unknown): ResponseError<WireError> {
  const data = toWire(error);
  const code =
    data.code === "cancelled"
      ? requestCancelled
      : data.code === "internal"
        ? ErrorCodes.InternalError
        : discernError;
  return new ResponseError(code, data.message, data);
}
