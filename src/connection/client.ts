import { randomUUID } from "node:crypto";
import { connect } from "node:net";
import { CancellationTokenSource, ConnectionError, ErrorCodes, ResponseError } from "vscode-jsonrpc";
import type * as z from "zod";
import {
  type livenessRequests,
  type Method,
  notifications,
  type ParamsInput,
  type Ping,
  pingSchema,
  type Result,
  requests,
} from "../protocol/rpc.ts";
import { fromWire, wireErrorSchema } from "../protocol/wireError.ts";
import { connectionOver } from "./pipe.ts";

export interface CallOptions {
  readonly onProgress?: (progress: z.infer<typeof notifications.progress>) => void;
  /** Told of an answer as it is written, by all of it so far. */
  readonly onWritten?: (written: z.infer<typeof notifications.written>) => void;
  readonly signal?: AbortSignal;
}

/** An engine's client. */
export interface EngineClient {
  /**
   * Asks the engine.
   *
   * @throws DiscernError, RequestCancelled or InternalError as the engine threw it, with its causes; an error of
   *   vscode-jsonrpc when the engine is gone before it has answered.
   */
  call<M extends Method>(method: M, params: ParamsInput<M>, options?: CallOptions): Promise<Result<M>>;
  onEvent(listener: (event: z.infer<typeof notifications.event>) => void): void;
  /** Called once the engine is gone. */
  onClose(listener: () => void): void;
  close(): void;
}

/** Connects to an engine. @throws the system's error where nobody listens. */
export async function connectEngine(pipe: string): Promise<EngineClient> {
  const socket = connect(pipe);
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  const connection = connectionOver(socket);
  const told = new Map<string, CallOptions>();
  connection.onNotification("progress", (raw: unknown) => {
    const progress = notifications.progress.parse(raw);
    told.get(progress.token)?.onProgress?.(progress);
  });
  connection.onNotification("written", (raw: unknown) => {
    const written = notifications.written.parse(raw);
    told.get(written.token)?.onWritten?.(written);
  });
  connection.listen();
  return {
    async call(method, params, options = {}) {
      const { signal } = options;
      const token = randomUUID();
      told.set(token, options);
      const cancel = new CancellationTokenSource();
      const abort = () => cancel.cancel();
      if (signal?.aborted) abort();
      else signal?.addEventListener("abort", abort);
      try {
        const result = await connection.sendRequest(method, { token, params }, cancel.token);
        return requests[method].result.parse(result) as Result<typeof method>;
      } catch (error) {
        // A message of which a part was written leaves the engine waiting for the rest: nothing can be said on this connection any more.
        if (isUnwritten(error)) socket.destroy();
        throw answered(error);
      } finally {
        signal?.removeEventListener("abort", abort);
        told.delete(token);
      }
    },
    onEvent(listener) {
      connection.onNotification("event", (raw: unknown) => listener(notifications.event.parse(raw)));
    },
    onClose: (listener) => connection.onClose(listener),
    close: () => connection.end(),
  };
}

/** Whether a request failed because its engine is gone, before it was asked or before it answered. */
export function isCutOff(error: unknown): boolean {
  // A connection that ends rejects what was pending, and what could not be written any more, with errors that look like answers.
  const pending = error instanceof ResponseError && error.code === ErrorCodes.PendingResponseRejected;
  return pending || isUnwritten(error) || error instanceof ConnectionError;
}

function isUnwritten(error: unknown): boolean {
  return error instanceof ResponseError && error.code === ErrorCodes.MessageWriteError;
}

/** The error that an engine answered with; any other error as it is. */
function answered(error: unknown): unknown {
  if (!(error instanceof ResponseError) || isCutOff(error)) return error;
  const { data } = wireErrorSchema.safeParse(error.data);
  return fromWire(data ?? { code: "internal", message: error.message, causes: [] });
}

/**
 * Asks an engine's liveness worker, which answers while the engine computes.
 *
 * @param signal ends the waiting: an engine that is halted takes the question and never answers.
 * @throws the system's error where nobody listens.
 */
export async function askLiveness(
  pipe: string,
  question: keyof typeof livenessRequests,
  signal?: AbortSignal,
): Promise<Ping> {
  const socket = connect(pipe);
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  const connection = connectionOver(socket);
  connection.listen();
  const giveUp = () => socket.destroy();
  signal?.addEventListener("abort", giveUp);
  if (signal?.aborted) giveUp();
  try {
    return pingSchema.parse(await connection.sendRequest(question));
  } finally {
    signal?.removeEventListener("abort", giveUp);
    connection.end();
    connection.dispose();
  }
}
