import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { Worker } from "node:worker_threads";
import { DiscernError } from "../protocol/errors.ts";
import { ObjectRows, type RowSink } from "./sink.ts";

/** What the thread that reads Parquet is asked: the columns of text, or the rows, all or the first. */
export interface ParquetAsked {
  readonly path: string;
  readonly wanted: "columns" | { readonly limit: number | undefined };
}

/** What it says. */
export type ParquetTold =
  | { readonly page: true }
  | { readonly rows: readonly Record<string, unknown>[] }
  | { readonly columns: readonly string[] }
  | { readonly end: true }
  | { readonly failure: string };

/** Milliseconds without a page after which a file is taken to be damaged, and bytes that may take one more. */
const SILENCE_MS = 4000;
const BYTES_PER_MS = 5000;

/** Megabytes of values that the thread may hold; more is a damaged count. */
const MOST_MEGABYTES = 4096;

/**
 * Reads a Parquet file, whole or only its first rows. A row's line is its number.
 *
 * @throws DiscernError "dataset-unreadable" when it is not a Parquet file, or a damaged one; the signal's reason when it is
 * aborted.
 */
export async function readParquet(
  path: string,
  sink: RowSink,
  options: { readonly limit?: number; readonly signal?: AbortSignal } = {},
): Promise<void> {
  const rows = new ObjectRows(sink);
  let line = 0;
  await ask({ path, wanted: { limit: options.limit } }, options.signal, (told) => {
    if (!("rows" in told)) return "end" in told;
    for (const row of told.rows) rows.add(++line, row);
    return false;
  });
  rows.end();
}

/**
 * The columns of text of a Parquet file, from its footer alone.
 *
 * @throws DiscernError "dataset-unreadable" when it is not a Parquet file.
 */
export async function parquetTextColumns(path: string): Promise<string[]> {
  let columns: readonly string[] = [];
  await ask({ path, wanted: "columns" }, undefined, (told) => {
    if ("columns" in told) columns = told.columns;
    return "columns" in told;
  });
  return [...columns];
}

/**
 * Has a file read in a thread.
 *
 * @param take what is told, until it says true.
 */
async function ask(
  asked: ParquetAsked,
  signal: AbortSignal | undefined,
  take: (told: ParquetTold) => boolean,
): Promise<void> {
  signal?.throwIfAborted();
  const { size } = await stat(asked.path);
  const silence = SILENCE_MS + size / BYTES_PER_MS;
  const worker = new Worker(workerFile(), {
    workerData: asked,
    resourceLimits: { maxOldGenerationSizeMb: MOST_MEGABYTES },
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (reason: string, cause?: unknown) =>
    reject(
      new DiscernError(
        "dataset-unreadable",
        `${basename(asked.path)} cannot be read as Parquet: ${reason}.`,
        {
          cause,
        },
      ),
    );
  let timer: NodeJS.Timeout | undefined;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => fail("it is damaged, and reading it does not come to an end"), silence);
  };
  const abort = () => reject(signal!.reason);
  // The time counts from when the thread runs: on a busy machine that may be late.
  worker.once("online", wait);
  worker.on("message", (told: ParquetTold) => {
    wait();
    if ("failure" in told) fail(told.failure);
    else if (take(told)) resolve();
  });
  worker.on("error", (error: Error) => fail(error.message, error));
  worker.on("exit", () => fail("its reader ended early"));
  signal?.addEventListener("abort", abort, { once: true });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
    await worker.terminate();
  }
}

/** Beside the bundle, or the source when run from the sources. */
function workerFile(): string {
  const beside = join(import.meta.dirname, "parquetWorker.cjs");
  return existsSync(beside) ? beside : join(import.meta.dirname, "parquetWorker.ts");
}
