import { expect, test } from "vitest";
import { ticks } from "../../../src/webview/report/lineChart.tsx";

test.each<[number, number, number[]]>([
  [0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
  [0, 240, [0, 50, 100, 150, 200]],
  [1, 12, [5, 10]],
  [0.37, 1, [0.4, 0.6, 0.8, 1]],
  [-0.5, 1.5, [-0.5, 0, 0.5, 1, 1.5]],
  [3, 3, [3]],
  [0, 80_000, [0, 20_000, 40_000, 60_000, 80_000]],
])("the ticks from %d to %d are round", (from, to, expected) => {
  expect(ticks(from, to)).toEqual(expected);
});
