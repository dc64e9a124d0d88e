import { isUtf8 } from "node:buffer";

/** Bytes that are not a text in the encoding they were read in: why, and on which line. */
export class NotText extends Error {
  override readonly name = "NotText";
  /** 1-based. */
  readonly line: number;

  constructor(line: number, reason: string) {
    super(reason);
    this.line = line;
  }
}

const LF = 0x0a;

const bomEncodings: readonly { readonly bom: readonly number[]; readonly encoding: string | null }[] = [
  { bom: [0xef, 0xbb, 0xbf], encoding: "utf-8" },
  // UTF-32 begins like UTF-16 and must be looked for first. No decoder of it is at hand.
  { bom: [0xff, 0xfe, 0x00, 0x00], encoding: null },
  { bom: [0x00, 0x00, 0xfe, 0xff], encoding: null },
  { bom: [0xff, 0xfe], encoding: "utf-16le" },
  { bom: [0xfe, 0xff], encoding: "utf-16be" },
];
const longestBom = 4;

/**
 * Decodes the bytes of a text piece by piece, strictly: what is no text in its encoding is an error and never U+FFFD. A
 * byte order mark says UTF-8 or UTF-16 and is left out; without one the encoding is the one named, else UTF-8. Other
 * encodings are not guessed: windows-1252, GB18030 and Shift_JIS all give *some* text for the same bytes.
 */
export class TextDecoding {
  private readonly named: string | undefined;
  /** The first bytes, until there are enough of them to look for a byte order mark. */
  private head: Buffer | undefined = Buffer.alloc(0);
  private decoder: TextDecoder | undefined;
  private line = 1;

  /** @param encoding name of the encoding, of those of the WHATWG Encoding Standard */
  constructor(encoding?: string) {
    this.named = encoding;
  }

  /**
   * The text of the next bytes; characters that are cut at their end come with the bytes after them.
   *
   * @throws NotText
   */
  push(bytes: Uint8Array): string {
    if (this.head === undefined) return this.decode(bytes);
    this.head = Buffer.concat([this.head, bytes]);
    return this.head.length < longestBom ? "" : this.begin();
  }

  /**
   * The text of what is left after the last bytes.
   *
   * @throws NotText when a character is cut in the middle.
   */
  end(): string {
    const rest = this.head === undefined ? "" : this.begin();
    try {
      return rest + this.decoder!.decode();
    } catch {
      throw new NotText(this.line, `the file ends in the middle of a ${this.decoder!.encoding} character`);
    }
  }

  private begin(): string {
    const head = this.head!;
    this.head = undefined;
    const found = bomEncodings.find(({ bom }) => bom.every((byte, i) => head[i] === byte));
    if (found?.encoding === null) throw new NotText(1, "the file is UTF-32, which is not read");
    const encoding = found?.encoding ?? this.named ?? "utf-8";
    this.decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
    return this.decode(head.subarray(found?.bom.length ?? 0));
  }

  private decode(bytes: Uint8Array): string {
    let text: string;
    try {
      // Always as a stream: without that, Node 20 takes windows-1252 for Latin-1.
      text = this.decoder!.decode(bytes, { stream: true });
    } catch {
      throw this.notInEncoding(bytes);
    }
    const nul = text.indexOf("\0");
    if (nul >= 0) {
      throw new NotText(
        this.line + countLines(text.slice(0, nul)),
        "the text holds a NUL character: the file is binary, or UTF-16 without a byte order mark",
      );
    }
    this.line += countLines(text);
    return text;
  }

  private notInEncoding(bytes: Uint8Array): NotText {
    const { encoding } = this.decoder!;
    if (encoding !== "utf-8") return new NotText(this.line, `the bytes are not ${encoding}`);
    // A character that was cut between two pieces is told at the line it ends on.
    let line = this.line;
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(LF, at) + 1 || bytes.length;
      const [bad] = invalidBytes(bytes.subarray(at, end));
      if (bad !== undefined) {
        const byte = `0x${bad.toString(16).toUpperCase().padStart(2, "0")}`;
        return new NotText(line, `the byte ${byte} is not UTF-8`);
      }
      at = end;
      line++;
    }
    return new NotText(this.line, "the bytes are not UTF-8");
  }
}

/** The first byte with which a line stops being UTF-8; none where it does not. */
function invalidBytes(line: Uint8Array): number[] {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for (let i = 0; i < line.length; i++) {
    try {
      decoder.decode(line.subarray(i, i + 1), { stream: true });
    } catch {
      // The byte that is wrong may be the one that stands where another was to go on.
      const start = line.subarray(0, i).findLastIndex((byte) => byte < 0x80) + 1;
      return [start < i ? line[start]! : line[i]!];
    }
  }
  return [];
}

function countLines(text: string): number {
  let lines = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines++;
  return lines;
}

/**
 * The text of a whole file's bytes, decoded as by `TextDecoding`.
 *
 * @throws NotText
 */
export function decodeText(bytes: Uint8Array, encoding?: string): string {
  const decoding = new TextDecoding(encoding);
  return decoding.push(bytes) + decoding.end();
}

/**
 * The lines of a log, each by itself, so that one that is damaged loses no other: null for one that is not UTF-8. A byte
 * order mark at the start is left out.
 */
export function* logLines(bytes: Buffer): Generator<string | null> {
  for (let start = 0, first = true; start <= bytes.length; first = false) {
    const end = bytes.indexOf(LF, start);
    const line = bytes.subarray(start, end < 0 ? bytes.length : end);
    const text = isUtf8(line) ? line.toString("utf8") : null;
    yield first && text !== null ? text.replace(/^\uFEFF/, "") : text;
    if (end < 0) return;
    start = end + 1;
  }
}
