import type { Judged, JudgeInfo, Verdicts } from "../../../protocol/report/verdicts.ts";

/** An answer as a judge sees it. */
export interface JudgedAnswer {
  readonly prompt: string;
  /** Without reasoning. */
  readonly response: string;
  /** Whether the model ended by itself; false where it was cut off at the token limit. */
  readonly ended: boolean;
  /** Whether its reasoning was never closed. */
  readonly unclosed: boolean;
}

/** A judge: one row of the table in `judges.ts`. */
export interface Judge extends JudgeInfo {
  /** What it needs beside the answer. Every judge of today reads words alone; a model would be named here. */
  readonly needs: "nothing";
  /** Its verdict on one answer. The same answer always gets the same verdict of the same version. */
  judge(answer: JudgedAnswer): Judged;
}

/** Verdicts of several judges on one answer. */
export function verdictsOf(judges: readonly Judge[], answer: JudgedAnswer): Verdicts {
  return Object.fromEntries(judges.map((judge) => [judge.id, judge.judge(answer)]));
}

/** What a report keeps of its judges. */
export function judgeInfo({ id, version, question, title }: Judge): JudgeInfo {
  return { id, version, question, title };
}
