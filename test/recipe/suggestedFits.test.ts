import { expect, test } from "vitest";
import { linearModules, parameterShapes } from "../../src/engine/model/architecture.ts";
import { architectureFromConfig } from "../../src/engine/model/architectureFromConfig.ts";
import { type SuggestedModel, suggestedModels } from "../../src/modelsHome/suggestedModels.ts";
import { recipeSchema } from "../../src/protocol/recipe.ts";
import { presets } from "../../src/recipe/presets.ts";
import { planRecipe } from "../../src/recipe/recipeMemory.ts";
import { fitWords, suggestedFacts, suggestedFits } from "../../src/recipe/suggestedFits.ts";

/** A suggested model's config.json, of the family that its name says. */
function architecture({ hub, sizes }: SuggestedModel) {
  const family = [
    ["Qwen2.5", "qwen2"],
    ["Qwen3", "qwen3"],
    ["Llama", "llama"],
    ["SmolLM2", "llama"],
  ].find(([name]) => hub.includes(name!));
  return architectureFromConfig({
    model_type: family![1]!,
    hidden_size: sizes.hiddenSize,
    intermediate_size: sizes.intermediateSize,
    num_hidden_layers: sizes.layers,
    num_attention_heads: sizes.heads,
    num_key_value_heads: sizes.keyValueHeads,
    head_dim: sizes.headSize,
    max_position_embeddings: sizes.contextLength,
    rms_norm_eps: 1e-6,
    rope_theta: 10_000,
    tie_word_embeddings: sizes.tiedEmbeddings,
    vocab_size: sizes.vocabSize,
  });
}

test.each(suggestedModels)("the sizes of $name make its parameters, download and modules", (model) => {
  const built = architecture(model);
  const numbers = [...parameterShapes(built).values()].map((shape) => shape.reduce((n, size) => n * size, 1));
  const parameters = numbers.reduce((sum, count) => sum + count, 0);
  expect(parameters).toBe(model.parameters);
  // Some store tied embeddings twice; tokenizers take up to 20 MB.
  const { vocabSize, hiddenSize, tiedEmbeddings } = model.sizes;
  expect(model.bytes).toBeGreaterThan(2 * parameters);
  expect(model.bytes).toBeLessThan(2 * (parameters + (tiedEmbeddings ? vocabSize * hiddenSize : 0)) + 20e6);
  const facts = suggestedFacts(model);
  expect(facts.linears).toEqual(
    linearModules(built).map(({ name, inFeatures, outFeatures }) => ({ name, inFeatures, outFeatures })),
  );
  expect(facts.stored!.blocks + facts.stored!.outside).toBe(2 * parameters);
  const outside = [...parameterShapes(built)].filter(([name]) => !name.includes(".layers."));
  const outsideNumbers = outside.reduce((sum, [, shape]) => sum + shape.reduce((n, size) => n * size, 1), 0);
  expect(facts.stored!.outside).toBe(2 * outsideNumbers);
});

test("what fits is what the default recipe would be planned as, and more memory fits more", () => {
  const recipe = recipeSchema.parse({ ...presets.default, model: "m" });
  for (const available of [2e9, 8e9, 64e9]) {
    for (const model of suggestedFits(available)) {
      const { plan, fits } = planRecipe(recipe, suggestedFacts(model), available);
      expect(model.training).toEqual({ fits, mode: plan.mode, peakBytes: plan.peakBytes });
      expect(model.scoring.peakBytes).toBeGreaterThan(0);
    }
  }
  const named = (available: number, what: "scoring" | "training") =>
    suggestedFits(available).flatMap((model) => (model[what].fits ? [model.name] : []));
  expect(named(2e9, "training")).not.toContain("qwen3-4b");
  expect(named(2e9, "scoring")).toContain("qwen3-4b");
  expect(named(2e9, "scoring")).not.toContain("llama-3.1-8b");
  expect(named(64e9, "training")).toHaveLength(suggestedModels.length);
  const [smallest] = suggestedFits(64e9);
  expect(smallest!.scoring.peakBytes).toBeLessThan(smallest!.training.peakBytes);
});

test("a fit in words", () => {
  expect(fitWords({ fits: true, mode: "keep", peakBytes: 1.94e9 })).toBe("1.9 GB");
  expect(fitWords({ fits: true, mode: "recompute", peakBytes: 9.6e9 })).toBe("9.6 GB, block by block");
  expect(fitWords({ fits: true, mode: "stream", peakBytes: 14.4e9 })).toBe("streamed from disk");
  expect(fitWords({ fits: false, mode: "stream", peakBytes: 3e9 })).toBe("no, needs 3.0 GB");
});
