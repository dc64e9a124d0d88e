import { describe, expect, test } from "vitest";
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
