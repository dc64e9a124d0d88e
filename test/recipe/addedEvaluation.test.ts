import { describe, expect, it } from "vitest";
import type { Cell } from "../../src/protocol/cells.ts";
import { type Recipe, type RecipeInput, recipeSchema } from "../../src/protocol/recipe.ts";
import { addedEvaluation } from "../../src/recipe/addedEvaluation.ts";
import { addedToPlan } from "../../src/recipe/addedToPlan.ts";

const suites = (...names: string[]) =>
  names.map((name) => ({ name, source: { file: "starter:pairs.csv", split: "test" } }));
const recipe = (evaluate: RecipeInput["evaluate"], rest: Partial<RecipeInput> = {}): Recipe =>
  recipeSchema.parse({ name: "tiny", model: "model", stages: [], ...rest, evaluate });

describe("addedEvaluation", () => {
  it("names suites and counts judges that are more, wherever they stand", () => {
    const begun = recipe({ suites: suites("a", "b"), judges: ["xstest"] });
    const asked = recipe({ suites: suites("new", "a", "b", "newer"), judges: ["zou", "xstest"] });
    expect(addedEvaluation(begun, asked)).toEqual({ suites: ["new", "newer"], judges: 1 });
    expect(addedEvaluation(begun, begun)).toEqual({ suites: [], judges: 0 });
    // A run without a suite may get its first.
    expect(addedEvaluation(recipe({ suites: [] }), recipe({ suites: suites("a") }))).toEqual({
      suites: ["a"],
      judges: 0,
    });
  });

  it("takes nothing else: fewer suites or judges, a suite of other prompts, other settings", () => {
    const begun = recipe({ suites: suites("a", "b"), judges: ["xstest", "zou"] });
    const [a, b] = suites("a", "b");
    for (const other of [
      recipe({ suites: [a!], judges: ["xstest", "zou"] }),
      recipe({ suites: [a!, { ...b!, source: { ...b!.source, limit: 4 } }], judges: ["xstest", "zou"] }),
      recipe({ suites: suites("a", "b", "c"), judges: ["xstest"] }),
      recipe({ suites: suites("a", "b", "c"), judges: ["xstest", "zou"], maxNewTokens: 7 }),
      recipe({ suites: suites("a", "b", "c"), judges: ["xstest", "zou"] }, { seed: 1 }),
    ])
      expect(addedEvaluation(begun, other)).toBeNull();
  });
});

describe("addedToPlan", () => {
  const cell = (name: string, own: Recipe, rest: Partial<Cell> = {}): Cell => ({
    ...{ id: `${name}${own.evaluate.suites.length}`, name, method: name, seed: 0, recipe: own, needs: [] },
    ...rest,
  });
  const [before, more] = [recipe({ suites: suites("a") }), recipe({ suites: suites("a", "b") })];

  it("counts new runs, and what those that were there have more", () => {
    expect(
      addedToPlan([cell("stl", before), cell("gone", before)], [cell("stl", more), cell("new", more)]),
    ).toEqual({ runs: 1, suites: ["b"], judges: 0 });
    expect(addedToPlan([cell("stl", before)], [cell("stl", before), cell("new", before)])).toEqual({
      ...{ runs: 1, suites: [], judges: 0 },
    });
  });

  it("is null for the same plan, for another one, and where a run is to be another", () => {
    expect(addedToPlan([cell("stl", before)], [cell("stl", before)])).toBeNull();
    expect(addedToPlan([cell("stl", before)], [cell("stl", more)], new Set(["b"]))).toBeNull();
    expect(addedToPlan([cell("stl", before)], [cell("dcr", more)])).toBeNull();
    const seed = recipe({ suites: suites("a", "b") }, { seed: 1 });
    expect(addedToPlan([cell("stl", before)], [cell("stl", seed), cell("new", more)])).toBeNull();
    expect(
      addedToPlan([cell("stl", before)], [cell("stl", more, { base: "dcr", needs: ["dcr"] })]),
    ).toBeNull();
  });
});
