import { describe, expect, test } from "vitest";
import { selectPrompts } from "../../src/dataset/select.ts";
import { benchmarkSchema, trains } from "../../src/protocol/benchmark.ts";
import { benchmarkPresets } from "../../src/recipe/benchmarkPresets.ts";
import { openRecipe } from "../../src/recipe/loadRecipe.ts";
import { cellsOf } from "../../src/recipe/plannedCells.ts";
import { knownSuites } from "../../src/suites/registry.ts";

describe.each(Object.entries(benchmarkPresets))("preset:%s", (name, input) => {
  const benchmark = benchmarkSchema.parse(input);

  test("is planned into recipes without a fault", async () => {
    const text =
      typeof benchmark.recipe === "string"
        ? (await openRecipe(benchmark.recipe)).text
        : JSON.stringify(benchmark.recipe);
    const cells = cellsOf(benchmark, { text, file: name }, []);
    expect(new Set(cells.map((cell) => cell.name)).size).toBe(cells.length);
    for (const cell of cells) {
      expect(cell.needs.every((need) => cells.some((other) => other.name === need))).toBe(true);
      expect(cell.recipe.evaluate.before).toBe(false);
    }
    const trained = cells.filter(({ trial, base }) => trial === undefined && base === undefined);
    expect(trained.map(({ method }) => method)).toEqual(
      benchmark.seeds.flatMap((_, i) =>
        benchmark.methods
          .filter(({ controlOf }) => controlOf === undefined)
          .filter((method) => method.on === undefined && (trains(method) || i === 0))
          .map((method) => method.name),
      ),
    );
  });

  test("names suites that are known, and gives every tuned method the same budget", () => {
    for (const suite of benchmark.suites) {
      if ("suite" in suite) expect(knownSuites.map(({ id }) => id)).toContain(suite.suite);
    }
    expect(benchmark.tuning!.trials).toBe(2);
    expect(benchmark.methods.filter(({ tune }) => tune !== undefined).length).toBeGreaterThan(4);
  });
});

test.each(Object.entries(benchmarkPresets))(
  "preset:%s has ten random draws of every method that steers, and as many of the size of what is ablated",
  (_, input) => {
    const { methods } = benchmarkSchema.parse(input);
    const steered = methods.filter(({ steering }) => steering !== undefined).map(({ name }) => name);
    expect(steered.length).toBeGreaterThan(1);
    const controlsOf = (type: string) =>
      methods
        .filter(({ control }) => control?.type === type)
        .map(({ controlOf, control }) => [controlOf, control!.draws]);
    expect(controlsOf("random")).toEqual(steered.map((name) => [name, 10]));
    const ablating = steered.filter((name) => ["Surgical", "Refusal ablation"].includes(name));
    expect(controlsOf("matched")).toEqual(ablating.map((name) => [name, 10]));
  },
);

test.each(Object.entries(benchmarkPresets))(
  "preset:%s has every judge read that needs no model",
  async (_, input) => {
    const benchmark = benchmarkSchema.parse(input);
    const text =
      typeof benchmark.recipe === "string"
        ? (await openRecipe(benchmark.recipe)).text
        : JSON.stringify(benchmark.recipe);
    for (const { recipe } of cellsOf(benchmark, { text, file: "benchmark" }, [])) {
      expect(recipe.evaluate.judges).toEqual(["xstest", "arditi", "or-bench", "zou"]);
    }
  },
);

test("preset:small teaches STL-aug given answers to the prompts that the model answers itself in the other one", async () => {
  const benchmark = benchmarkSchema.parse(benchmarkPresets.small);
  const cells = cellsOf(benchmark, { text: JSON.stringify(benchmark.recipe), file: "small" }, []);
  const recipeOf = (method: string) => cells.find((cell) => cell.method === method)!.recipe;
  const own = recipeOf("STL-aug, own answers");
  const given = recipeOf("STL-aug, given");
  const drawn = async ({ data }: typeof own) => (await selectPrompts(data.helpful[0]!)).records;

  expect(own.data.helpfulAnswers.type).toBe("self-distilled");
  expect(given.data.helpfulAnswers).toEqual({ type: "given" });
  const { helpful, helpfulAnswers } = own.data;
  expect({ ...given, name: own.name, data: { ...given.data, helpful, helpfulAnswers } }).toEqual(own);
  expect((await drawn(given)).map(({ id }) => id)).toEqual((await drawn(own)).map(({ id }) => id));
  expect((await drawn(given)).every(({ response }) => response)).toBe(true);
});

test("preset:small has an answer to every trigger, which toxic prompts of its safety pairs bring by their pair", async () => {
  const benchmark = benchmarkSchema.parse(benchmarkPresets.small);
  const cells = cellsOf(benchmark, { text: JSON.stringify(benchmark.recipe), file: "small" }, []);
  const { data } = cells.find(({ method }) => method === "Trigger-aware")!.recipe;
  expect([data.triggers, data.helpfulAnswers]).toEqual([{ type: "pairs" }, { type: "given" }]);
  const safety = (await Promise.all(data.safety.map((source) => selectPrompts(source)))).flatMap(
    ({ records }) => records,
  );
  const refused = new Set(safety.map(({ pair }) => pair));
  const triggers = (await selectPrompts(data.helpful[0]!)).records;
  expect(triggers).toHaveLength(96);
  expect(triggers.filter(({ pair, response }) => !response || !pair || !refused.has(pair))).toEqual([]);
});
