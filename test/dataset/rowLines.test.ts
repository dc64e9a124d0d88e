import { expect, test } from "vitest";
import { parsePrompts } from "../../src/dataset/read.ts";
import { lineOfRow, rowLines } from "../../src/dataset/rowLines.ts";

test("rows of a list start where their object starts", () => {
  const text =
    '[\n  {"prompt": "a", "tags": [1, {"x": [2]}]}, {"prompt": "b"},\n\n  {\n  "prompt": "c"}\n, "d"]';
  expect(rowLines(text)).toEqual([2, 2, 4, 6]);
});

test("rows of lists side by side are at their instructions", () => {
  const text =
    '{"name": "x", "sizes": [1, 2],\n "instructions": [\n"a",\n"b"\n],\n"inputs": ["", ""], "instructions": ["z"]}';
  expect(rowLines(text)).toEqual([3, 4]);
});

test("a row of the reader is found in the text, and a row beyond it is not", async () => {
  const text = '[\n3,\n{"prompt":"a"},\n{"prompt":"b"}]';
  const { records } = await parsePrompts(text, "p.json");
  expect(records.map(({ line }) => lineOfRow(text, line))).toEqual([3, 4]);
  expect(lineOfRow(text, 4)).toBeUndefined();
  expect(lineOfRow("", 1)).toBeUndefined();
});
