import { type SuggestedModel, suggestedModels } from "../modelsHome/suggestedModels.ts";
import { recipeSchema } from "../protocol/recipe.ts";
import { byteSize } from "../wording/numbers.ts";
import type { MemoryPlan } from "./memoryPlan.ts";
import type { ModelFacts } from "./modelFacts.ts";
import { presets } from "./presets.ts";
import { planRecipe } from "./recipeMemory.ts";

/** Whether something fits the memory of this machine, and by which plan; the smallest plan where it does not. */
export interface Fit {
  readonly fits: boolean;
  readonly mode: MemoryPlan["mode"];
  readonly peakBytes: number;
}

/** A suggested model, and what may be done with it here. */
export interface SuggestedFit extends SuggestedModel {
  /** Scoring and answering prompts. */
  readonly scoring: Fit;
  /** LoRA training by the default recipe. */
  readonly training: Fit;
}

/** The bytes of a number in bfloat16, in which all suggested models are stored. */
const storedBytes = 2;

/**
 * The suggested models with the memory plans that they would run by, on the CPU, before any of them is fetched.
 *
 * @param available bytes of memory; null where that is not known, and then everything fits.
 */
export function suggestedFits(available: number | null): SuggestedFit[] {
  return suggestedModels.map((model) => {
    const facts = suggestedFacts(model);
    const planned = (stages: typeof presets.default.stages | []) => {
      const recipe = recipeSchema.parse({ ...presets.default, model: model.name, stages });
      const { plan, fits } = planRecipe(recipe, facts, available);
      return { fits, mode: plan.mode, peakBytes: plan.peakBytes };
    };
    return { ...model, scoring: planned([]), training: planned(presets.default.stages) };
  });
}

/** A suggested model as its memory is planned: what `inspect` would say of its files. */
export function suggestedFacts({ name, hub, parameters, bytes, sizes }: SuggestedModel): ModelFacts {
  const { hiddenSize, intermediateSize, heads, keyValueHeads, headSize, vocabSize, tiedEmbeddings } = sizes;
  const [queries, keys] = [heads * headSize, keyValueHeads * headSize];
  const linear = (name: string, inFeatures: number, outFeatures: number) => ({
    ...{ name, inFeatures, outFeatures },
  });
  const outside = storedBytes * (vocabSize * (tiedEmbeddings ? 1 : 2) + 1) * hiddenSize;
  return {
    ...{ name, path: hub, parameters, bytes, tokenizerProblem: null },
    stored: { outside, blocks: storedBytes * parameters - outside },
    linears: [
      linear("self_attn.q_proj", hiddenSize, queries),
      linear("self_attn.k_proj", hiddenSize, keys),
      linear("self_attn.v_proj", hiddenSize, keys),
      linear("self_attn.o_proj", queries, hiddenSize),
      linear("mlp.gate_proj", hiddenSize, intermediateSize),
      linear("mlp.up_proj", hiddenSize, intermediateSize),
      linear("mlp.down_proj", intermediateSize, hiddenSize),
    ],
    architecture: sizes,
  };
}

/** A fit in a few words: "1.9 GB", "9.6 GB, block by block", "streamed from disk", "no, needs 21.0 GB". Streaming takes what memory there is. */
export function fitWords({ fits, mode, peakBytes }: Fit): string {
  const size = byteSize(peakBytes);
  if (!fits) return `no, needs ${size}`;
  return { keep: size, recompute: `${size}, block by block`, stream: "streamed from disk" }[mode];
}
