import { closeSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { type NewRunEvent, type RunEvent, runEventSchema } from "../protocol/events.ts";
import { logLines } from "../storage/text.ts";
import { goneFailure, writeFailure } from "./failures.ts";

/**
 * The event log of a run, `events.jsonl`: one event a line, appended by one write each, never changed. What a crash
 * left half-written at its end is kept in `events.corrupt` and skipped by readers; the log continues below it.
 */
export class EventLog {
  private readonly path: string;
  private readonly file: number;
  private next: number;

  private constructor(path: string, file: number, next: number) {
    this.path = path;
    this.file = file;
    this.next = next;
  }

  /**
   * @param path of `events.jsonl`; made where there is none.
   * @returns the log, the events it holds, and the damaged last line if there was one.
   * @throws DiscernError `run-unwritable`, `disk-full`.
   */
  static open(path: string): { log: EventLog; events: RunEvent[]; damaged: string | null } {
    try {
      const file = openSync(path, "a");
      const text = readFileSync(path, "utf8");
      const lines = text.split("\n");
      const whole = lines.at(-1) === "";
      if (whole) lines.pop();
      const events = lines.flatMap((line) => parseEvent(line) ?? []);
      const last = lines.at(-1);
      const damaged = last !== undefined && (!whole || !parseEvent(last)) ? last : null;
      if (damaged !== null) {
        const aside = openSync(path.replace(/jsonl$/, "corrupt"), "a");
        writeSync(aside, `${damaged}\n`);
        fsyncSync(aside);
        closeSync(aside);
      }
      if (!whole) writeSync(file, "\n");
      return { log: new EventLog(path, file, (events.at(-1)?.seq ?? -1) + 1), events, damaged };
    } catch (error) {
      throw writeFailure(error, path);
    }
  }

  /** @throws DiscernError `disk-full`, `run-unwritable`, also when the log was deleted or moved since it was opened. */
  append(event: NewRunEvent): RunEvent {
    // Through the schema, so that nothing is written that a reader would refuse; a new event has the header first.
    const full = runEventSchema.parse({
      seq: this.next,
      at: new Date().toISOString(),
      ...finite(event),
    });
    const line = Buffer.from(`${JSON.stringify(full)}\n`);
    try {
      // An open file can be written after it was deleted. Nobody would see the run that continues so.
      if (statSync(this.path, { throwIfNoEntry: false }) === undefined) {
        throw goneFailure(this.path);
      }
      if (writeSync(this.file, line) < line.length) {
        throw Object.assign(new Error("short write"), { code: "ENOSPC" });
      }
    } catch (error) {
      throw writeFailure(error, this.path);
    }
    this.next += 1;
    return full;
  }

  close(): void {
    fsyncSync(this.file);
    closeSync(this.file);
  }
}

/** NaN and infinity become null: JSON has neither. */
function finite<T>(value: T): T {
  if (typeof value === "number") return (Number.isFinite(value) ? value : null) as T;
  if (Array.isArray(value)) return value.map(finite) as T;
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, finite(inner)])) as T;
  }
  return value;
}

function parseEvent(line: string): RunEvent | null {
  try {
    return runEventSchema.parse(JSON.parse(line));
  } catch {
    return null;
  }
}

/** A log of events as read: all of them, and the lines that are none. */
export interface ReadEvents {
  readonly events: RunEvent[];
  /** 1-based numbers of damaged lines, as a crash or another program leaves them. */
  readonly damaged: number[];
}

/** Reads a log of events; empty where there is none. */
export function readEventLog(path: string): ReadEvents {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    return { events: [], damaged: [] };
  }
  const events: RunEvent[] = [];
  const damaged: number[] = [];
  let number = 0;
  for (const line of logLines(bytes)) {
    number++;
    if (line?.trim() === "") continue;
    const event = line === null ? null : parseEvent(line);
    if (event) events.push(event);
    else damaged.push(number);
  }
  return { events, damaged };
}

/** The events of a log, for readers that can do without those that are damaged. Empty where there is no log. */
export function readEvents(path: string): RunEvent[] {
  return readEventLog(path).events;
}

/**
 * Reads a log as it grows. It holds its place in the file and the last line that is not whole yet, and nothing else, so
 * that a log of any length costs its reader no memory.
 */
export class EventReader {
  private readonly path: string;
  private position = 0;
  private rest = "";
  private decoder = new TextDecoder();

  /** @param path of `events.jsonl`; it need not exist yet. */
  constructor(path: string) {
    this.path = path;
  }

  /**
   * The events that were appended since the last call; all of them at the first. A log that became shorter is another
   * one, begun anew, and read from its start: its first event is `run-started`.
   */
  async *read(): AsyncGenerator<RunEvent> {
    const file = await open(this.path, "r").catch(() => null);
    if (!file) return;
    try {
      if ((await file.stat()).size < this.position) {
        this.position = 0;
        this.rest = "";
        this.decoder = new TextDecoder();
      }
      const buffer = new Uint8Array(1 << 16);
      for (;;) {
        const { bytesRead } = await file.read(buffer, 0, buffer.length, this.position);
        if (bytesRead === 0) return;
        this.position += bytesRead;
        const text = this.decoder.decode(buffer.subarray(0, bytesRead), { stream: true });
        const lines = (this.rest + text).split("\n");
        this.rest = lines.pop() ?? "";
        for (const line of lines) {
          const event = parseEvent(line);
          if (event) yield event;
        }
      }
    } finally {
      await file.close();
    }
  }
}
