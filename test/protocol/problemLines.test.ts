import { expect, test } from "vitest";
import { problemLines } from "../../src/protocol/report/methods.ts";

const failed = (run: string, message: string, because?: string) => ({
  ...{ method: run.replace(/-\d+$/, ""), seed: 0, run, message },
  ...(because !== undefined && { because }),
});

test("a run that failed is one line with the runs that were not begun because of it, of which six are named", () => {
  const draws = Array.from({ length: 9 }, (_, i) =>
    failed(
      `cast-random-${i}`,
      `cast-random-${i} failed: It was not begun: cast-0, which it needs, failed.`,
      "cast-trial-1",
    ),
  );
  const lines = problemLines([
    failed(
      "cast-0",
      "cast-0 failed: It was not begun: cast-trial-1, which it needs, failed.",
      "cast-trial-1",
    ),
    failed("cast-trial-1", "cast-trial-1 failed: No space left."),
    ...draws,
    failed("scans-1", "scans-1 failed: Out of memory."),
    { method: "dpo", seed: 1, message: "DPO never acted." },
  ]);
  expect(lines).toEqual([
    "cast-trial-1 failed: No space left. Not begun because of it: cast-0, cast-random-0, cast-random-1, cast-random-2, " +
      "cast-random-3, cast-random-4, 4 more.",
    "scans-1 failed: Out of memory.",
    "DPO never acted.",
  ]);
});
