import type { ContrastiveStageOptions } from "../../../src/engine/train/contrastive.ts";
import type { ContrastPrompt } from "../../../src/engine/train/contrastSampler.ts";
import { stageSchema } from "../../../src/protocol/recipeStages.ts";

/** Eight pairs over two kinds, in the 160 tokens of the tiny models; all begin alike, and lengths differ. */
export const contrast: ContrastPrompt[] = Array.from({ length: 8 }, (_, i) => {
  const words = Array.from({ length: 3 + (i % 4) }, (_, t) => 10 + ((11 * i + 7 * t) % 120));
  const of = { kind: `kind ${i % 2}`, pair: `pair ${i}` };
  return [
    { ids: [3, 4, 5, ...words, 140, 6], label: "toxic" as const, ...of },
    { ids: [3, 4, 5, ...words, 141, 142, 6], label: "seemingly_toxic" as const, ...of },
  ];
}).flat();

const recipe = stageSchema.parse({
  type: "contrastive",
  sampler: { batch: 8 },
  retention: { type: "none", batch: 4 },
});
if (recipe.type !== "contrastive") throw new Error("the recipe is of another stage");

/** The stage as it is by default, on small batches and without retention. */
export const contrastOptions: ContrastiveStageOptions = { ...recipe, layer: 2, seed: 1 };
