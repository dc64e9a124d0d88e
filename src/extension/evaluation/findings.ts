import { type Decision, passOf, timeOf } from "../../dataset/decisions.ts";
import { contradictions } from "../../dataset/hygiene.ts";
import { withDecision } from "../../dataset/labels.ts";
import type { Likeness } from "../../dataset/likePairs.ts";
import type { PromptRecord } from "../../dataset/record.ts";
import { type Label, type LabelRecord, labelSchema } from "../../protocol/label.ts";
import type { Failure, Mark } from "./match.ts";

/** What is wrong at a prompt's line: with the model's answer, or with the labels. */
export type Finding =
  | { readonly code: Failure; readonly record: PromptRecord; readonly mark: Mark }
  | { readonly code: "disputed"; readonly record: PromptRecord; readonly opinions: readonly Opinion[] }
  | {
      readonly code: "opposite-duplicate";
      readonly record: PromptRecord;
      readonly label: Label;
      readonly other: PromptRecord;
      readonly otherLabel: Label;
      /** Jaccard similarity of word trigrams, in (0, 1]. */
      readonly similarity: number;
    };

/** The label that one person gives a prompt now. */
export interface Opinion {
  readonly by: string;
  readonly label: Label;
}

/**
 * Prompts this alike are one prompt twice. Contrast pairs are made of one sentence with another word, so that the half of
 * shared trigrams which finds near duplicates elsewhere would find every pair.
 */
const ALIKE = 0.8;

/** The failures of the model, in the order of the lines. */
export function failuresOf(marks: readonly Mark[]): Finding[] {
  return marks.flatMap((mark) => (mark.failure ? { code: mark.failure, record: mark.record, mark } : []));
}

/** Prompts on which people's labels differ, and who says what. */
export function disputesOf(
  records: readonly PromptRecord[],
  labels: { readonly disputed: ReadonlySet<string>; readonly decisions: readonly LabelRecord[] },
): Finding[] {
  if (labels.disputed.size === 0) return [];
  const latest = new Map<string, Map<string, LabelRecord>>();
  for (const decision of labels.decisions) {
    if (!labels.disputed.has(decision.id) || passOf(decision) > 1) continue;
    const people = latest.get(decision.id) ?? new Map<string, LabelRecord>();
    latest.set(decision.id, people);
    const earlier = people.get(decision.by);
    if (!earlier || timeOf(decision) >= timeOf(earlier)) people.set(decision.by, decision);
  }
  return records.flatMap((record) => {
    const people = latest.get(record.id);
    if (people === undefined) return [];
    const opinions = [...people.values()].flatMap(({ by, label }) => {
      const given = labelSchema.safeParse(label).data;
      return given ? { by, label: given } : [];
    });
    return { code: "disputed" as const, record, opinions };
  });
}

/**
 * Prompts that are the same or nearly so, once to be refused and once to be answered. Takes a while in large files, and lets
 * others work meanwhile.
 *
 * @throws the signal's reason when it is aborted.
 */
export async function findAlike(
  records: readonly PromptRecord[],
  decisionOf: (id: string) => Decision | undefined,
  signal: AbortSignal,
): Promise<Likeness[]> {
  const origin = new Map<PromptRecord, PromptRecord>();
  const present = records.map((record) => {
    const labelled = withDecision(record, decisionOf(record.id));
    origin.set(labelled, record);
    return labelled;
  });
  const found = await contradictions(present, signal, ALIKE);
  return found.map(({ first, second, similarity }) => ({
    first: origin.get(first)!,
    second: origin.get(second)!,
    similarity,
  }));
}

/** Those of such prompts whose labels are opposite now, told at both lines. */
export function oppositeDuplicates(
  alike: readonly Likeness[],
  decisionOf: (id: string) => Decision | undefined,
): Finding[] {
  const labelOf = (record: PromptRecord) => withDecision(record, decisionOf(record.id)).label;
  return alike.flatMap(({ first, second, similarity }) => {
    const [a, b] = [labelOf(first), labelOf(second)];
    if (a === undefined || b === undefined || (a === "toxic") === (b === "toxic")) return [];
    const told = { code: "opposite-duplicate" as const, similarity };
    return [
      { ...told, record: first, label: a, other: second, otherLabel: b },
      { ...told, record: second, label: b, other: first, otherLabel: a },
    ];
  });
}
