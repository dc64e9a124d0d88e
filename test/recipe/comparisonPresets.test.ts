import { describe, expect, test } from "vitest";
import { comparisonSchema } from "../../src/protocol/comparison.ts";
import { comparisonPresets } from "../../src/recipe/comparisonPresets.ts";
import { openRecipe } from "../../src/recipe/loadRecipe.ts";
import { cellsOf } from "../../src/recipe/plannedCells.ts";
import { presets } from "../../src/recipe/presets.ts";

test("no comparison is called as a recipe, which would hide it", () => {
  for (const name of Object.keys(comparisonPresets)) expect(Object.keys(presets)).not.toContain(name);
});

test("preset:co-movement has snapshots before, during and after safety tuning, and probes enough for co-movement", async () => {
  const comparison = comparisonSchema.parse(comparisonPresets["co-movement"]);
  const { text } = await openRecipe(comparison.recipe as string);
  const cells = cellsOf(comparison, { text, file: "co-movement" }, []);
  expect(cells.map(({ name }) => name)).toEqual([
    ...["stl-0", "dcr-stl-0"],
    ...["stl-1", "dcr-stl-1"],
    ...["stl-2", "dcr-stl-2"],
  ]);
  for (const { recipe } of cells) {
    const tuning = recipe.stages.at(-1)!;
    const steps = tuning.type === "supervised" ? tuning.steps! : 0;
    expect(steps / recipe.states!.every).toBeGreaterThan(2);
    expect(steps / recipe.probes.every).toBeGreaterThanOrEqual(15);
  }
});

describe("preset:paper-figures", () => {
  const comparison = comparisonSchema.parse(comparisonPresets["paper-figures"]);
  const cells = async (set: readonly string[] = []) => {
    const { text } = await openRecipe(comparison.recipe as string);
    return cellsOf(comparison, { text, file: "paper-figures" }, set);
  };

  test("is STL and DCR → STL of the paper's three models and three seeds, by the settings of preset:paper", async () => {
    const all = await cells();
    expect(all).toHaveLength(3 * 2 * 3);
    expect(new Set(all.map(({ recipe }) => recipe.model.base))).toEqual(
      new Set([
        "Qwen/Qwen2.5-1.5B-Instruct",
        "Qwen/Qwen2.5-7B-Instruct",
        "meta-llama/Meta-Llama-3-8B-Instruct",
      ]),
    );
    for (const { recipe, method } of all) {
      const kinds = recipe.stages.map(({ type }) => type);
      expect(kinds).toEqual(method.startsWith("DCR") ? ["contrastive", "supervised"] : ["supervised"]);
      const layer = recipe.stages.flatMap((stage) => (stage.type === "contrastive" ? [stage.layer] : []));
      expect(layer).toEqual(method.startsWith("STL") ? [] : [recipe.model.base.includes("Llama") ? 16 : 14]);
      const tuning = recipe.stages.at(-1)!;
      expect(tuning.type === "supervised" && tuning.safetyRatio).toBe(0.048);
      // Co-movement needs 15 probes or more.
      expect((tuning.type === "supervised" ? tuning.steps! : 0) / recipe.probes.every).toBeGreaterThan(15);
      expect(recipe.evaluate.suites.map(({ name }) => name)).toEqual(["starter-test"]);
    }
  });

  test("takes changes of every run, such as the backend, and is computed by one for all", async () => {
    const all = await cells(["backend=torch", "torch.shard=shard"]);
    expect(new Set(all.map(({ recipe }) => recipe.backend))).toEqual(new Set(["torch"]));
    expect(new Set(all.map(({ recipe }) => recipe.torch.shard))).toEqual(new Set(["shard"]));
  });
});
