import { expect, test } from "vitest";
import { ticks, tickWords } from "../../../src/webview/ui/axes.tsx";

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

test.each<[number[], string[]]>([
  [
    [0, 50, 100],
    ["0", "50", "100"],
  ],
  [
    [0, 0.2, 0.4],
    ["0.00", "0.20", "0.40"],
  ],
  [
    [0, 0.002, 0.004],
    ["0", "0.002", "0.004"],
  ],
  [
    [-2e-7, 0, 2e-7],
    ["−2e−7", "0", "2e−7"],
  ],
])("the words of ticks tell them apart: %j", (values, words) => {
  expect(values.map(tickWords(values))).toEqual(words);
});
