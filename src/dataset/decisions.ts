import type { LabelRecord } from "../protocol/label.ts";

/** A decision that can hold: one that is not taken back. */
export type Decision = LabelRecord & { label: Exclude<LabelRecord["label"], "withdrawn"> };

/**
 * What people decided, brought up to date by every decision that is added, in any order. For each prompt only the latest
 * decision of each person counts, by its time, and of two at the same time the one added later; so logs of several people
 * merge by concatenation.
 */
export class Decisions {
  readonly #latest = new Map<string, LabelRecord[]>();
  readonly #holding = new Map<string, Decision>();
  readonly #disputed = new Set<string>();

  constructor(records: Iterable<LabelRecord> = []) {
    for (const record of records) this.add(record);
  }

  /** The decision that holds for each prompt, by its id: the latest of those that nobody took back. */
  get holding(): ReadonlyMap<string, Decision> {
    return this.#holding;
  }

  /** Ids of the prompts on which two people's labels differ. A prompt that is skipped or taken back counts for nobody. */
  get disputed(): ReadonlySet<string> {
    return this.#disputed;
  }

  /** Adds a decision, and says whether another one holds now or the prompt's dispute began or ended. */
  add(record: LabelRecord): boolean {
    const { id } = record;
    const latest = this.#latest.get(id) ?? [];
    const earlier = latest.findIndex(({ by }) => by === record.by);
    if (earlier >= 0) {
      if (timeOf(record) < timeOf(latest[earlier]!)) return false;
      latest.splice(earlier, 1);
    }
    latest.push(record);
    this.#latest.set(id, latest);

    const held = this.#holding.get(id);
    const wasDisputed = this.#disputed.has(id);
    const standing = latest.filter(stands);
    const holds = standing.reduce<Decision | undefined>(
      (best, next) => (best && timeOf(best) > timeOf(next) ? best : next),
      undefined,
    );
    if (holds) this.#holding.set(id, holds);
    else this.#holding.delete(id);
    const labels = new Set(standing.map(({ label }) => label).filter((label) => label !== "skip"));
    if (labels.size > 1) this.#disputed.add(id);
    else this.#disputed.delete(id);
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
