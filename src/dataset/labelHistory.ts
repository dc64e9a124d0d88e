import type { LabelRecord } from "../protocol/label.ts";
import { Decisions, timeOf } from "./decisions.ts";

/** What a person did at once, as it was first. */
interface Action {
  records: LabelRecord[];
  /** When it came to hold, first or by being redone, in milliseconds. */
  heldFrom: number;
}

/**
 * One person's actions as the label log tells them, whichever window or day they were written in: those that hold, and
 * those undone and open to be redone. Records of one action share their time.
 */
export class PersonHistory {
  private readonly by: string;
  private readonly done: Action[] = [];
  private undone: Action[] = [];
  /** The time and sort of the last action added, and where its further records go. */
  private last: { time: number; sort: "undo" | "redo" | undefined; records: LabelRecord[] } | undefined;

  constructor(by: string, decisions: readonly LabelRecord[] = []) {
    this.by = by;
    const own = decisions
      .filter((record) => record.by === by)
      .map((record) => [timeOf(record), record] as const);
    for (const [, record] of own.sort(([a], [b]) => a - b)) this.add(record);
  }

  get canUndo(): boolean {
    return this.done.length > 0;
  }

  get canRedo(): boolean {
    return this.undone.length > 0;
  }

  /** Adds a record; those of others are passed over. False when it is older than one added before: begin anew then. */
  add(record: LabelRecord): boolean {
    if (record.by !== this.by) return true;
    const time = timeOf(record);
    const sort = record.undo ? "undo" : record.redo ? "redo" : undefined;
    if (this.last && time < this.last.time) return false;
    if (this.last?.time === time && this.last.sort === sort) {
      this.last.records.push(record);
      return true;
    }
    const records = [record];
    this.last = { time, sort, records };
    if (sort === "undo") {
      const action = take(this.done, record.id);
      if (action) this.undone.push(action);
    } else if (sort === "redo") {
      const action = take(this.undone, record.id);
      if (action) this.done.push({ ...action, heldFrom: time });
    } else {
      this.done.push({ records, heldFrom: time });
      this.undone = [];
    }
    return true;
  }

  /**
   * The records that undo the last action: each restores what held for its prompt before. Where that was somebody else's
   * decision or none, or where somebody decided since, the person's own decision is withdrawn and those of others stand.
   * Null when there is nothing to undo.
   *
   * @param decisions the whole log, of everybody
   * @param at time of the undo, as `nextTime` gives it
   */
  undo(decisions: readonly LabelRecord[], at: string): LabelRecord[] | null {
    const action = this.done.at(-1);
    if (action === undefined) return null;
    const concerned = about(action, decisions);
    const before = new Decisions(concerned.filter((record) => timeOf(record) < action.heldFrom)).holding;
    const overruled = this.overruled(action, concerned);
    return inOrder(action).map(({ id }) => {
      const prior = before.get(id);
      const restored = prior?.by === this.by && !overruled.has(id) ? prior : undefined;
      return { ...decision(id, restored), by: this.by, at, undo: true };
    });
  }

  /**
   * The records that do again what was undone last, but for prompts on which somebody else decided since it was done:
   * there that decision stands. Null when there is nothing to redo.
   *
   * @param decisions the whole log, of everybody
   * @param at time of the redo, as `nextTime` gives it
   */
  redo(decisions: readonly LabelRecord[], at: string): LabelRecord[] | null {
    const action = this.undone.at(-1);
    if (action === undefined) return null;
    const overruled = this.overruled(action, about(action, decisions));
    return inOrder(action).map((record) => {
      const restored = overruled.has(record.id) ? undefined : record;
      return { ...decision(record.id, restored), by: this.by, at, redo: true };
    });
  }

  /** Ids of an action's prompts for which somebody else's decision has come to hold since. */
  private overruled(action: Action, concerned: readonly LabelRecord[]): Set<string> {
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
 * Takes out the last action that concerns a prompt. In the log of one machine that is the last of all; in one merged from
 * two it need not be.
 */
function take(actions: Action[], id: string): Action | undefined {
  const place = actions.findLastIndex(({ records }) => records.some((record) => record.id === id));
  return place < 0 ? undefined : actions.splice(place, 1)[0];
}

function about({ records }: Action, decisions: readonly LabelRecord[]): LabelRecord[] {
  const ids = new Set(records.map(({ id }) => id));
  return decisions.filter(({ id }) => ids.has(id));
}

/** An action's records, one a prompt: of two about the same prompt the later counts. */
function inOrder({ records }: Action): LabelRecord[] {
  return [...new Map(records.map((record) => [record.id, record])).values()];
}

function decision(id: string, restored: LabelRecord | undefined): Pick<LabelRecord, "id" | "label" | "note"> {
  if (restored === undefined) return { id, label: "withdrawn" };
  const { label, note } = restored;
  return note === undefined ? { id, label } : { id, label, note };
}
