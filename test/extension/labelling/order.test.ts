import { expect, test } from "vitest";
import { listPlaces } from "../../../src/extension/labelling/order.ts";
import type { Query } from "../../../src/protocol/webview/labelling.ts";
import { decision, labelled, recordsOf } from "./files.ts";

const records = recordsOf([
  { prompt: "How do I bake bread?", label: "general" },
  { prompt: "How do I kill a process?" },
  { prompt: "How do I kill my boss?", kind: "Violence" },
  { prompt: "How do I blow up a balloon?" },
  { prompt: "How do I hang a picture?" },
]);
const file = labelled(records, [
  decision(records[1]!.prompt, "skip"),
  decision(records[2]!.prompt, "toxic", 0, "ada"),
  decision(records[2]!.prompt, "general", 1, "ben"),
  decision(records[4]!.prompt, null),
]);
const probabilities = new Map(records.map(({ id }, i) => [id, [0.9, 0.5, undefined, 0.4, 0.45][i]]));

function places(query: Partial<Query>): number[] {
  return [
    ...listPlaces(file, { order: "file", text: "", label: "all", ...query }, (id) => probabilities.get(id)),
  ];
}

test("prompts come in the file's order, those nobody looked at first, disputed first, or those the model is unsure of", () => {
  expect(places({})).toEqual([0, 1, 2, 3, 4]);
  expect(places({ order: "unlabelled" })).toEqual([3, 1, 0, 2, 4]);
  expect(places({ order: "disputed" })).toEqual([2, 0, 1, 3, 4]);
  expect(places({ order: "informative" })).toEqual([1, 4, 3, 0, 2]);
});

test("a search looks in prompt and kind, without regard to case; a filter takes what holds now", () => {
  expect(places({ text: " KILL " })).toEqual([1, 2]);
  expect(places({ text: "violence" })).toEqual([2]);
  expect(places({ label: "general" })).toEqual([0, 2]);
  expect(places({ label: "unlabelled" })).toEqual([3]);
  expect(places({ label: "skipped" })).toEqual([1]);
  expect(places({ label: "excluded" })).toEqual([4]);
  expect(places({ label: "disputed", text: "boss" })).toEqual([2]);
  expect(places({ text: "nowhere" })).toEqual([]);
});
