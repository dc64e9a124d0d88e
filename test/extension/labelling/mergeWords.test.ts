import { expect, test } from "vitest";
import type { MergePlan } from "../../../src/dataset/labelMerge.ts";
import { mergeQuestion, nothingToMerge, wordConflict } from "../../../src/extension/labelling/mergeWords.ts";
import { decision } from "./files.ts";

const labels = [decision("a", "toxic", 0, "Ada"), decision("a", null, 1, "Ben")];
const plan: MergePlan = {
  entries: labels,
  authors: ["Ada", "Ben"],
  known: 1,
  foreign: 2,
  broken: 0,
  conflicts: [{ id: "x", labels: labels as MergePlan["conflicts"][0]["labels"] }],
  changed: 1,
};

test("the question says whose labels, what changes, where people will differ and what is left out", () => {
  const { question, detail } = mergeQuestion(plan, "a.csv");
  expect(question).toBe("Merge 2 labels by Ada and Ben into a.csv?");
  expect(detail.split("\n")).toEqual([
    "1 prompt gets a label, or another one: of each prompt, the latest label holds.",
    "People will differ on 1 prompt, marked as disputed afterwards.",
    "1 entry already in the log.",
    "2 entries ignored, of prompts that are not in this file.",
    "Authors and times are kept. Undo reverts the merge in one step.",
  ]);
  expect(wordConflict(plan.conflicts[0]!)).toBe("Ada: toxic; Ben: excluded");
});

test("a merge of nothing says why", () => {
  expect(nothingToMerge({ ...plan, entries: [] }, "a.csv")).toBe(
    "There are no new labels for a.csv in these logs. 1 entry already in the log. 2 entries ignored, of prompts that are not in this file.",
  );
  expect(nothingToMerge({ ...plan, entries: [], known: 0, foreign: 0 }, "a.csv")).toContain(
    "They are empty.",
  );
});
