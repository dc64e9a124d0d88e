import { currentDecisions } from "../../dataset/labels.ts";
import { labelSchema } from "../../protocol/label.ts";
import type { Beside, Opinion, PromptDetail, PromptRow } from "../../protocol/webview/labelling.ts";
import type { LabelledPrompts } from "./prompts.ts";
import { probabilityIn, type RunResults, runOf } from "./runResults.ts";

/** As many characters of a prompt as a line of the list can show on a wide screen. */
const ROW_LENGTH = 240;

/** All that the page shows of one prompt. */
export function detailOf(
  prompts: LabelledPrompts,
  place: number,
  run: RunResults | null,
  beside: Beside | undefined,
  reason?: string,
): PromptDetail {
  const record = prompts.records[place]!;
  const decision = prompts.decisionOf(record.id);
  return {
    place,
    id: record.id,
    line: record.line,
    prompt: record.prompt,
    kind: record.kind,
    split: record.split,
    fileLabel: record.label,
    decision: decision && { label: decision.label, by: decision.by, at: decision.at, note: decision.note },
    opinions: prompts.labels.disputed.has(record.id) ? opinionsOn(prompts, record.id) : [],
    beside,
    reason,
    run: runOf(run, record),
  };
}

/** A prompt as a line of the list: its beginning on one line. */
export function rowOf(
  prompts: LabelledPrompts,
  place: number,
  run: RunResults | null,
  reason?: string,
): PromptRow {
  const record = prompts.records[place]!;
  const { line, kind, prompt } = record;
  return {
    place,
    line,
    kind,
    text: prompt.slice(0, ROW_LENGTH).replaceAll(/\s+/g, " "),
    refusalProbability: probabilityIn(run, record),
    reason,
  };
}

/** The label that each person holds a prompt to have, in the order in which they first spoke. */
function opinionsOn(prompts: LabelledPrompts, id: string): Opinion[] {
  const byPerson = Map.groupBy(
    prompts.labels.decisions.filter((decision) => decision.id === id),
    ({ by }) => by,
  );
  return [...byPerson.values()].flatMap((decisions) => {
    const last = currentDecisions(decisions).get(id);
    const label = labelSchema.safeParse(last?.label);
    return last && label.success ? [{ by: last.by, label: label.data, at: last.at }] : [];
  });
}
