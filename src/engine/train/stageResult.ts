import type { StageRecipe } from "../../protocol/recipeStages.ts";
import type { Learned } from "../backend/backend.ts";
import type { LoraModule } from "../model/adapter.ts";
import { memoryTensor, type Parameter } from "../model/weights.ts";
import type { StageResult } from "./stage.ts";

const suffixes = { a: ".lora_A.weight", b: ".lora_B.weight" };

/** What a trainer learned in the form in which a run keeps it: tensors by name, factors of an adapter as in PEFT. */
export async function resultOf(learned: Learned): Promise<StageResult> {
  if (learned.method === "full") {
    const whole = new Map<string, Parameter>();
    for (const [name, tensor] of learned.weights) {
      whole.set(name, { shape: tensor.shape, data: await tensor.float32() });
    }
    return { method: "full", tensors: whole };
  }
  const tensors = [...learned.adapter.modules].flatMap(
    ([module, { a, b }]) =>
      [
        [`${module}${suffixes.a}`, a],
        [`${module}${suffixes.b}`, b],
      ] as const,
  );
  return { method: "lora", tensors: new Map(tensors) };
}

/** The α of a stage's adapter; 1 where it trains the weights themselves. */
export function alphaOf({ train }: Pick<StageRecipe, "train">): number {
  return train.method === "lora" ? train.alpha : 1;
}

/**
 * The inverse of {@link resultOf}.
 *
 * @param alpha of the adapter's recipe: a run keeps factors alone, and the scale is alpha / rank.
 */
export function learnedOf({ method, tensors }: StageResult, alpha: number): Learned {
  if (method === "full") {
    return { method, weights: new Map([...tensors].map(([name, each]) => [name, memoryTensor(each)])) };
  }
  const modules = new Map<string, LoraModule>();
  for (const [name, a] of tensors) {
    const module = name.endsWith(suffixes.a) ? name.slice(0, -suffixes.a.length) : undefined;
    const b = module === undefined ? undefined : tensors.get(`${module}${suffixes.b}`);
    if (module !== undefined && b) modules.set(module, { a, b, scale: alpha / a.shape[0]! });
  }
  return { method, adapter: { modules, baseModel: null } };
}
