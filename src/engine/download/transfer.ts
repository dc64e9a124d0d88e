/**
 * Fetching a file over HTTP, whatever it is: resumed where it stopped, bounded in time, checked by its checksum. `hub.ts` is what the
 * Hugging Face hub's models and data sets have in common.
 */
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { DiscernError } from "../../protocol/errors.ts";
import { fileHash } from "../../storage/hash.ts";

/** What a downloaded file must hash to: SHA-256, or git's blob hash (SHA-1 of a header and the file). */
export interface Checksum {
  readonly kind: "sha256" | "git";
  readonly hex: string;
}

export interface Transfer {
  readonly fetch: typeof fetch;
  readonly signal?: AbortSignal | undefined;
  readonly headers?: Record<string, string>;
  /** How long a server may take to begin its answer, and to send the next bytes. */
  readonly connectMs: number;
  readonly stallMs: number;
  readonly onProgress?: (progress: { file: string; done: number; total: number | null }) => void;
  /** Size that the file must have, where it is known: a server that sends more is not listened to. */
  readonly bytes?: number | undefined;
  /** Where bytes lie until the file is whole; beside the target where left out. On the same disk as the target. */
  readonly part?: string;
  /** What an HTTP status, with the header x-error-code of the hub, means at this server, where more can be said than the number. */
  readonly explain?: (status: number, code: string | null) => DiscernError | null;
}

/** How long servers are waited for, unless told otherwise. */
export const patience: Pick<Transfer, "connectMs" | "stallMs"> = { connectMs: 8_000, stallMs: 60_000 };

/** A connection may break this often before a download gives up; each try goes on where the last one stopped. */
const attempts = 4;

/**
 * Downloads `url` to `target`. Bytes go to `target.part`, or to `transfer.part`; a later call goes on where an interrupted one stopped, if
 * the server can (HTTP Range). The file gets its name only when its checksum is right.
 *
 * @param label what to call the file in messages: a URL may hold a password.
 * @throws DiscernError `download-failed`; `disk-full`. An abort rejects with the signal's reason.
 */
export async function download(
  url: string,
  target: string,
  checksum: Checksum | null,
  label: string,
  transfer: Transfer,
): Promise<void> {
  const part = transfer.part ?? `${target}.part`;
  await mkdir(dirname(target), { recursive: true });
  for (let attempt = 1; ; attempt++) {
    try {
      await fetchInto(url, part, label, transfer);
      break;
    } catch (error) {
      transfer.signal?.throwIfAborted();
      if (errorCode(error) === "ENOSPC") {
        throw new DiscernError(
          "disk-full",
          `The disk is full: ${label} could not be saved to ${dirname(target)}.`,
          {
            cause: error,
          },
        );
      }
      const fatal = error instanceof DiscernError || attempt === attempts || (await sizeOf(part)) === 0;
      if (!fatal) continue;
      if (error instanceof DiscernError) throw error;
      throw new DiscernError("download-failed", `${label}: ${reasonOf(error)}.`, { cause: error });
    }
  }
  await verify(part, checksum, label);
  await rename(part, target);
}

/**
 * `fetch` whose wait for the answer's beginning is bounded, so that an unreachable server is given up quickly.
 *
 * @throws DiscernError `download-failed` when nothing answers in time.
 */
export async function fetchSoon(url: string | URL, init: RequestInit, transfer: Transfer): Promise<Response> {
  const impatience = new AbortController();
  const timer = setTimeout(
    () => impatience.abort(new Error(`no answer within ${transfer.connectMs / 1000} s`)),
    transfer.connectMs,
  );
  const signals = [impatience.signal, transfer.signal, init.signal].filter((each) => each != null);
  try {
    return await transfer.fetch(url, { ...init, signal: AbortSignal.any(signals) });
  } finally {
    clearTimeout(timer);
  }
}

/** Why a fetch failed, in words: Node hides the reason in `cause`. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = errorCode(error.cause);
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "the server's name cannot be resolved";
  if (error.cause instanceof Error) return `${error.message} (${error.cause.message || code})`;
  return error.message;
}

async function fetchInto(url: string, part: string, label: string, transfer: Transfer): Promise<void> {
  const have = await sizeOf(part);
  const stall = new AbortController();
  const headers = {
    ...transfer.headers,
    "accept-encoding": "identity",
    ...(have > 0 ? { range: `bytes=${have}-` } : {}),
  };
  const response = await fetchSoon(url, { headers, signal: stall.signal }, transfer);
  if (response.status === 416) {
    // Nothing is left to send: the part is whole, or belongs to another version of the file.
    const [, size] = /\/(\d+)$/.exec(response.headers.get("content-range") ?? "") ?? [];
    if (Number(size) === have) return;
    await rm(part, { force: true });
    throw new Error("the part that was there did not fit");
  }
  if (!response.ok || response.body === null) {
    throw (
      transfer.explain?.(response.status, response.headers.get("x-error-code")) ??
      new DiscernError("download-failed", `${label}: the server answered ${response.status}.`)
    );
  }
  const resumed = response.status === 206;
  const start = resumed ? have : 0;
  const length = response.headers.get("content-length");
  const total = length === null ? null : start + Number(length);
  refuseSize(total, label, transfer);
  const file = await open(part, resumed ? "a" : "w");
  let done = start;
  const watch = () => setTimeout(() => stall.abort(new Error("the connection stalled")), transfer.stallMs);
  let timer = watch();
  try {
    transfer.onProgress?.({ file: label, done, total });
    for await (const chunk of response.body) {
      clearTimeout(timer);
      await file.writeFile(chunk);
      done += chunk.length;
      if (transfer.bytes !== undefined && done > transfer.bytes) refuseSize(done, label, transfer);
      transfer.onProgress?.({ file: label, done, total });
      timer = watch();
    }
    await file.sync();
  } finally {
    clearTimeout(timer);
    await file.close();
  }
  if (total !== null && done !== total) throw new Error(`expected ${total} bytes, got ${done}`);
}

/** @throws DiscernError `download-failed` where a file is not as large as it must be. */
function refuseSize(found: number | null, label: string, { bytes }: Transfer): void {
  if (bytes === undefined || found === null || found === bytes) return;
  throw new DiscernError(
    "download-failed",
    `${label}: the server offers ${found} bytes, and the file has ${bytes}. The file on the server has changed.`,
  );
}

/** Checks a finished part, and removes it when it is wrong: resuming it could never mend it. */
async function verify(part: string, checksum: Checksum | null, label: string): Promise<void> {
  if (checksum === null) return;
  const found = await hashOf(part, checksum.kind);
  if (found === checksum.hex) return;
  await rm(part, { force: true });
  throw new DiscernError(
    "download-failed",
    `${label}: the checksum is wrong (expected ${checksum.hex}, found ${found}). ` +
      "The download was removed; try again, and if it stays so the file on the server has changed.",
  );
}

async function hashOf(path: string, kind: Checksum["kind"]): Promise<string> {
  if (kind === "sha256") return fileHash(path);
  return fileHash(path, { algorithm: "sha1", prefix: `blob ${(await stat(path)).size}\0` });
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0;
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
