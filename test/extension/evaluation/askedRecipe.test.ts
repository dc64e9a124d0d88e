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
      { model, files: [{ file: "/study/prompts/own set.csv" }], scoreOnly: true },
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
    const file = { file: "/study/a.jsonl", column: "q", label: "toxic" as const };
    const { evaluate, model: named } = completeRecipe(
      askedRecipe({ model: asked, files: [file], limit: 100, scoreOnly: false }, "/study"),
    );
    expect(named.adapters).toEqual(["/runs/dcr"]);
    expect(evaluate.scoreOnly).toBeUndefined();
    expect(evaluate.suites[0]).toMatchObject({
      source: { file: "a.jsonl", columns: { prompt: "q" }, label: "toxic", limit: 100 },
    });
  });

  test("has a suite for each of several files, of names of their own, and asks a run's model as it was trained", () => {
    const files = [
      { file: "/study/a/set.csv" },
      { file: "/study/b/Set.csv" },
      { file: "starter:pairs.csv", split: "test" },
    ];
    const run = {
      ...model,
      name: "dcr at stage-0",
      asked: { template: "alpaca" as const, chat: { thinking: false } },
    };
    const recipe = askedRecipe({ model: run, files, limit: 50, scoreOnly: false }, "/study");
    expect(recipe.name).toBe("evaluate-dcr-at-stage-0-set-and-2-more");
    const { evaluate, template } = completeRecipe(recipe);
    expect(template).toBe("alpaca");
    expect(evaluate.suites).toMatchObject([
      { name: "set", source: { file: "a/set.csv", limit: 50 } },
      { name: "Set-2", source: { file: "b/Set.csv", limit: 50 } },
      { name: "starter-pairs", source: { file: "starter:pairs.csv", split: "test" } },
    ]);
  });
});

describe("how many prompts", () => {
  test("is not asked where all take less than a minute", () => {
    expect(amounts([200], 12)).toEqual([]);
    expect(amounts([1500, 500], null)).toEqual([]);
  });

  test("is asked with counts and times where they take longer, or are many", () => {
    expect(amounts([500], 600).map(({ limit, title }) => [limit, title])).toEqual([
      [100, "100 of 500 prompts, drawn at random, about 2 min"],
      [300, "300 of 500 prompts, drawn at random, about 6 min"],
      [undefined, "All 500 prompts, about 10 min"],
    ]);
    expect(amounts([500, 100], 600).map(({ title }) => title)).toEqual([
      "Up to 100 of each file, 200 of 600 prompts, drawn at random, about 3 min",
      "Up to 300 of each file, 400 of 600 prompts, drawn at random, about 7 min",
      "All 600 prompts, about 10 min",
    ]);
    expect(amounts([50_000], null).map(({ limit }) => limit)).toEqual([100, 300, 1000, 3000, undefined]);
  });

  test("says which are left out for want of a label", () => {
    expect(leftOutWords([{ prompts: 120, labelled: 96 }])).toMatch(/^24 of 120 prompts have no label/);
    expect(leftOutWords([{ prompts: 120, labelled: 120 }])).toBeNull();
    expect(leftOutWords([{ prompts: 120, labelled: 0 }])).toBeNull();
  });
});
