import type { LabelRecord, PairRecord } from "../protocol/label.ts";
import { type Decision, Decisions } from "./decisions.ts";
import type { LabelLog } from "./labels.ts";

/** What merging other logs into a label log would do. */
export interface MergePlan {
  /** What would be appended: entries of prompts of the file that the log does not have yet. */
  readonly entries: readonly (LabelRecord | PairRecord)[];
  /** Their authors, in the order in which they first appear. */
  readonly authors: readonly string[];
  /** Entries that the log has already. */
  readonly known: number;
  /** Entries about prompts that the file does not hold. */
  readonly foreign: number;
  /** Lines that could not be read. */
  readonly broken: number;
  /** Prompts on which people would differ who do not yet. */
  readonly conflicts: readonly Conflict[];
  /** How many prompts would get a label, or another one than they have by people now. */
  readonly changed: number;
}

/** A prompt on which people would differ after a merge. */
export interface Conflict {
  readonly id: string;
  /** Each person's label, in the order in which they decided. */
  readonly labels: readonly Pick<Decision, "by" | "label">[];
}

/**
 * Works out what merging logs would do, and does nothing.
 *
 * @param own the log that the others would be appended to
 * @param others logs of the same prompts, as read
 * @param holds whether the prompt file holds a prompt
 */
export function planMerge(
  own: Pick<LabelLog, "decisions" | "pairs">,
  others: readonly LabelLog[],
  holds: (id: string) => boolean,
): MergePlan {
  const seen = new Set([...own.decisions, ...own.pairs].map(sameness));
  const entries: (LabelRecord | PairRecord)[] = [];
  let [known, foreign] = [0, 0];
  for (const { decisions, pairs } of others) {
    for (const entry of [...decisions, ...pairs]) {
      const key = sameness(entry);
      if (!holds(entry.id)) foreign++;
      else if (seen.has(key)) known++;
      else {
        seen.add(key);
        entries.push(entry);
      }
    }
  }
  const added = entries.filter((entry) => "label" in entry);
  const before = new Decisions(own.decisions);
  const after = new Decisions([...own.decisions, ...added]);
  const changed = [...after.holding].filter(([id, { label }]) => before.holding.get(id)?.label !== label);
  const disputed = new Set([...after.disputed].filter((id) => !before.disputed.has(id)));
  const concerned = Map.groupBy(
    [...own.decisions, ...added].filter(({ id }) => disputed.has(id)),
    ({ id }) => id,
  );
  return {
    entries,
    authors: [...new Set(entries.map(({ by }) => by))],
    known,
    foreign,
    broken: others.reduce((sum, { problems }) => sum + problems.length, 0),
    conflicts: [...concerned].map(([id, records]) => ({ id, labels: peoplesLabels(records) })),
    changed: changed.length,
  };
}

/** What each person holds a prompt to have in their first labelling, by time; who skipped it or took the label back has said nothing. */
export function peoplesLabels(records: readonly LabelRecord[]): Decision[] {
  return [...Map.groupBy(records, ({ by }) => by).values()]
    .flatMap((own) => [...new Decisions(own).holding.values()])
    .filter(({ label }) => label !== "skip")
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

/** Two entries of the same name are one that was copied, merged or not. */
function sameness({ merged: _, ...entry }: LabelRecord | PairRecord): string {
  const { id, by, at, undo = false, redo = false } = entry;
  const what = "pair" in entry ? ["pair", entry.pair] : [entry.pass ?? 1, entry.label, entry.note ?? ""];
  return JSON.stringify([id, by, Date.parse(at), undo, redo, ...what]);
}
