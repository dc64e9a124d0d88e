import { open, stat } from "node:fs/promises";
import { basename } from "node:path";
import { setImmediate } from "node:timers/promises";
import { DiscernError } from "../protocol/errors.ts";
import { NotText, TextDecoding } from "../storage/text.ts";
import { missingFiles } from "./missingFiles.ts";

/** Bytes of a file or an editor's text, piece by piece. */
export type Chunks = AsyncIterable<Buffer>;

/** The text of a file piece by piece, without a byte order mark; no piece ends inside a character. */
export type Texts = AsyncIterable<string>;

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

/** How bytes are decoded. */
export interface Encoding {
  /** Name of the encoding of a text without a byte order mark; UTF-8 where it is left out. */
  encoding?: string | undefined;
  /** Whether the bytes are only the start of the file, and may end inside a character. */
  isStart?: boolean;
}

/**
 * The text that bytes hold, decoded strictly (`storage/text.ts`).
 *
 * @param file name of the file, for messages
 * @throws DiscernError "dataset-unreadable" with the line where the bytes are not text in that encoding.
 */
export async function* textsOf(chunks: Chunks, file: string, { encoding, isStart }: Encoding = {}): Texts {
  const decoding = new TextDecoding(encoding);
  try {
    for await (const chunk of chunks) {
      const text = decoding.push(chunk);
      if (text !== "") yield text;
    }
    const rest = isStart ? "" : decoding.end();
    if (rest !== "") yield rest;
  } catch (cause) {
    throw cause instanceof NotText ? undecodable(file, cause) : cause;
  }
}

/** The failure of a prompt file whose bytes are not text. */
export function undecodable(file: string, cause: NotText): DiscernError {
  return new DiscernError(
    "dataset-unreadable",
    `${file}:${cause.line}: ${cause.message}. Save the file as UTF-8, or name its encoding: "encoding": "windows-1252" in ` +
      `a source of a recipe, ${file}?encoding=windows-1252 on the command line.`,
    { cause },
  );
}

/** Characters above which V8 holds no string. */
const MOST_CHARACTERS = 2 ** 29 - 24;

/**
 * All pieces as one text.
 *
 * @throws DiscernError "dataset-unreadable" for a text that is too long to be held at once.
 */
export async function wholeText(texts: Texts, file: string): Promise<string> {
  const pieces: string[] = [];
  let length = 0;
  for await (const piece of texts) {
    pieces.push(piece);
    length += piece.length;
    if (length > MOST_CHARACTERS) {
      throw new DiscernError(
        "dataset-unreadable",
        `${file} is larger than 512 million characters, and JSON is read whole. Convert it to JSON Lines (.jsonl).`,
      );
    }
  }
  return pieces.join("");
}

/**
 * @throws DiscernError "file-missing", or "dataset-unreadable" when the path is that of a folder.
 */
export async function requireFile(path: string): Promise<void> {
  const found = await stat(path).catch(async () => {
    throw await missingFiles([path]);
  });
  if (found.isDirectory()) {
    throw new DiscernError("dataset-unreadable", `${basename(path)} is a folder. Name a file inside it.`);
  }
}
