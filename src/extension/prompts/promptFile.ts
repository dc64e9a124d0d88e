import type { Uri } from "vscode";
import type { Decision } from "../../dataset/decisions.ts";
import { LabelFile } from "../../dataset/labelFile.ts";
import { labelLogPath, withDecision } from "../../dataset/labels.ts";
import { readLayout } from "../../dataset/layout.ts";
import { type Orphan, orphansOf } from "../../dataset/orphans.ts";
import { type Prompts, type ReadOptions, readPrompts } from "../../dataset/read.ts";
import type { PromptRecord } from "../../dataset/record.ts";
import type { Problem } from "../../dataset/sink.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { Label } from "../../protocol/label.ts";
import type { Layout } from "../../protocol/source.ts";
import { counted } from "../../wording/numbers.ts";

/**
 * How far a prompt file is read: `unclear` waits for a person to choose the columns, `large` for a person to ask for
 * it, `empty` was read and has no prompt, `failed` could not be read.
 */
export type ReadState = WaitingState | "reading" | "ready";

/** How a file is found before it is read. */
export type WaitingState = "unread" | "unclear" | "large" | "empty" | "failed";

/** A prompt file of the workspace, its prompts once it is read, and its label log. */
export class PromptFile {
  readonly uri: Uri;
  /** As shown: relative to the workspace, absolute outside of it. */
  readonly path: string;
  readonly labels: LabelFile;
  private currentState: ReadState;
  private currentFailure: string | undefined;
  private currentRecords: readonly PromptRecord[] = [];
  private currentProblems: readonly Problem[] = [];
  private currentUnpaired: readonly Problem[] = [];
  private brokenRows = 0;
  private currentLayout: Layout = {};
  private byId = new Map<string, PromptRecord>();
  private reading: Promise<void> | undefined;
  private again = false;
  /** Words of labelled prompts that this window saw before they were edited: older logs do not keep them. */
  private readonly formerWords = new Map<string, string>();
  private knownOrphans:
    | {
        readonly records: readonly PromptRecord[];
        readonly lines: number;
        readonly orphans: readonly Orphan[];
      }
    | undefined;

  /** @param failure why it gives no prompts, where it was found empty or could not be read */
  constructor(uri: Uri, path: string, state: WaitingState = "unread", failure?: string) {
    this.uri = uri;
    this.path = path;
    this.labels = new LabelFile(labelLogPath(uri.fsPath));
    this.currentState = state;
    this.currentFailure = failure;
  }

  get state(): ReadState {
    return this.currentState;
  }

  /** Why the file could not be read or has no prompts, in words. */
  get failure(): string | undefined {
    return this.currentFailure;
  }

  /** The prompts as the file says, in its order; empty until it is read. */
  get records(): readonly PromptRecord[] {
    return this.currentRecords;
  }

  /** Lines that could not be used, and why. */
  get problems(): readonly Problem[] {
    return this.currentProblems;
  }

  /** How many rows could not be used; also of a file of which no more than that is known. */
  get broken(): number {
    return this.brokenRows;
  }

  /** Prompts whose counterpart the file does not have, and why. */
  get unpaired(): readonly Problem[] {
    return this.currentUnpaired;
  }

  /** How a person chose that the file is read, as it was read last; empty where nobody did. */
  get layout(): Layout {
    return this.currentLayout;
  }

  /** The label that holds for a prompt: a person's decision, else the file's. */
  labelOf(record: PromptRecord): Label | undefined {
    return withDecision(record, this.decisionOf(record.id)).label;
  }

  /** The decision that holds for a prompt. */
  decisionOf(id: string): Decision | undefined {
    return this.labels.current.get(id);
  }

  /** The labels whose prompts the file no longer holds; none until it is read. */
  get orphans(): readonly Orphan[] {
    if (this.currentState !== "ready") return [];
    const { current, decisions } = this.labels;
    const known = this.knownOrphans;
    // Looked for again only when something changed: a view asks often.
    if (known && known.records === this.currentRecords && known.lines === this.labels.entries.length)
      return known.orphans;
    const orphans = orphansOf(
      { current, decisions },
      (id) => this.byId.has(id),
      (id) => this.formerWords.get(id),
    );
    this.knownOrphans = { records: this.currentRecords, lines: this.labels.entries.length, orphans };
    return orphans;
  }

  /** The first prompt of the file with this id. */
  find(id: string): PromptRecord | undefined {
    return this.byId.get(id);
  }

  /** Says that the file waits for a person, before it was read. */
  wait(state: "unclear" | "large"): void {
    if (this.currentState === "unread") this.currentState = state;
  }

  /**
   * Reads the prompts and the label log, or waits for those who do. A file that is already read keeps its prompts until the
   * new ones are there.
   *
   * @throws DiscernError as `readPrompts`, or the signal's reason; the state says the same.
   */
  async read(options: ReadOptions = {}): Promise<void> {
    if (this.reading) return this.reading;
    const before = this.currentState;
    if (before !== "ready") this.currentState = "reading";
    this.reading = this.readUntilStill(options)
      .catch((error: unknown) => {
        if (options.signal?.aborted) this.currentState = before;
        else this.fail(error);
        throw error;
      })
      .finally(() => {
        this.reading = undefined;
      });
    return this.reading;
  }

  /**
   * Reads a file that nobody opened yet to see whether it can be read, and keeps nothing but what is wrong with it.
   *
   * @returns whether that is another thing than before
   */
  async examine(options: ReadOptions = {}): Promise<boolean> {
    if (this.currentState !== "unread") return false;
    const before = this.brokenRows;
    const path = this.uri.fsPath;
    const found = await readLayout(path)
      .then((layout) => readPrompts(path, { ...options, layout }))
      .catch((error: unknown) => ({ error }));
    // Somebody may have opened it meanwhile.
    if (this.currentState !== "unread") return false;
    if ("error" in found) {
      this.fail(found.error);
      return true;
    }
    this.brokenRows = found.problems.length;
    if (found.records.length > 0) return this.brokenRows !== before;
    this.currentFailure = noPrompts(this.path, found);
    this.currentState = "empty";
    return true;
  }

  /**
   * Reads a file that has changed: also once more after a reading that is under way and may have seen half of it.
   *
   * @throws DiscernError as `read`.
   */
  async readAgain(options: ReadOptions = {}): Promise<void> {
    this.again = this.reading !== undefined;
    return this.read(options);
  }

  private async readUntilStill(options: ReadOptions): Promise<void> {
    do {
      this.again = false;
      const layout = await readLayout(this.uri.fsPath);
      this.currentLayout = layout;
      const [prompts] = await Promise.all([
        readPrompts(this.uri.fsPath, { ...options, layout }),
        this.labels.read(),
      ]);
      for (const id of this.labels.current.keys()) {
        const former = this.byId.get(id);
        if (former) this.formerWords.set(id, former.prompt);
      }
      this.currentRecords = prompts.records;
      this.currentProblems = prompts.problems;
      this.brokenRows = prompts.problems.length;
      this.currentUnpaired = prompts.unpaired ?? [];
      this.byId = new Map();
      for (const record of prompts.records) {
        if (!this.byId.has(record.id)) this.byId.set(record.id, record);
      }
      const hasPrompts = prompts.records.length > 0;
      this.currentFailure = hasPrompts ? undefined : noPrompts(this.path, prompts);
      this.currentState = hasPrompts ? "ready" : "empty";
    } while (this.again);
  }

  private fail(error: unknown): void {
    this.currentFailure = error instanceof Error ? error.message : String(error);
    const code = error instanceof DiscernError ? error.code : undefined;
    this.currentState = code === "column-missing" ? "unclear" : code === "dataset-empty" ? "empty" : "failed";
    this.currentRecords = [];
    this.currentProblems = [];
    this.brokenRows = 0;
    this.currentUnpaired = [];
    this.byId = new Map();
  }
}

/** Why a file that was read has no prompts. */
function noPrompts(path: string, { problems, rows }: Prompts): string {
  const [first] = problems;
  const why = first === undefined ? "" : ` The first: line ${first.line}, ${first.message}.`;
  return `None of the ${counted(rows, "row")} of ${path} is a prompt.${why}`;
}
