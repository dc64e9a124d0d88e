import { timeOf } from "../../dataset/decisions.ts";
import type { LabelRecord } from "../../protocol/label.ts";

/** When a person last did, and last undid, something that can be undone or redone; milliseconds since 1970. */
export interface LastSteps {
  done: number | undefined;
  undone: number | undefined;
}

/** A person's last steps in one label log, so that of several files the one is undone in that was worked on last. */
export function lastSteps(decisions: readonly LabelRecord[], by: string): LastSteps {
  const own = decisions.filter((record) => record.by === by).sort((a, b) => timeOf(a) - timeOf(b));
  const done: number[] = [];
  let undone: number[] = [];
  let last: string | undefined;
  for (const record of own) {
    const step = `${record.at} ${record.undo} ${record.redo}`;
    if (step === last) continue;
    last = step;
    const at = timeOf(record);
    if (record.undo) {
      done.pop();
      undone.push(at);
    } else if (record.redo) {
      undone.pop();
      done.push(at);
    } else {
      done.push(at);
      undone = [];
    }
  }
  return { done: done.at(-1), undone: undone.at(-1) };
}

/** Of several files the one whose last step, done or undone, is the latest. */
export function latest<T extends { labels: { decisions: readonly LabelRecord[] } }>(
  files: readonly T[],
  by: string,
  step: keyof LastSteps,
): T | undefined {
  const timed = files.flatMap((file) => {
    const time = lastSteps(file.labels.decisions, by)[step];
    return time === undefined ? [] : [{ file, time }];
  });
  return timed.sort((a, b) => b.time - a.time)[0]?.file;
}
