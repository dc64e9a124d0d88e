import type { Decision } from "../../dataset/decisions.ts";
import type { LabelFile } from "../../dataset/labelFile.ts";
import type { PromptRecord } from "../../dataset/record.ts";
import type { Label } from "../../protocol/label.ts";
import { packLabel } from "../../protocol/webview/labelBytes.ts";
import { stateOf } from "../prompts/promptState.ts";

/** What labelling needs of a prompt file; the library's files have it. */
export interface LabelledPrompts {
  readonly records: readonly PromptRecord[];
  readonly labels: Pick<LabelFile, "disputed" | "decisions" | "pairs">;
  /** What people decided, else what the file says. */
  labelOf(record: PromptRecord): Label | undefined;
  decisionOf(id: string): Decision | undefined;
}

/** What holds for a prompt, in a byte. */
export function labelByte(prompts: LabelledPrompts, record: PromptRecord): number {
  const decision = prompts.decisionOf(record.id);
  return packLabel({
    state: stateOf(record, decision),
    decided: decision !== undefined && decision.label !== "skip",
    disputed: prompts.labels.disputed.has(record.id),
  });
}

/** The places of prompts by their ids; the same words may stand in a file twice. */
export function placesById(records: readonly PromptRecord[]): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (const [place, { id }] of records.entries()) {
    const known = places.get(id);
    if (known) known.push(place);
    else places.set(id, [place]);
  }
  return places;
}
