const LF = 0x0a;
const CR = 0x0d;

/** Bytes since the last record that are kept at most: far more than any record has. */
const MOST = 32 * 1024 * 1024;

/** The bytes of a file since its last whole record, so that reading can go on after one that never ends. */
export class Tail {
  private chunks: Buffer[] = [];
  /** Offsets in the file of the first byte held, of the first that is wanted, and after the last. */
  private start = 0;
  private from = 0;
  private end = 0;
  private lost = false;

  /** Takes the next bytes of the file. */
  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.end += chunk.length;
    if (this.end - this.from > MOST) {
      this.lost = true;
      this.from = this.end;
    }
    while (this.chunks[0] && this.start + this.chunks[0].length <= this.from) {
      this.start += this.chunks.shift()!.length;
    }
  }

  /** Whether more bytes came since the last record than are kept. */
  get isLost(): boolean {
    return this.lost;
  }

  /** Lets the bytes before an offset in the file go. */
  letGo(offset: number): void {
    this.from = Math.max(this.from, offset);
  }

  /** What follows the first line that is not blank; null where more was to be held than is kept. */
  afterFirstLine(): Buffer | null {
    if (this.lost) return null;
    const bytes = Buffer.concat(this.chunks).subarray(this.from - this.start);
    const isBreak = (at: number) => bytes[at] === LF || bytes[at] === CR;
    let at = 0;
    while (at < bytes.length && isBreak(at)) at++;
    while (at < bytes.length && !isBreak(at)) at++;
    if (bytes[at] === CR && bytes[at + 1] === LF) at++;
    return bytes.subarray(at + 1);
  }
}
