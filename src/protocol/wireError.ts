import * as z from "zod";
import { DiscernError, errorCodes } from "./errors.ts";

/** Links of a chain of causes that travel; chains are short, unless an error is its own cause. */
const most = 8;

const causeSchema = z.object({
  name: z.string(),
  message: z.string(),
  /** Code of the system or a library, such as ENOSPC. */
  code: z.string().optional(),
  /** Where it arose in the engine. */
  stack: z.string().optional(),
});

/**
 * An error on its way from one process to another: `data` of a JSON-RPC error, and what a run's own process says to the one
 * that started it. `causes` begins with what the message comes from, for `internal` with the error itself, and ends with
 * the first cause of all.
 */
export const wireErrorSchema = z.object({
  code: z.enum([...errorCodes, "cancelled", "internal"]),
  message: z.string(),
  causes: z.array(causeSchema).default([]),
});
export type WireError = z.input<typeof wireErrorSchema>;

/** A request that its client cancelled. */
export class RequestCancelled extends Error {
  override readonly name = "RequestCancelled";

  constructor() {
    super("The request was cancelled.");
  }
}

/** An error that nobody foresaw, and that arose in another process; its causes say where. */
export class InternalError extends Error {
  override readonly name = "InternalError";
}

/** What travels of an error. */
export function toWire(error: unknown): WireError {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof RequestCancelled) return { code: "cancelled", message };
  if (error instanceof DiscernError) return { code: error.code, message, causes: causesOf(error.cause) };
  return { code: "internal", message, causes: causesOf(error) };
}

/** An error of another process as one of this process: of the same class and code where it is one of Discern's. */
export function fromWire({ code, message, causes }: z.output<typeof wireErrorSchema>): Error {
  const cause = causes.reduceRight<Error | undefined>((inner, link) => {
    const { name, message, code, stack } = link;
    const error = new Error(message, inner && { cause: inner });
    return Object.assign(
      error,
      { name, stack: stack ?? `${name}: ${message}` },
      code === undefined ? {} : { code },
    );
  }, undefined);
  const options = cause && { cause };
  if (code === "cancelled") return new RequestCancelled();
  return code === "internal" ? new InternalError(message, options) : new DiscernError(code, message, options);
}

function causesOf(first: unknown): z.input<typeof causeSchema>[] {
  const causes: z.input<typeof causeSchema>[] = [];
  for (let error = first; error !== undefined && error !== null && causes.length < most; ) {
    if (!(error instanceof Error)) {
      causes.push({ name: typeof error, message: String(error) });
      break;
    }
    const { name, stack } = error;
    const code = (error as { code?: unknown }).code;
    const message = withoutText(error);
    causes.push({
      name,
      message,
      ...(typeof code === "string" ? { code } : {}),
      // A person's mistake is told by its message. A stack begins with the message, which may have been shortened.
      ...(error instanceof DiscernError || stack === undefined
        ? {}
        : { stack: stack.replace(error.message, () => message) }),
    });
    error = error.cause;
  }
  return causes;
}

/**
 * The message of an error without pieces of the text that could not be parsed, which JavaScript's own parser cites: it may be
 * a prompt, and causes are written to logs.
 */
function withoutText({ name, message }: Error): string {
  return name === "SyntaxError" ? message.replace(/(\.\.\.)?".*"(\.\.\.)?/s, '"…"') : message;
}
