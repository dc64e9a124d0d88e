import { expect, test } from "vitest";
import { suggestionGroups, withNearest } from "../../../src/extension/models/suggestions.ts";
import { suggestedFits } from "../../../src/recipe/suggestedFits.ts";

const groups = (available: number) => suggestionGroups(suggestedFits(available));

test("models to pull are grouped by what fits, with size, licence, access and memory of each", () => {
  expect(groups(2e9).map(({ heading, items }) => [heading, items.map(({ name }) => name)])).toEqual([
    ["LoRA training fits in memory", ["smollm2-135m", "smollm2-360m", "qwen2.5-0.5b"]],
    [
      "LoRA training reads weights from disk at each step",
      ["qwen3-0.6b", "llama-3.2-1b", "qwen2.5-1.5b", "smollm2-1.7b", "qwen3-1.7b"],
    ],
    ["Scoring only; LoRA training needs more memory, or a GPU", ["qwen3-4b"]],
    ["Needs more memory, or a GPU", ["qwen2.5-7b", "llama-3.1-8b", "qwen3-8b"]],
  ]);
  const [llama] = groups(2e9)[1]!.items.filter(({ name }) => name === "llama-3.2-1b");
  expect(llama).toEqual({
    label: "llama-3.2-1b",
    name: "llama-3.2-1b",
    description: "1.2 B parameters · 2.5 GB download · Llama 3.2 Community, gated",
    detail:
      "Scoring: streamed from disk · LoRA training: streamed from disk · meta-llama/Llama-3.2-1B-Instruct",
  });
});

test("where all fit there is one group", () => {
  const [all, ...others] = groups(200e9);
  expect(others).toEqual([]);
  expect(all!.items[0]!.detail).toMatch(/^Scoring: \d+ MB · LoRA training: 1\.9 GB · HuggingFaceTB\//);
});

test("a mistyped name keeps the nearest model in the list, and a part of a name none but those it is in", () => {
  const kept = (typed: string) =>
    withNearest(groups(2e9), typed)
      .flatMap(({ items }) => items)
      .filter(({ alwaysShow }) => alwaysShow)
      .map(({ name, description }) => `${name}: ${description.split(" · ")[0]}`);
  expect(kept("smolm2-135m")).toEqual(["smollm2-135m: did you mean this?"]);
  for (const typed of ["", "smol", "Apache", "owner/unlike-any-other"]) expect(kept(typed)).toEqual([]);
});
