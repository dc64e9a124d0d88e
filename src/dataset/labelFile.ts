import type { LabelRecord } from "../protocol/label.ts";
import { type Decision, Decisions, timeOf } from "./decisions.ts";
import { nextTime, PersonHistory } from "./labelHistory.ts";
import { appendLabels } from "./labels.ts";
import { LogReader } from "./logReader.ts";
import type { Problem } from "./sink.ts";

/** What a person decides about a prompt. */
export type Choice = Pick<LabelRecord, "id" | "note"> & { label: Decision["label"] };

/**
 * A label log that is read once and then followed: what holds is known without reading the file again, and stays true
 * while this window and others append. Calls are carried out one after another, so that an undo sees the decision before
 * it. The file need not exist before the first decision.
 */
export class LabelFile {
  readonly path: string;
  private readonly log: LogReader;
  private held = new Decisions();
  private latest: LabelRecord | undefined;
  private readonly histories = new Map<string, PersonHistory>();
  private changed = new Set<string>();
  private queue: Promise<unknown> = Promise.resolve();

  /** @param path as `labelLogPath` gives it */
  constructor(path: string) {
    this.path = path;
    this.log = new LogReader(path);
  }

  /** The decision that holds for each prompt, by its id. */
  get current(): ReadonlyMap<string, Decision> {
    return this.held.holding;
  }

  /** Ids of the prompts on which people's labels differ. */
  get disputed(): ReadonlySet<string> {
    return this.held.disputed;
  }

  /** Every decision of the log, in its order. */
  get decisions(): readonly LabelRecord[] {
    return this.log.decisions;
  }

  /** The log's lines that could not be read. */
  get problems(): readonly Problem[] {
    return this.log.problems;
  }

  /** Whether a person can undo and redo. */
  history(by: string): PersonHistory {
    let history = this.histories.get(by);
    if (history === undefined) {
      history = new PersonHistory(by, this.decisions);
      this.histories.set(by, history);
    }
    return history;
  }

  /**
   * Reads what was appended since the last time, here or elsewhere.
   *
   * @returns ids of the prompts for which another decision holds now, or whose dispute began or ended
   * @throws DiscernError "dataset-unreadable" when the file exists and can not be read.
   */
  read(): Promise<Set<string>> {
    return this.inTurn(async () => {
      await this.readLog();
      return this.told();
    });
  }

  /**
   * Appends decisions that a person makes at once; they are undone at once, too.
   *
   * @returns as `read`
   * @throws DiscernError "labels-unwritable" when the folder can not be written to.
   */
  decide(by: string, choices: readonly Choice[]): Promise<Set<string>> {
    return this.inTurn(async () => {
      await this.readLog();
      const at = nextTime(this.latest?.at);
      await this.append(choices.map(({ id, label, note }) => ({ id, label, by, at, note })));
      return this.told();
    });
  }

  /**
   * Undoes what a person did last, in whichever window or on whichever day.
   *
   * @returns as `read`, or null when there is nothing to undo
   * @throws DiscernError "labels-unwritable" when the folder can not be written to.
   */
  undo(by: string): Promise<Set<string> | null> {
    return this.step(by, (history, at) => history.undo(this.decisions, at));
  }

  /**
   * Does again what a person undid last.
   *
   * @returns as `read`, or null when there is nothing to redo
   * @throws DiscernError "labels-unwritable" when the folder can not be written to.
   */
  redo(by: string): Promise<Set<string> | null> {
    return this.step(by, (history, at) => history.redo(this.decisions, at));
  }

  private step(
    by: string,
    records: (history: PersonHistory, at: string) => LabelRecord[] | null,
  ): Promise<Set<string> | null> {
    return this.inTurn(async () => {
      await this.readLog();
      const step = records(this.history(by), nextTime(this.latest?.at));
      if (step === null) return null;
      await this.append(step);
      return this.told();
    });
  }

  private async append(records: readonly LabelRecord[]): Promise<void> {
    await appendLabels(this.path, records);
    await this.readLog();
  }

  private async readLog(): Promise<void> {
    const { added, anew } = await this.log.read();
    if (anew) {
      for (const id of this.held.holding.keys()) this.changed.add(id);
      this.held = new Decisions();
      this.latest = undefined;
      this.histories.clear();
    }
    for (const record of added) {
      if (this.held.add(record)) this.changed.add(record.id);
      if (!this.latest || timeOf(record) > timeOf(this.latest)) this.latest = record;
      if (this.histories.get(record.by)?.add(record) === false) this.histories.delete(record.by);
    }
  }

  /** The changes that no caller has been told of: what a call found that then failed is the next one's to tell. */
  private told(): Set<string> {
    const changed = this.changed;
    this.changed = new Set();
    return changed;
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.queue.then(work);
    this.queue = result.catch(() => undefined);
    return result;
  }
}
