import { parentPort, workerData } from "node:worker_threads";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from "hyparquet";
import type { ParquetAsked, ParquetTold } from "./parquetRows.ts";

/*
 * Reads a Parquet file for `parquetRows.ts` in a thread of its own. The library loops without end, or asks for all the
 * memory there is, on some damaged files, and rejects promises that nobody waits for: here it can be ended.
 */

const compressors = {
  GZIP: (input: Uint8Array) => gunzipSync(input),
  BROTLI: (input: Uint8Array) => brotliDecompressSync(input),
  ZSTD: (input: Uint8Array) => zstdDecompressSync(input),
};

/** Rows of one message. */
const BATCH = 5000;

const tell = (told: ParquetTold) => parentPort!.postMessage(told);

async function read({ path, wanted }: ParquetAsked): Promise<void> {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file);
  if (wanted === "columns") {
    const { children } = parquetSchema(metadata);
    const columns = children
      .map(({ element }) => element)
      .filter(({ type }) => type === "BYTE_ARRAY")
      .map(({ name }) => name);
    tell({ columns });
    return;
  }
  const objects = await parquetReadObjects({
    file,
    metadata,
    compressors,
    onPage: () => tell({ page: true }),
    ...(wanted.limit !== undefined && { rowEnd: wanted.limit }),
  });
  const promised = Math.min(Number(metadata.num_rows), wanted.limit ?? Number.POSITIVE_INFINITY);
  if (objects.length !== promised) {
    throw new Error(`its footer promises ${promised} rows and its data has ${objects.length}`);
  }
  for (let from = 0; from < objects.length; from += BATCH) tell({ rows: objects.slice(from, from + BATCH) });
  tell({ end: true });
}

read(workerData as ParquetAsked).catch((error: Error) => tell({ failure: error.message }));
