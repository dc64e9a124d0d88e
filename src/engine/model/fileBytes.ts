import { type FileHandle, open } from "node:fs/promises";
import { DiscernError } from "../../protocol/errors.ts";

/** Opens a file to be read, and closes it afterwards. @throws DiscernError `file-missing`; what `use` throws. */
export async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (cause) {
    throw new DiscernError("file-missing", `${path} cannot be opened.`, { cause });
  }
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/**
 * Fills `bytes` with those of a file from `position` on.
 *
 * @param what is read, such as `model.gguf: tensor "output.weight"`.
 * @throws DiscernError `weights-invalid` where the file ends before.
 */
export async function readAt(
  file: FileHandle,
  bytes: Uint8Array,
  position: number,
  what: string,
): Promise<Uint8Array> {
  for (let done = 0; done < bytes.length; ) {
    const most = Math.min(1 << 28, bytes.length - done);
    const { bytesRead } = await file.read(bytes, done, most, position + done);
    if (bytesRead === 0) {
      throw new DiscernError("weights-invalid", `${what}: expected ${bytes.length} bytes, found ${done}.`);
    }
    done += bytesRead;
  }
  return bytes;
}
