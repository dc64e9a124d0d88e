import { Decisions } from "../../../src/dataset/decisions.ts";
import { withDecision } from "../../../src/dataset/labels.ts";
import { type PromptRecord, promptId } from "../../../src/dataset/record.ts";
import type { LabelledPrompts } from "../../../src/extension/labelling/prompts.ts";
import type { LabelRecord } from "../../../src/protocol/label.ts";

/** Records of a prompt file, a line each. */
export function recordsOf(prompts: (Partial<PromptRecord> & { prompt: string })[]): PromptRecord[] {
  return prompts.map((record, i) => ({
    id: promptId(record.prompt),
    source: "a.csv",
    line: i + 2,
    ...record,
  }));
}

/** A prompt file with its decisions, without a disk; `decide` adds to them. */
export function labelled(records: PromptRecord[], log: LabelRecord[] = []) {
  const decisions = new Decisions(log);
  const decisionOf = (id: string) => decisions.holding.get(id);
  return {
    records,
    labels: { disputed: decisions.disputed, decisions: log, pairs: new Map<string, string>() },
    decisionOf,
    labelOf: (record: PromptRecord) => withDecision(record, decisionOf(record.id)).label,
    decide(record: LabelRecord) {
      log.push(record);
      decisions.add(record);
    },
  } satisfies LabelledPrompts & { decide: unknown };
}

/** A decision, by Ada unless said otherwise. */
export function decision(prompt: string, label: LabelRecord["label"], second = 0, by = "ada"): LabelRecord {
  return {
    id: promptId(prompt),
    label,
    by,
    at: new Date(Date.UTC(2026, 10, 24, 9, 0, second)).toISOString(),
  };
}
