import { expect, test } from "vitest";
import { mostWords, without, wordsOf } from "../../../src/extension/playground/words.ts";

const left = (text: string) => wordsOf(text).map((word) => without(text, word));

test("every word is left out with the space before it", () => {
  expect(left("How do I\n kill it?")).toEqual([
    "do I\n kill it?",
    "How I\n kill it?",
    "How do\n kill it?",
    "How do I it?",
    "How do I\n kill",
  ]);
  expect(left("  one ")).toEqual([""]);
  expect(left(" ")).toEqual([]);
});

test("a long prompt loses neighbouring words together, and every word once", () => {
  const text = Array.from({ length: 150 }, (_, i) => `w${i}`).join(" ");
  const words = wordsOf(text);
  expect(words.length).toBeLessThanOrEqual(mostWords);
  expect(words.map(({ start, end }) => text.slice(start, end)).join(" ")).toBe(text);
});
