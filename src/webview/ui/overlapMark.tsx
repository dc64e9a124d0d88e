import { overlapMark, overlapNote } from "../../protocol/report/training.ts";

/** The sign behind a figure of a method that was trained on prompts of the suite, with what it means. */
export function OverlapMark() {
  return <abbr title={overlapNote}>{overlapMark}</abbr>;
}
