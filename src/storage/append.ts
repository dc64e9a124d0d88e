import { open } from "node:fs/promises";

/**
 * Appends lines with one write in append mode and an fsync, so that several processes can share a log. Where the file
 * ends in half a line, as after a crash, the new ones start on a line of their own; the half stays as it is.
 *
 * @param lines without line breaks
 * @throws the file system's own error (ENOSPC, EACCES, …).
 */
export async function appendLines(path: string, lines: readonly string[]): Promise<void> {
  const file = await open(path, "a+");
  try {
    const { size } = await file.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await file.read(last, 0, 1, size - 1);
    const opening = size > 0 && last.toString() !== "\n" ? "\n" : "";
    const bytes = Buffer.from(`${opening}${lines.join("\n")}\n`);
    // One write is all it takes, but for a disk that is nearly full or a signal in between.
    for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done)).bytesWritten;
    await file.sync();
  } finally {
    await file.close();
  }
}
