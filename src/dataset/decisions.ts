import type { LabelRecord } from "../protocol/label.ts";

/** A decision that can hold: one that is not taken back. */
export type Decision = LabelRecord & { label: Exclude<LabelRecord["label"], "withdrawn"> };

/**
 * What people decided, brought up to date by every decision that is added, in any order. For each prompt only the latest
 * decision of each person counts, by its time, and of two at the same time the one added later; so logs of several people
 * merge by concatenation.
 */
export class Decisions {
  private readonly latest = new Map<string, LabelRecord[]>();
  private readonly heldById = new Map<string, Decision>();
  private readonly disputedIds = new Set<string>();

  constructor(records: Iterable<LabelRecord> = []) {
    for (const record of records) this.add(record);
  }

  /** The decision that holds for each prompt, by its id: the latest of those that nobody took back. */
  get holding(): ReadonlyMap<string, Decision> {
    return this.heldById;
  }

  /** Ids of the prompts on which two people's labels differ. A prompt that is skipped or taken back counts for nobody. */
  get disputed(): ReadonlySet<string> {
    return this.disputedIds;
  }

  /** Adds a decision, and says whether another one holds now or the prompt's dispute began or ended. */
  add(record: LabelRecord): boolean {
    const { id } = record;
    const latest = this.latest.get(id) ?? [];
    const earlier = latest.findIndex(({ by }) => by === record.by);
    if (earlier >= 0) {
      if (timeOf(record) < timeOf(latest[earlier]!)) return false;
      latest.splice(earlier, 1);
    }
    latest.push(record);
    this.latest.set(id, latest);

    const held = this.heldById.get(id);
    const wasDisputed = this.disputedIds.has(id);
    const standing = latest.filter(stands);
    const holds = standing.reduce<Decision | undefined>(
      (best, next) => (best && timeOf(best) > timeOf(next) ? best : next),
      undefined,
    );
    if (holds) this.heldById.set(id, holds);
    else this.heldById.delete(id);
    const labels = new Set(standing.map(({ label }) => label).filter((label) => label !== "skip"));
    if (labels.size > 1) this.disputedIds.add(id);
    else this.disputedIds.delete(id);
    return held !== holds || wasDisputed !== labels.size > 1;
  }
}

function stands(record: LabelRecord): record is Decision {
  return record.label !== "withdrawn";
}

/** When a decision was made, in milliseconds since 1970. */
export function timeOf({ at }: LabelRecord): number {
  return Date.parse(at);
}
