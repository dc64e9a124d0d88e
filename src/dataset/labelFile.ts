import type { LabelRecord, LogEntry, PairRecord } from "../protocol/label.ts";
import { type Decision, Decisions, namedPairs, passOf, timeOf } from "./decisions.ts";
import { nextTime, PersonHistory, personOf } from "./labelHistory.ts";
import { appendLabels } from "./labels.ts";
import { isMergeStep, isPairing, LogReader } from "./logReader.ts";
import type { Problem } from "./sink.ts";

/** What a person decides about a prompt. */
export type Choice = Pick<LabelRecord, "id" | "note" | "prompt"> & { label: Decision["label"] };

/**
 * A label log that is read once and then followed: what holds is known without reading the file again, and stays true
 * while this window and others append. Calls are carried out one after another, so that an undo sees the decision before
 * it. The file need not exist before the first decision.
 */
export class LabelFile {
  readonly path: string;
  private readonly log: LogReader;
  private held = new Decisions();
  private readonly passes = new Map<string, Decisions>();
  private named: ReadonlyMap<string, string> = new Map();
  /** The latest time in the log. */
  private latest: string | undefined;
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

  /** Every decision of the log that counts, in its order. */
  get decisions(): readonly LabelRecord[] {
    return this.log.decisions;
  }

  /** Every entry of the log, in its order: those of merges that were undone, too. */
  get entries(): readonly LogEntry[] {
    return this.log.entries;
  }

  /** Every naming of a pair in the log that counts, in its order. */
  get pairings(): readonly PairRecord[] {
    return this.log.pairs;
  }

  /** The pairs that people named, by prompt id. */
  get pairs(): ReadonlyMap<string, string> {
    return this.named;
  }

  /** What a person decided in a further labelling, by prompt id. */
  passOf(by: string, pass: number): ReadonlyMap<string, Decision> {
    const key = `${pass} ${by}`;
    const known = this.passes.get(key);
    if (known) return known.holding;
    const found = new Decisions(
      this.decisions.filter((record) => record.by === by),
      pass,
    );
    this.passes.set(key, found);
    return found.holding;
  }

  /** The log's lines that could not be read. */
  get problems(): readonly Problem[] {
    return this.log.problems;
  }

  /** Whether a person can undo and redo. */
  history(by: string): PersonHistory {
    let history = this.histories.get(by);
    if (history === undefined) {
      history = new PersonHistory(by, this.entries);
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
   * @param pass the labelling they belong to, where it is not the first
   * @returns as `read`
   * @throws DiscernError "labels-unwritable" when the folder can not be written to.
   */
  decide(by: string, choices: readonly Choice[], pass = 1): Promise<Set<string>> {
    return this.appending((at) =>
      choices.map(({ id, label, note, prompt }) => ({
        id,
        label,
        by,
        at,
        note,
        ...(prompt !== undefined && { prompt }),
        ...(pass > 1 && { pass }),
      })),
    );
  }

  /**
   * Names prompts as the members of a pair, or with null leaves their pair to the file.
   *
   * @returns as `read`
   * @throws DiscernError "labels-unwritable" when the folder can not be written to.
   */
  pair(by: string, ids: readonly string[], pair: string | null): Promise<Set<string>> {
    return this.appending((at) => ids.map((id) => ({ id, pair, by, at })));
  }

  /**
   * Appends entries of another log as they are, marked as merged by this person: they are undone at once.
   *
   * @returns as `read`
   * @throws DiscernError "labels-unwritable" when the folder can not be written to.
   */
  merge(by: string, entries: readonly (LabelRecord | PairRecord)[]): Promise<Set<string>> {
    return this.appending((at) => entries.map((entry) => ({ ...entry, merged: { by, at } })));
  }

  /**
   * Says that labels whose prompts are gone are no longer to be listed: this person's own are withdrawn, those of others stay in the log.
   *
   * @returns as `read`
   * @throws DiscernError "labels-unwritable" when the folder can not be written to.
   */
  forget(by: string, ids: readonly string[]): Promise<Set<string>> {
    return this.appending((at) =>
      ids.map((id) => ({ id, label: "withdrawn", by, at, forgotten: true as const })),
    );
  }

  /**
   * Undoes what a person did last, in whichever window or on whichever day.
   *
   * @param that undoes this action alone, by its `lastDone`: nothing where another was done since and still holds
   * @returns as `read`, or null when there is nothing to undo
   * @throws DiscernError "labels-unwritable" when the folder can not be written to.
   */
  undo(by: string, that?: number): Promise<Set<string> | null> {
    return this.step(by, (history, at) => {
      if (that !== undefined && history.lastDone !== that) return null;
      return history.undo(this.decisions, this.log.pairs, at);
    });
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
    entries: (history: PersonHistory, at: string) => LogEntry[] | null,
  ): Promise<Set<string> | null> {
    return this.inTurn(async () => {
      await this.readLog();
      const step = entries(this.history(by), nextTime(this.latest));
      if (step === null) return null;
      await this.append(step);
      return this.told();
    });
  }

  private appending(entries: (at: string) => LogEntry[]): Promise<Set<string>> {
    return this.inTurn(async () => {
      await this.readLog();
      await this.append(entries(nextTime(this.latest)));
      return this.told();
    });
  }

  private async append(entries: readonly LogEntry[]): Promise<void> {
    await appendLabels(this.path, entries);
    await this.readLog();
  }

  private async readLog(): Promise<void> {
    const { added, anew } = await this.log.read();
    if (anew) this.takeAnew();
    else for (const entry of added) this.take(entry);
    if (!anew && !added.some(isPairing)) return;
    const before = this.named;
    this.named = namedPairs(this.log.pairs);
    for (const id of [...before.keys(), ...this.named.keys()]) {
      if (before.get(id) !== this.named.get(id)) this.changed.add(id);
    }
  }

  private take(entry: LogEntry): void {
    if (!isMergeStep(entry) && !isPairing(entry)) {
      // A further labelling changes nothing that holds, but those who show it are told.
      if (this.held.add(entry) || passOf(entry) > 1) this.changed.add(entry.id);
      this.passes.get(`${passOf(entry)} ${entry.by}`)?.add(entry);
    }
    this.seen(entry);
    const by = personOf(entry);
    if (this.histories.get(by)?.add(entry) === false) this.histories.delete(by);
  }

  /** Takes the whole log again, and finds out what holds otherwise than before. */
  private takeAnew(): void {
    const { holding, disputed } = this.held;
    const held = new Decisions(this.decisions);
    this.held = held;
    this.passes.clear();
    for (const id of new Set([...holding.keys(), ...held.holding.keys()])) {
      const same =
        isSame(holding.get(id), held.holding.get(id)) && disputed.has(id) === held.disputed.has(id);
      if (!same) this.changed.add(id);
    }
    this.latest = undefined;
    this.histories.clear();
    for (const entry of this.entries) this.seen(entry);
  }

  private seen(entry: LogEntry): void {
    for (const at of [entry.at, "merged" in entry ? entry.merged?.at : undefined]) {
      if (at !== undefined && (this.latest === undefined || timeOf({ at }) > Date.parse(this.latest))) {
        this.latest = at;
      }
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

function isSame(before: Decision | undefined, after: Decision | undefined): boolean {
  return before === after || JSON.stringify(before) === JSON.stringify(after);
}
