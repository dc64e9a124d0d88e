import type { Decision } from "../../dataset/decisions.ts";
import type { LabelFile } from "../../dataset/labelFile.ts";
import { withDecision } from "../../dataset/labels.ts";
import type { PromptRecord } from "../../dataset/record.ts";
import type { Label } from "../../protocol/label.ts";
import { sha256 } from "../../storage/hash.ts";
import { saidBy } from "./agreement.ts";
import type { LabelledPrompts } from "./prompts.ts";

/** The number of the pass in which a person labels again without seeing labels. */
export const SECOND_PASS = 2;

/**
 * The prompts that a person labelled first, in an order of their own that says nothing of the file's: the first `count` of it. The
 * order follows from person and prompt alone, so that a pass is continued where it was left, also when more prompts were labelled.
 */
export function secondPassRecords(
  records: readonly PromptRecord[],
  labels: Pick<LabelFile, "decisions">,
  by: string,
  count = Number.POSITIVE_INFINITY,
): PromptRecord[] {
  const first = saidBy(labels.decisions, { by, pass: 1 });
  const ranked = new Map<string, { record: PromptRecord; rank: string }>();
  for (const record of records) {
    if (!first.has(record.id) || ranked.has(record.id)) continue;
    ranked.set(record.id, { record, rank: sha256(`${by}\n${SECOND_PASS}\n${record.id}`) });
  }
  return [...ranked.values()]
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .slice(0, count)
    .map(({ record }) => record);
}

/** A prompt file as a person sees it who labels again: without labels, pairs and categories, and with the labels of this pass alone. */
export class SecondPass implements LabelledPrompts {
  readonly records: readonly PromptRecord[];
  readonly labels = { disputed: new Set<string>(), decisions: [], pairs: new Map<string, string>() };
  private readonly file: LabelFile;
  private readonly by: string;

  constructor(records: readonly PromptRecord[], labels: LabelFile, by: string, count: number) {
    this.records = secondPassRecords(records, labels, by, count).map(({ id, prompt, source, line }) => ({
      id,
      prompt,
      source,
      line,
    }));
    this.file = labels;
    this.by = by;
  }

  labelOf(record: PromptRecord): Label | undefined {
    return withDecision(record, this.decisionOf(record.id)).label;
  }

  decisionOf(id: string): Decision | undefined {
    return this.file.passOf(this.by, SECOND_PASS).get(id);
  }
}
