import type { LabelRecord, PairRecord } from "../protocol/label.ts";
import { type Decision, passOf } from "./decisions.ts";
import type { LabelFile } from "./labelFile.ts";

/** A label whose prompt its file no longer holds. */
export interface Orphan {
  readonly id: string;
  /** The decision that holds. */
  readonly decision: Decision;
  /** The beginning of the prompt; undefined where nothing tells it. */
  readonly prompt: string | undefined;
}

/**
 * The labels of a log whose prompts are gone, in the log's order: neither carried over to an edited prompt nor forgotten, and not merely
 * skipped.
 *
 * @param holds whether the prompt file holds a prompt
 * @param wordsOf what is known of a prompt that is gone, beside what the log keeps
 */
export function orphansOf(
  { current, decisions }: Pick<LabelFile, "current" | "decisions">,
  holds: (id: string) => boolean,
  wordsOf: (id: string) => string | undefined = () => undefined,
): Orphan[] {
  const gone = [...current.values()].filter(
    ({ id, label, note }) => !holds(id) && (label !== "skip" || note),
  );
  if (gone.length === 0) return [];
  const settled = new Set<string>();
  const words = new Map<string, string>();
  for (const { id, from, forgotten, prompt } of decisions) {
    if (from !== undefined) settled.add(from);
    // Who labels a prompt again lists it again.
    if (forgotten) settled.add(id);
    else settled.delete(id);
    if (prompt !== undefined) words.set(id, prompt);
  }
  return gone
    .filter(({ id }) => !settled.has(id))
    .map((decision) => {
      const { id } = decision;
      return { id, decision, prompt: wordsOf(id) ?? words.get(id) };
    });
}

/**
 * What carries over everything that people said of a prompt to what it became: each person's last decision of each labelling, and the
 * last naming of its pair. They are other lines of the same people, to be appended as a merge, so that one undo reverts them.
 */
export function carriedEntries(
  { decisions, pairings }: Pick<LabelFile, "decisions" | "pairings">,
  carries: readonly { readonly from: string; readonly to: string; readonly prompt: string }[],
): (LabelRecord | PairRecord)[] {
  const targets = new Map(carries.map((carry) => [carry.from, carry]));
  const last = new Map<string, LabelRecord | PairRecord>();
  for (const entry of [...decisions, ...pairings]) {
    const target = targets.get(entry.id);
    if (target === undefined) continue;
    const key = "label" in entry ? `${entry.id} ${entry.by} ${passOf(entry)}` : `${entry.id} pair`;
    const known = last.get(key);
    if (known && Date.parse(known.at) > Date.parse(entry.at)) continue;
    last.set(key, entry);
  }
  return [...last.values()].map((entry) => {
    const { from, to, prompt } = targets.get(entry.id)!;
    const { undo: _, redo: __, merged: ___, ...rest } = entry;
    return { ...rest, id: to, from, ...("label" in rest && { prompt }) };
  });
}
