import type { Recipe } from "../protocol/recipe.ts";
import type { StageRecipe } from "../protocol/recipeStages.ts";
import { greatestOf } from "../statistics/extremes.ts";
import { byteSize } from "../wording/numbers.ts";
import { type MemoryPlan, type PassSize, planMemory, storedBytes } from "./memoryPlan.ts";
import type { ModelFacts } from "./modelFacts.ts";
import { passOf, promptTokens } from "./stageCost.ts";

/** The memory plan of a whole run: every stage and every batch of answers goes by the same plan. */
export function planRecipe(
  recipe: Recipe,
  model: ModelFacts,
  available: number | null,
): { readonly plan: MemoryPlan; readonly fits: boolean } {
  return planMemory(model, recipePasses(recipe, model), recipe.memory, available);
}

/** What a run holds in memory beside weights: a batch of each stage, and one that is answered. */
export function recipePasses(recipe: Recipe, model: ModelFacts): PassSize[] {
  const answers = answering(recipe.evaluate, model);
  return [answers, ...recipe.stages.map((stage) => passOf(stage, recipe, model))];
}

/** A batch of prompts that is answered: keys and values of every block, and logits of one token a row. */
export function answering(
  { batchSize, maxNewTokens }: Pick<Recipe["evaluate"], "batchSize" | "maxNewTokens">,
  model: ModelFacts,
): PassSize {
  const { layers, hiddenSize } = model.architecture;
  const key = model.linears.find(({ name }) => name.endsWith("k_proj"));
  const width = 2 * (key?.outFeatures ?? hiddenSize);
  const rowLength = promptTokens + maxNewTokens;
  return {
    tokens: batchSize * promptTokens,
    rowLength,
    // Nothing is kept for a backward pass.
    depth: 1,
    logits: batchSize / 3,
    trained: 0,
    full: false,
    cache: layers * width * batchSize * rowLength,
  };
}

/**
 * Why a run does not fit, with the smallest changes that would make it fit: "needs 21 GB of memory, and 12 GB are free: use
 * memory "stream", a Q8_0 model, or batch size 4 in stages.0". Null where it fits.
 *
 * @param available bytes; null where that is not known.
 */
export function memoryRefusal(recipe: Recipe, model: ModelFacts, available: number | null): string | null {
  const { plan, fits } = planRecipe(recipe, model, available);
  if (fits || available === null) return null;
  const free = `${byteSize(available)} is free`;
  const need = `${model.name} needs about ${byteSize(plan.peakBytes)} of memory by this recipe, and ${free}.`;
  const suffices = (changed: Recipe, smaller = model) => planRecipe(changed, smaller, available).fits;
  const found: string[] = [];
  const streamed: Recipe = { ...recipe, memory: "auto" };
  if (recipe.memory !== "auto" && suffices(streamed)) {
    const { mode } = planRecipe(streamed, model, available).plan;
    found.push(`memory: "${mode}"`);
  }
  for (const type of storageTypes) {
    const smaller = storedAs(model, type.bytes);
    if (smaller && suffices(recipe, smaller)) {
      found.push(`a ${type.name} model`);
      break;
    }
  }
  const batch = smallestBatch(recipe, (changed) => suffices(changed));
  if (batch) found.push(batch);
  if (found.length > 0) return `${need} Use ${found.join(", or ")}.`;
  // Nothing suffices alone: everything together, and what that needs.
  const least = { ...withBatches(recipe, () => 1), memory: "auto" as const };
  const smallest = storedAs(model, storageTypes.at(-1)!.bytes) ?? model;
  const { plan: last, fits: lastFits } = planRecipe(least, smallest, available);
  const all = `a ${storageTypes.at(-1)!.name} model with memory: "${last.mode}" and batches of 1`;
  const verb = lastFits ? "Use" : "Even";
  return `${need} ${verb} ${all}${lastFits ? "" : " is too much for this machine"} (about ${byteSize(last.peakBytes)}).`;
}

/** Types that models are commonly stored in, from the largest, with the bytes of a number. */
const storageTypes = [
  { name: "BF16", bytes: 2 },
  { name: "Q8_0", bytes: 34 / 32 },
  { name: "Q4_0", bytes: 18 / 32 },
];

/** The same model stored in a type; null where it is stored as small already. */
function storedAs(model: ModelFacts, bytes: number): ModelFacts | null {
  const { blocks, outside } = storedBytes(model);
  const factor = (bytes * model.parameters) / (blocks + outside);
  if (factor > 0.95) return null;
  const { held: _, ...others } = model;
  return {
    ...others,
    bytes: model.bytes * factor,
    stored: { blocks: blocks * factor, outside: outside * factor },
  };
}

/** The largest batches, halved stage by stage, with which a recipe fits, in words; null where there are none. */
export function smallestBatch(recipe: Recipe, fits: (changed: Recipe) => boolean): string | null {
  const largest = greatestOf([0, ...recipe.stages.map(batchOf)]);
  for (let most = largest / 2; most >= 1; most /= 2) {
    const batch = Math.floor(most);
    const changed = withBatches(recipe, (old) => Math.min(old, batch));
    if (!fits(changed)) continue;
    return `batch size ${batch}`;
  }
  return null;
}

const batchOf = (stage: StageRecipe) =>
  stage.type === "contrastive" ? stage.sampler.batch : stage.batchSize;

/** A recipe with other sizes of batches. */
export function withBatches(recipe: Recipe, size: (old: number) => number): Recipe {
  const stages = recipe.stages.map((stage): StageRecipe => {
    if (stage.type !== "contrastive") return { ...stage, batchSize: size(stage.batchSize) };
    const { retention, sampler } = stage;
    return {
      ...stage,
      sampler: { ...sampler, batch: size(sampler.batch) },
      retention: retention.type === "none" ? retention : { ...retention, batch: size(retention.batch) },
    };
  });
  return { ...recipe, stages };
}
