import { type Decision, Decisions } from "./decisions.ts";
import type { LabelFile } from "./labelFile.ts";
import type { PromptRecord } from "./record.ts";

/** A label as it is exported. */
export interface ExportedLabel {
  /** Of a prompt that the file does not hold any more the beginning, as far as the log keeps it; else empty. */
  readonly prompt: string;
  readonly label: string;
  /** Who decided; empty where the label is the file's. */
  readonly author: string;
  readonly time: string;
  readonly note: string;
  /** Path of the prompt file, as shown. */
  readonly file: string;
  /** Line of the prompt, or row where the format has no lines; null for a prompt that the file does not hold any more. */
  readonly line: number | null;
  readonly id: string;
  /** The labelling it belongs to: 2 and more are labels given again without seeing labels. */
  readonly pass: number;
}

/** What labels are read from. */
export interface LabelSource {
  /** As shown. */
  readonly path: string;
  readonly records: readonly PromptRecord[];
  readonly labels: Pick<LabelFile, "current" | "decisions">;
}

/** The label that holds for each prompt, a row per prompt in the file's order; prompts without one are left out. */
export function holdingLabels({ path, records, labels }: LabelSource): ExportedLabel[] {
  return records.flatMap((record): ExportedLabel[] => {
    const decision = labels.current.get(record.id);
    if (decision && decision.label !== "skip") return [rowOf(path, record, decision)];
    const { prompt, label, line, id } = record;
    if (label === undefined) return [];
    return [{ prompt, label, author: "", time: "", note: "", file: path, line, id, pass: 1 }];
  });
}

/**
 * What each person decided of each prompt in each of their labellings, a row per decision: by prompt in the file's order, then by
 * time. Decisions on prompts that the file does not hold any more come last.
 */
export function everybodysLabels({ path, records, labels }: LabelSource): ExportedLabel[] {
  const byLabelling = Map.groupBy(labels.decisions, ({ by, pass = 1 }) => `${pass} ${by}`);
  const latest = [...byLabelling.values()].flatMap((own) => [
    ...new Decisions(own, own[0]!.pass ?? 1).holding.values(),
  ]);
  const byId = Map.groupBy(latest, ({ id }) => id);
  const inFile = records.flatMap((record) =>
    (byId.get(record.id) ?? []).sort(byTime).map((decision) => rowOf(path, record, decision)),
  );
  const known = new Set(records.map(({ id }) => id));
  const orphaned = [...byId.values()]
    .flat()
    .filter(({ id }) => !known.has(id))
    .map((decision) => rowOf(path, null, decision));
  return [...inFile, ...orphaned];
}

function rowOf(file: string, record: PromptRecord | null, decision: Decision): ExportedLabel {
  return {
    prompt: record?.prompt ?? decision.prompt ?? "",
    label: decision.label ?? "excluded",
    author: decision.by,
    time: decision.at,
    note: decision.note ?? "",
    file,
    line: record?.line ?? null,
    id: decision.id,
    pass: decision.pass ?? 1,
  };
}

function byTime(a: Decision, b: Decision): number {
  return Date.parse(a.at) - Date.parse(b.at);
}
