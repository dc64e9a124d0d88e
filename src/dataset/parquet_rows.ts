import { basename } from "node:path";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from "hyparquet";
import { DiscernError } from "../protocol/errors.ts";
import { ObjectRows, type RowSink } from "./sink.ts";

const compressors = {
  GZIP: (input: Uint8Array) => gunzipSync(input),
  BROTLI: (input: Uint8Array) => brotliDecompressSync(input),
  ZSTD: (input: Uint8Array) => zstdDecompressSync(input),
};

/**
 * Reads a Parquet file, whole or only its first rows. A row's line is its number.
 *
 * @throws DiscernError "dataset-unreadable" when it is no Parquet file.
 */
export async function readParquet(path: string, sink: RowSink, limit?: number): Promise<void> {
  const rows = new ObjectRows(sink);
  const objects = await orUnreadable(path, async () => {
    const file = await asyncBufferFromFile(path);
    return parquetReadObjects({ file, compressors, ...(limit !== undefined && { rowEnd: limit }) });
  });
  for (const [i, object] of objects.entries()) rows.add(i + 1, object);
  rows.end();
}

/**
 * The columns of text of a Parquet file, from its footer alone.
 *
 * @throws DiscernError "dataset-unreadable" when it is no Parquet file.
 */
export async function parquetTextColumns(path: string): Promise<string[]> {
  return orUnreadable(path, async () => {
    const { children } = parquetSchema(await parquetMetadataAsync(await asyncBufferFromFile(path)));
    return children
      .map(({ element }) => element)
      .filter(({ type }) => type === "BYTE_ARRAY")
      .map(({ name }) => name);
  });
}

async function orUnreadable<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    const message = `${basename(path)} can not be read as Parquet: ${(cause as Error).message}`;
    throw new DiscernError("dataset-unreadable", message, { cause });
  }
}
