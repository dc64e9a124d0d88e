import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";

/** SHA-256 of bytes, or of a text's UTF-8, as hexadecimal digits. */
export function sha256(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}

export interface FileHashOptions {
  readonly algorithm?: "sha256" | "sha1";
  /** Hashed before the content, as git does. */
  readonly prefix?: string;
  /** Called before each chunk; what it throws ends the reading. */
  readonly check?: (() => void) | undefined;
}

/** Hash of a file's content as hexadecimal digits, SHA-256 by default; the file is read in chunks. @throws as `fs` does. */
export async function fileHash(
  path: string,
  { algorithm = "sha256", prefix = "", check }: FileHashOptions = {},
): Promise<string> {
  const hash = createHash(algorithm).update(prefix);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    check?.();
    hash.update(chunk as Buffer);
  }
  return hash.digest("hex");
}
