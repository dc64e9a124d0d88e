import { DiscernError } from "../../protocol/errors.ts";
import type { TrainRecipe } from "../../protocol/recipeStages.ts";
import { type LoraPlan, loraNames } from "../backend/onnx/decoder/parameters.ts";
import type { Adapter, LoraModule } from "../model/adapter.ts";
import { type Architecture, linearModules, parameterShapes } from "../model/architecture.ts";
import type { Parameter } from "../model/weights.ts";
import { stream, uniform } from "./random.ts";

/**
 * Checks a range of layers against the model.
 *
 * @throws DiscernError("recipe-invalid") when it is empty or reaches beyond the last layer.
 */
export function layerRange(
  { layers }: Architecture,
  [from, to]: readonly [number, number] = [0, layers],
): [number, number] {
  if (!(0 <= from && from < to && to <= layers)) {
    throw new DiscernError(
      "recipe-invalid",
      `train.layers is [${from}, ${to}]; the model has layers 0 to ${layers - 1}, so use 0 ≤ from < to ≤ ${layers}.`,
    );
  }
  return [from, to];
}

/**
 * The adapters of a LoRA stage and their first values, as in Hu et al. 2022: A Kaiming-uniform with a = √5, that is
 * uniform in ±1/√in, and B zero, so that the first forward pass is the base model's.
 *
 * @param reached parameters that the stage's loss has a gradient for, where others are to carry no adapter.
 * @throws DiscernError("recipe-invalid") when a target names no linear module of the architecture.
 */
export function loraParameters(
  architecture: Architecture,
  options: Extract<TrainRecipe, { method: "lora" }>,
  seed: number,
  reached?: ReadonlySet<string>,
): { plan: LoraPlan; factors: Map<string, Parameter> } {
  const modules = linearModules(architecture);
  const { targets, rank } = options;
  if (targets !== "all-linear") {
    const known = modules.map(({ name }) => name.split(".").at(-1));
    for (const target of targets) {
      if (!known.includes(target)) {
        throw new DiscernError(
          "recipe-invalid",
          `train.targets names "${target}"; a block of this ${architecture.family} model has ${known.join(", ")}.`,
        );
      }
    }
  }
  const [from, to] = layerRange(architecture, options.layers);
  const plan = new Map<string, { rank: number; scale: number }>();
  const factors = new Map<string, Parameter>();
  for (let layer = from; layer < to; layer++) {
    for (const { name, inFeatures, outFeatures } of modules) {
      if (targets !== "all-linear" && !targets.includes(name.split(".").at(-1) as string)) continue;
      const module = `model.layers.${layer}.${name}`;
      if (reached && !reached.has(`${module}.weight`)) continue;
      const { a, b } = loraNames(module);
      plan.set(module, { rank, scale: options.alpha / rank });
      const bound = 1 / Math.sqrt(inFeatures);
      factors.set(a, {
        shape: [rank, inFeatures],
        data: uniform(rank * inFeatures, bound, stream(seed, "lora", module)),
      });
      factors.set(b, { shape: [outFeatures, rank], data: new Float32Array(outFeatures * rank) });
    }
  }
  return { plan, factors };
}

/**
 * Names of the parameters that full training of these layers moves: their linears, biases and norms, and with
 * `embeddings` what lies outside the blocks, as far as the stage's loss has a gradient for them. In a contrastive stage
 * that leaves the token embeddings alone: the final norm and a head of its own lie behind ℓ and stay. A head that is the
 * token embeddings (tied) moves with them.
 *
 * @param reached parameters that the stage's loss has a gradient for.
 * @throws DiscernError("recipe-invalid") for layers that the model does not have.
 */
export function fullParameters(
  architecture: Architecture,
  options: Extract<TrainRecipe, { method: "full" }>,
  reached: ReadonlySet<string>,
): string[] {
  const [from, to] = layerRange(architecture, options.layers);
  return [...parameterShapes(architecture).keys()].filter((name) => {
    if (!reached.has(name)) return false;
    const layer = /^model\.layers\.(\d+)\./.exec(name);
    return layer ? from <= Number(layer[1]) && Number(layer[1]) < to : options.embeddings;
  });
}

/** The adapter that factors of this plan make. */
export function adapterOf(plan: LoraPlan, factors: ReadonlyMap<string, Parameter>): Adapter {
  const modules = new Map<string, LoraModule>();
  for (const [module, { scale }] of plan) {
    const names = loraNames(module);
    modules.set(module, {
      a: factors.get(names.a) as Parameter,
      b: factors.get(names.b) as Parameter,
      scale,
    });
  }
  return { modules, baseModel: null };
}
