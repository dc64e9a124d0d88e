import type { LabelRecord, PairRecord } from "../protocol/label.ts";

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

  private readonly pass: number;

  /** @param pass which labelling counts: the first, or one of those that measure agreement */
  constructor(records: Iterable<LabelRecord> = [], pass = 1) {
    this.pass = pass;
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
    if (passOf(record) !== this.pass) return false;
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

/** When an entry of a log was made, in milliseconds since 1970. */
export function timeOf({ at }: Pick<LabelRecord, "at">): number {
  return Date.parse(at);
}

/** Which labelling of its author a decision belongs to, from 1. */
export function passOf({ pass }: Pick<LabelRecord, "pass">): number {
  return pass ?? 1;
}

/** The pairs that people named, by prompt id: the latest naming of each prompt holds. */
export function namedPairs(pairings: readonly PairRecord[]): ReadonlyMap<string, string> {
  const latest = new Map<string, PairRecord>();
  for (const pairing of pairings) {
    const known = latest.get(pairing.id);
    if (!known || timeOf(pairing) >= timeOf(known)) latest.set(pairing.id, pairing);
  }
  return new Map([...latest].flatMap(([id, { pair }]) => (pair === null ? [] : [[id, pair]])));
}
