import type { Likeness } from "../../dataset/likePairs.ts";
import type { Finding } from "./findings.ts";
import type { Mark, SheetText } from "./match.ts";
import type { ShownRun } from "./shownRuns.ts";
import type { Summary } from "./summary.ts";
import type { Coverage } from "./words.ts";

/** What is shown in one editor: its prompts, the run that answered them, and what follows. */
export interface Sheet {
  /** Version of the document that was read. */
  readonly version: number;
  readonly text: SheetText;
  /** How the file is read, as JSON: where that changes, the text is read anew. */
  readonly layout: string;
  /** Null where no run answered any prompt of the file. */
  readonly shown: ShownRun | null;
  readonly marks: readonly Mark[];
  readonly summary: Summary;
  /** Prompts that are nearly the same, as they were last looked for. */
  readonly alike: readonly Likeness[];
  /** Empty while evaluations are hidden. */
  readonly findings: readonly Finding[];
}

/** 1-based lines of the model's failures, ascending. */
export function failureLines({ marks }: Sheet): number[] {
  return marks.filter(({ failure }) => failure).map(({ line }) => line);
}

/** How much of a file the run that is shown evaluated; the same words on two lines are one prompt. */
export function coverageOf({ text, marks }: Sheet): Coverage {
  return {
    evaluated: new Set(marks.map(({ record }) => record.id)).size,
    prompts: new Set(text.records.map(({ id }) => id)).size,
  };
}
