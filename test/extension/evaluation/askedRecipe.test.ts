import { describe, expect, test } from "vitest";
import {
  amounts,
  askedRecipe,
  completeRecipe,
  leftOutWords,
} from "../../../src/extension/evaluation/askedRecipe.ts";

const model = { name: "owner/tiny", base: "owner/tiny", adapters: [] };

describe("the recipe of an evaluation that is asked for in a prompt file", () => {
  test("has no stages, names the file relative to itself, and scores alone where that is asked", () => {
    const recipe = askedRecipe(
      { model, file: "/study/prompts/own set.csv", scoreOnly: true },
      "/study/evaluations",
    );
    const complete = completeRecipe(recipe);
    expect(complete).toMatchObject({
      name: "score-owner-tiny-own-set",
      stages: [],
      model: { base: "owner/tiny" },
    });
    expect(complete.evaluate).toMatchObject({
      ...{ before: false, scoreOnly: true },
      suites: [{ name: "own-set", source: { file: "../prompts/own set.csv" } }],
    });
  });

  test("keeps adapters, column, label and limit, and answers where scores are not enough", () => {
    const asked = { ...model, adapters: ["/runs/dcr"] };
    const file = { file: "/study/a.jsonl", column: "q", label: "toxic" as const, limit: 100 };
    const { evaluate, model: named } = completeRecipe(
      askedRecipe({ model: asked, ...file, scoreOnly: false }, "/study"),
    );
    expect(named.adapters).toEqual(["/runs/dcr"]);
    expect(evaluate.scoreOnly).toBeUndefined();
    expect(evaluate.suites[0]).toMatchObject({
      source: { file: "a.jsonl", columns: { prompt: "q" }, label: "toxic", limit: 100 },
    });
  });
});

describe("how many prompts", () => {
  test("is not asked where all take less than a minute", () => {
    expect(amounts(200, 12)).toEqual([]);
    expect(amounts(2000, null)).toEqual([]);
  });

  test("is asked with counts and times where they take longer, or are many", () => {
    expect(amounts(500, 600).map(({ limit, title }) => [limit, title])).toEqual([
      [100, "100 of 500 prompts, drawn at random, about 2 min"],
      [300, "300 of 500 prompts, drawn at random, about 6 min"],
      [undefined, "All 500 prompts, about 10 min"],
    ]);
    expect(amounts(50_000, null).map(({ limit }) => limit)).toEqual([100, 300, 1000, 3000, undefined]);
  });

  test("says which are left out for want of a label", () => {
    expect(leftOutWords({ prompts: 120, labelled: 96 })).toMatch(/^24 of 120 prompts have no label/);
    expect(leftOutWords({ prompts: 120, labelled: 120 })).toBeNull();
    expect(leftOutWords({ prompts: 120, labelled: 0 })).toBeNull();
  });
});
