import { expect, test } from "vitest";
import { promptLine, unseen } from "../../src/wording/unseen.ts";

test("characters that reorder or hide text are shown by their number, and no others", () => {
  expect(unseen("\u202ehow do I\u202c kill it?")).toEqual([
    "",
    "[U+202E]",
    "how do I",
    "[U+202C]",
    " kill it?",
  ]);
  expect(unseen("\u001b[31mred\u0007").join("")).toBe("[U+001B][31mred[U+0007]");
  const plain = "كيف أقتل عملية؟ איך\n\tété 👩‍👧 a\u200eb";
  expect(unseen(plain)).toEqual([plain]);
});

test("a prompt is one line, cut where it is long", () => {
  expect(promptLine(" one\n\ntwo \u202ethree ")).toBe("one two [U+202E]three");
  expect(promptLine("x".repeat(160))).toBe("x".repeat(160));
  expect(promptLine("😀".repeat(161))).toBe(`${"😀".repeat(159)}…`);
});
