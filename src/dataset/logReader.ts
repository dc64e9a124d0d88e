import { isUtf8 } from "node:buffer";
import type { Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { DiscernError } from "../protocol/errors.ts";
import {
  type LabelRecord,
  type LogEntry,
  labelRecordSchema,
  type MergeStep,
  mergeStepSchema,
  type PairRecord,
  pairRecordSchema,
} from "../protocol/label.ts";
import type { Problem } from "./sink.ts";

const LF = 0x0a;

/** So many bytes before the place read up to must still be what they were, or the file has been rewritten. */
const KEPT = 512;

/** So many bytes are parsed before others get the event loop. */
const PIECE = 256 * 1024;

/**
 * What reading on brought: new entries; or all are to be taken anew, because the file was cut or replaced or a merge was undone
 * or redone.
 */
interface News {
  added: LogEntry[];
  anew: boolean;
}

/** Reads a label log on from where it was left: other windows append to it. A file that does not exist is an empty log. */
export class LogReader {
  private readonly path: string;
  private all: LogEntry[] = [];
  private labels: LabelRecord[] = [];
  private pairings: PairRecord[] = [];
  private readonly undoneMerges = new Set<string>();
  private broken: Problem[] = [];
  /** Half a line at the file's end; it may become whole. */
  private half: Problem | undefined;
  /** Bytes and lines read: whole lines only. */
  private offset = 0;
  private lines = 0;
  private last = Buffer.alloc(0);
  private modified = 0;
  private file: string | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /** Every entry read, in the file's order, those of merges that are undone among them. */
  get entries(): readonly LogEntry[] {
    return this.all;
  }

  /** Every decision read that counts, in the file's order. */
  get decisions(): LabelRecord[] {
    return this.labels;
  }

  /** Every naming of a pair read that counts, in the file's order. */
  get pairs(): readonly PairRecord[] {
    return this.pairings;
  }

  /** The lines that could not be read. */
  get problems(): Problem[] {
    return this.half ? [...this.broken, this.half] : this.broken;
  }

  /**
   * Reads what was appended since the last time.
   *
   * @param until bytes of the file that are looked at; a log only grows, so its beginning is what it once was.
   * @throws DiscernError "dataset-unreadable" when the file exists and can not be read.
   */
  async read(until = Number.POSITIVE_INFINITY): Promise<News> {
    try {
      await using file = await open(this.path);
      const stats = await file.stat();
      const anew = !(await this.goesOn(file, stats));
      if (anew) this.reset();
      const added = await this.readOn(file, Math.min(stats.size, until));
      return { added, anew: anew || added.some(isMergeStep) };
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") {
        const anew = this.offset > 0;
        this.reset();
        return { added: [], anew };
      }
      const message = `${this.path} can not be read: ${(cause as Error).message}`;
      throw new DiscernError("dataset-unreadable", message, { cause });
    }
  }

  /** Whether the file is the one read before, with nothing of what was read changed. */
  private async goesOn(file: FileHandle, { ino, dev, size, mtimeMs }: Stats): Promise<boolean> {
    const name = `${dev}:${ino}`;
    const same = this.file === name;
    const changedInPlace = size === this.offset && mtimeMs !== this.modified;
    this.file = name;
    this.modified = mtimeMs;
    if (this.offset === 0) return true;
    if (!same || changedInPlace || size < this.offset) return false;
    const last = Buffer.alloc(this.last.length);
    await file.read(last, 0, last.length, this.offset - last.length);
    return last.equals(this.last);
  }

  private reset(): void {
    this.all = [];
    this.labels = [];
    this.pairings = [];
    this.undoneMerges.clear();
    this.broken = [];
    this.half = undefined;
    this.offset = 0;
    this.lines = 0;
    this.last = Buffer.alloc(0);
  }

  private async readOn(file: FileHandle, size: number): Promise<LogEntry[]> {
    const before = this.all.length;
    let rest = Buffer.alloc(0);
    for (let at = this.offset; at < size; ) {
      const piece = Buffer.alloc(Math.min(PIECE, size - at));
      const { bytesRead } = await file.read(piece, 0, piece.length, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      const bytes = Buffer.concat([rest, piece.subarray(0, bytesRead)]);
      const end = bytes.lastIndexOf(LF) + 1;
      for (let start = 0; start < end; ) {
        const stop = bytes.indexOf(LF, start);
        this.take(bytes.subarray(start, stop));
        start = stop + 1;
      }
      this.goOnAfter(bytes.subarray(0, end));
      rest = bytes.subarray(end);
    }
    this.takeRest(rest);
    return this.all.slice(before);
  }

  private goOnAfter(bytes: Buffer): void {
    this.offset += bytes.length;
    this.last = Buffer.concat([this.last, bytes.subarray(-KEPT)]).subarray(-KEPT);
  }

  /** A person's editor may have left out the last line break; what is a whole record is no beginning of another. */
  private takeRest(rest: Buffer): void {
    this.half = undefined;
    const found = parseLine(rest, this.offset === 0);
    if (found === undefined) return;
    if (typeof found === "string") {
      this.half = { line: this.lines + 1, message: found };
      return;
    }
    this.add(found);
    // Its line is counted when its line break comes.
    this.goOnAfter(rest);
  }

  private take(line: Buffer): void {
    this.lines++;
    const found = parseLine(line, this.lines === 1);
    if (typeof found === "string") this.broken.push({ line: this.lines, message: found });
    else if (found !== undefined) this.add(found);
  }

  private add(entry: LogEntry): void {
    this.all.push(entry);
    if (!isMergeStep(entry)) {
      this.count(entry);
      return;
    }
    const merge = mergeOf(entry)!;
    if (entry.undo) this.undoneMerges.add(merge);
    else this.undoneMerges.delete(merge);
    this.labels = [];
    this.pairings = [];
    for (const each of this.all) if (!isMergeStep(each)) this.count(each);
  }

  /** Takes an entry among those that count, unless its merge is undone. */
  private count(entry: LabelRecord | PairRecord): void {
    const merge = mergeOf(entry);
    if (merge !== undefined && this.undoneMerges.has(merge)) return;
    if (isPairing(entry)) this.pairings.push(entry);
    else this.labels.push(entry);
  }
}

/** Whether an entry undoes or redoes a merge. */
export function isMergeStep(entry: LogEntry): entry is MergeStep {
  return "merge" in entry;
}

/** Whether an entry names a pair. */
export function isPairing(entry: LogEntry): entry is PairRecord {
  return "pair" in entry;
}

/** The merge that an entry belongs to, or that it undoes or redoes, as one name. */
export function mergeOf(entry: LogEntry): string | undefined {
  if (isMergeStep(entry)) return `${entry.by} ${Date.parse(entry.merge)}`;
  return entry.merged && `${entry.merged.by} ${Date.parse(entry.merged.at)}`;
}

/** The entry of a line, or in words why it is none; undefined for a blank one. */
function parseLine(line: Buffer, isFirst: boolean): LogEntry | string | undefined {
  if (!isUtf8(line)) return "not a label record: the line is not UTF-8";
  // Some editors write a byte order mark.
  const text = line.toString("utf8").replace(isFirst ? /^\uFEFF/ : "", "");
  if (text.trim() === "") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "not a label record: the line is not JSON";
  }
  const { data, error } = schemaOf(value).safeParse(value);
  return (
    data ??
    `not a label record: ${error!.issues.map(({ path, message }) => `${path.join(".") || "the line"}: ${message}`).join("; ")}`
  );
}

/** What a line is held against: decisions are by far the most. */
function schemaOf(value: unknown) {
  if (typeof value !== "object" || value === null || "label" in value) return labelRecordSchema;
  if ("pair" in value) return pairRecordSchema;
  return "merge" in value ? mergeStepSchema : labelRecordSchema;
}
