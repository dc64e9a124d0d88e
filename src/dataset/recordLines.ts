const LF = 0x0a;
const CR = 0x0d;

/**
 * More than the longest run of bytes that a CSV parser keeps back at the end of a piece, to see whether a line break or
 * quote goes on in the next.
 */
const KEPT_BACK = 16;

/**
 * The 1-based line on which each record of a CSV file starts, from the offsets at which records end. Bytes are looked at
 * once and let go; a quoted field may hold line breaks, and blank lines may stand between records. CRLF, LF and a lone CR
 * each end a line, as in an editor.
 */
export class RecordLines {
  private bytes: Buffer = Buffer.alloc(0);
  /** Offset in the file of the first byte held. */
  private offset = 0;
  /** Bytes before it are counted. */
  private counted = 0;
  private afterCr = false;
  /** Line of the next byte. */
  private line: number;
  /** Line of the first byte since the last record that ends no line. */
  private start: number | undefined;

  /** @param line of the first byte */
  constructor(line = 1) {
    this.line = line;
  }

  /** Takes the bytes that the parser gets next. */
  push(chunk: Buffer): void {
    this.countTo(this.offset + this.bytes.length - KEPT_BACK);
    const kept = this.bytes.subarray(Math.max(0, this.counted - this.offset));
    this.offset = Math.max(this.offset, this.counted);
    this.bytes = kept.length === 0 ? chunk : Buffer.concat([kept, chunk]);
  }

  /** The line on which the record starts whose last byte, line break included, is the one before `offset`. */
  startOfRecordThatEndsAt(offset: number): number {
    this.countTo(offset);
    const line = this.start ?? this.line;
    this.start = undefined;
    return line;
  }

  private countTo(offset: number): void {
    const end = Math.min(offset, this.offset + this.bytes.length) - this.offset;
    for (let i = this.counted - this.offset; i < end; i++) {
      const byte = this.bytes[i];
      if (byte === LF) {
        if (!this.afterCr) this.line++;
      } else if (byte === CR) {
        this.line++;
      } else {
        this.start ??= this.line;
      }
      this.afterCr = byte === CR;
    }
    this.counted = Math.max(this.counted, this.offset + Math.max(0, end));
  }
}
