import type { PersonHistory } from "../../dataset/labelHistory.ts";

/** Of several files the one whose last step of a person, done or undone, is the latest. */
export function latest<T extends { labels: { history(by: string): PersonHistory } }>(
  files: readonly T[],
  by: string,
  step: "done" | "undone",
): T | undefined {
  const timed = files.flatMap((file) => {
    const history = file.labels.history(by);
    const time = step === "done" ? history.lastDone : history.lastUndone;
    return time === undefined ? [] : [{ file, time }];
  });
  return timed.sort((a, b) => b.time - a.time)[0]?.file;
}
