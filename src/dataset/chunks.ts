import { open, stat } from "node:fs/promises";
import { basename } from "node:path";
import { setImmediate } from "node:timers/promises";
import { DiscernError } from "../protocol/errors.ts";

/** Bytes of a file or an editor's text, piece by piece. */
export type Chunks = AsyncIterable<Buffer>;

/** How reading can be watched and ended. */
export interface Watch {
  signal?: AbortSignal;
  /** Told after each piece. */
  onProgress?: (bytesRead: number, totalBytes: number) => void;
}

/** Small enough that parsing one piece does not hold up an editor, large enough that pieces cost nothing. */
const CHUNK = 128 * 1024;

/**
 * The bytes of a file.
 *
 * @param limit reads only so many bytes of the file's start
 * @throws DiscernError "file-missing", or "dataset-unreadable" when it is a folder or can not be read; the signal's
 * reason when it is aborted.
 */
export async function* chunksOfFile(path: string, watch: Watch = {}, limit?: number): Chunks {
  await requireFile(path);
  try {
    await using file = await open(path);
    const size = Math.min((await file.stat()).size, limit ?? Number.POSITIVE_INFINITY);
    for (let at = 0; at < size; ) {
      watch.signal?.throwIfAborted();
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK, size - at));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
      watch.onProgress?.(at, size);
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).syscall === undefined) throw cause;
    const message = `${path} can not be read: ${(cause as Error).message}`;
    throw new DiscernError("dataset-unreadable", message, { cause });
  }
}

/** The bytes of a text. */
export function chunksOfText(text: string, watch: Watch = {}): Chunks {
  return chunksOfBytes(Buffer.from(text), watch);
}

/** Bytes piece by piece; between two pieces whoever else waits for the event loop gets it. */
export async function* chunksOfBytes(bytes: Buffer, watch: Watch = {}): Chunks {
  for (let at = 0; at < bytes.length; at += CHUNK) {
    watch.signal?.throwIfAborted();
    const chunk = bytes.subarray(at, at + CHUNK);
    yield chunk;
    watch.onProgress?.(at + chunk.length, bytes.length);
    await setImmediate();
  }
}

/** All bytes as one text, without a byte order mark. */
export async function textOf(chunks: Chunks): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of chunks) pieces.push(piece);
  return Buffer.concat(pieces)
    .toString("utf8")
    .replace(/^\uFEFF/, "");
}

/**
 * @throws DiscernError "file-missing", or "dataset-unreadable" when the path is that of a folder.
 */
export async function requireFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => {
    throw new DiscernError("file-missing", `There is no prompt file ${path}. Check the path.`);
  });
  if (found.isDirectory()) {
    throw new DiscernError("dataset-unreadable", `${basename(path)} is a folder. Name a file inside it.`);
  }
}
