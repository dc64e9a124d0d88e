import type { LabelRecord, LogEntry, MergeStep, PairRecord } from "../protocol/label.ts";
import { Decisions, namedPairs, passOf, timeOf } from "./decisions.ts";
import { isMergeStep, isPairing, mergeOf } from "./logReader.ts";

/** What a person did at once, as it was first. */
interface Action {
  entries: (LabelRecord | PairRecord)[];
  /** The name of a merge; its entries are other people's. */
  merge: string | undefined;
  /** When it came to hold, first or by being redone, in milliseconds. */
  heldFrom: number;
  /** When it was undone, in milliseconds. */
  undoneAt?: number;
}

/** Whose action an entry belongs to: what was merged is undone by who merged it. */
export function personOf(entry: LogEntry): string {
  return isMergeStep(entry) ? entry.by : (entry.merged?.by ?? entry.by);
}

/** When the action took place that an entry belongs to, in milliseconds. */
function actionTime(entry: LogEntry): number {
  return isMergeStep(entry) || !entry.merged ? timeOf(entry) : timeOf(entry.merged);
}

/**
 * One person's actions as the label log tells them, whichever window or day they were written in: those that hold, and
 * those undone and open to be redone. Entries of one action share their time.
 */
export class PersonHistory {
  private readonly by: string;
  private readonly done: Action[] = [];
  private undone: Action[] = [];
  /** The time and sort of the last action added, and where its further entries go. */
  private last: { time: number; sort: "undo" | "redo" | undefined; entries: Action["entries"] } | undefined;

  constructor(by: string, entries: readonly LogEntry[] = []) {
    this.by = by;
    const own = entries
      .filter((entry) => personOf(entry) === by)
      .map((entry) => [actionTime(entry), entry] as const);
    for (const [, entry] of own.sort(([a], [b]) => a - b)) this.add(entry);
  }

  get canUndo(): boolean {
    return this.done.length > 0;
  }

  get canRedo(): boolean {
    return this.undone.length > 0;
  }

  /** When the last action came to hold that can be undone, in milliseconds. */
  get lastDone(): number | undefined {
    return this.done.at(-1)?.heldFrom;
  }

  /** When the last action was undone that can be redone, in milliseconds. */
  get lastUndone(): number | undefined {
    return this.undone.at(-1)?.undoneAt;
  }

  /** Adds an entry; those of other people are ignored. @returns false when it is older than one added before: the history must then be built again. */
  add(entry: LogEntry): boolean {
    if (personOf(entry) !== this.by) return true;
    const time = actionTime(entry);
    const merge = mergeOf(entry);
    // What a merge brought may have been undone where it came from; here it is part of the merge.
    const ownStep = merge === undefined || isMergeStep(entry);
    const sort = ownStep ? (entry.undo ? "undo" : entry.redo ? "redo" : undefined) : undefined;
    if (this.last && time < this.last.time) return false;
    if (this.last?.time === time && this.last.sort === sort) {
      if (!isMergeStep(entry)) this.last.entries.push(entry);
      return true;
    }
    const entries = isMergeStep(entry) ? [] : [entry];
    this.last = { time, sort, entries };
    if (sort === "undo") {
      const action = take(this.done, entry);
      if (action) this.undone.push({ ...action, undoneAt: time });
    } else if (sort === "redo") {
      const action = take(this.undone, entry);
      if (action) this.done.push({ ...action, heldFrom: time });
    } else {
      this.done.push({ entries, merge, heldFrom: time });
      this.undone = [];
    }
    return true;
  }

  /**
   * The entries that undo the last action: each restores what held for its prompt before. Where that was somebody else's
   * decision or none, or where somebody decided since, the person's own decision is withdrawn and those of others stand. A
   * merge is undone by one entry, since what it brought is other people's. Null when there is nothing to undo.
   *
   * @param decisions the whole log's, of everybody
   * @param pairings the whole log's, of everybody
   * @param at time of the undo, as `nextTime` gives it
   */
  undo(decisions: readonly LabelRecord[], pairings: readonly PairRecord[], at: string): LogEntry[] | null {
    const action = this.done.at(-1);
    if (action === undefined) return null;
    if (action.merge !== undefined) return [this.mergeStep(action, { at, undo: true })];
    const earlier = (entry: LogEntry) => timeOf(entry) < action.heldFrom;
    const concerned = about(action, decisions);
    const before = new Decisions(concerned.filter(earlier), passOfAction(action)).holding;
    const pairsBefore = namedPairs(about(action, pairings).filter(earlier));
    const overruled = this.overruled(action, concerned);
    return inOrder(action).map((entry) => {
      const own = { by: this.by, at, undo: true as const };
      if (isPairing(entry)) return { id: entry.id, pair: pairsBefore.get(entry.id) ?? null, ...own };
      const prior = before.get(entry.id);
      const restored = prior?.by === this.by && !overruled.has(entry.id) ? prior : undefined;
      return { ...decision(entry, restored), ...own };
    });
  }

  /**
   * The entries that do again what was undone last, but for prompts on which somebody else decided since it was done:
   * there that decision stands. Null when there is nothing to redo.
   *
   * @param decisions the whole log's, of everybody
   * @param at time of the redo, as `nextTime` gives it
   */
  redo(decisions: readonly LabelRecord[], at: string): LogEntry[] | null {
    const action = this.undone.at(-1);
    if (action === undefined) return null;
    if (action.merge !== undefined) return [this.mergeStep(action, { at, redo: true })];
    const overruled = this.overruled(action, about(action, decisions));
    return inOrder(action).map((entry) => {
      const own = { by: this.by, at, redo: true as const };
      if (isPairing(entry)) return { id: entry.id, pair: entry.pair, ...own };
      return { ...decision(entry, overruled.has(entry.id) ? undefined : entry), ...own };
    });
  }

  private mergeStep({ entries }: Action, step: Pick<MergeStep, "at" | "undo" | "redo">): MergeStep {
    return { merge: entries[0]!.merged!.at, by: this.by, ...step };
  }

  /** Ids of an action's prompts for which somebody else's decision has come to hold since. */
  private overruled(action: Action, concerned: readonly LabelRecord[]): Set<string> {
    // A further labelling is the person's own; others' decisions say nothing of it.
    if (passOfAction(action) > 1) return new Set();
    const others = new Decisions(concerned.filter(({ by }) => by !== this.by)).holding.values();
    const since = [...others].filter((record) => timeOf(record) >= action.heldFrom);
    return new Set(since.map(({ id }) => id));
  }
}

/**
 * A time for a new decision: now, or a millisecond after the latest one where the clock is not beyond it. So two actions
 * in one millisecond stay two, and a decision holds over those its writer saw, even over those of a clock that is ahead.
 */
export function nextTime(after: string | undefined): string {
  const earliest = after === undefined ? 0 : Date.parse(after) + 1;
  return new Date(Math.max(Date.now(), earliest)).toISOString();
}

/**
 * Takes out the last action that concerns what an undo or redo is about. In the log of one machine that is the last of all; in one
 * merged from two it need not be.
 */
function take(actions: Action[], step: LogEntry): Action | undefined {
  const merge = mergeOf(step);
  const place = actions.findLastIndex((action) =>
    isMergeStep(step)
      ? action.merge === merge
      : action.merge === undefined &&
        action.entries.some((entry) => entry.id === step.id && isPairing(entry) === isPairing(step)),
  );
  return place < 0 ? undefined : actions.splice(place, 1)[0];
}

function about<T extends LabelRecord | PairRecord>({ entries }: Action, all: readonly T[]): T[] {
  const ids = new Set(entries.map(({ id }) => id));
  return all.filter(({ id }) => ids.has(id));
}

/** An action's entries, one a prompt: of two about the same prompt the later counts. */
function inOrder({ entries }: Action): (LabelRecord | PairRecord)[] {
  return [...new Map(entries.map((entry) => [entry.id, entry])).values()];
}

/** The labelling that an action belongs to; all of its decisions belong to one. */
function passOfAction({ entries: [first] }: Action): number {
  return first && !isPairing(first) ? passOf(first) : 1;
}

function decision(
  { id, pass }: LabelRecord,
  restored: LabelRecord | undefined,
): Pick<LabelRecord, "id" | "label" | "note" | "pass"> {
  const own = { id, ...(pass !== undefined && { pass }) };
  if (restored === undefined) return { ...own, label: "withdrawn" };
  const { label, note } = restored;
  return note === undefined ? { ...own, label } : { ...own, label, note };
}
