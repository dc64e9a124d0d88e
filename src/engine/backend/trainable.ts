import { DiscernError } from "../../protocol/errors.ts";
import type { TrainRecipe } from "../../protocol/recipeStages.ts";
import { stream, uniform } from "../../statistics/random.ts";
import type { Adapter, LoraModule } from "../model/adapter.ts";
import { type Architecture, linearModules, parameterShapes } from "../model/architecture.ts";
import type { Parameter } from "../model/weights.ts";
import type { Batch, OptimiserSpec } from "./backend.ts";

/**
 * Checks a range of layers against the model.
 *
 * @throws DiscernError("recipe-invalid") when it is empty or reaches beyond the last layer.
 */
function layerRange(
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
 * The adapter of a LoRA stage with its first values, as in Hu et al. 2022: A Kaiming-uniform with a = √5, that is
 * uniform in ±1/√in, and B zero, so that the first forward pass is the base model's.
 *
 * @param reached parameters that the stage's loss has a gradient for, where others are to carry no adapter.
 * @throws DiscernError("recipe-invalid") when a target names no linear module of the architecture.
 */
export function newAdapter(
  architecture: Architecture,
  options: Extract<TrainRecipe, { method: "lora" }>,
  seed: number,
  reached?: ReadonlySet<string>,
): Adapter {
  const linears = linearModules(architecture);
  const { targets, rank } = options;
  if (targets !== "all-linear") {
    const known = linears.map(({ name }) => name.split(".").at(-1));
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
  const modules = new Map<string, LoraModule>();
  for (let layer = from; layer < to; layer++) {
    for (const { name, inFeatures, outFeatures } of linears) {
      if (targets !== "all-linear" && !targets.includes(name.split(".").at(-1) as string)) continue;
      const module = `model.layers.${layer}.${name}`;
      if (reached && !reached.has(`${module}.weight`)) continue;
      const bound = 1 / Math.sqrt(inFeatures);
      const a = uniform(rank * inFeatures, bound, stream(seed, "lora", module));
      modules.set(module, {
        a: { shape: [rank, inFeatures], data: a },
        b: { shape: [outFeatures, rank], data: new Float32Array(outFeatures * rank) },
        scale: options.alpha / rank,
      });
    }
  }
  return { modules, baseModel: null };
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

/** What is thrown where a stage computes none of the layers it is to train. */
export function nothingToTrain({ layers }: TrainRecipe): DiscernError {
  return new DiscernError(
    "recipe-invalid",
    `train.layers is [${layers?.join(", ")}], and the stage computes none of these layers. ` +
      "Name layers below the layer of the contrast, or leave them out.",
  );
}

/**
 * Names of the parameters that batches of these kinds have a gradient for: of answers all, of a contrast at ℓ the token
 * embeddings and the blocks below ℓ.
 */
export function reachedParameters(architecture: Architecture, kinds: readonly Batch[]): Set<string> {
  const names = [...parameterShapes(architecture).keys()];
  return new Set(
    kinds.flatMap((batch) =>
      batch.kind === "answers"
        ? names
        : names.filter((name) => {
            const layer = /^model\.layers\.(\d+)\./.exec(name)?.[1];
            return layer === undefined ? name === "model.embed_tokens.weight" : Number(layer) < batch.layer;
          }),
    ),
  );
}

/** An adapter with modules of another in the place of its own, as far as it has them; those are copied. */
export function startedFrom(adapter: Adapter, initial: Adapter | undefined): Adapter {
  const copied = ({ shape, data }: Parameter) => ({ shape, data: Float32Array.from(data) });
  const modules = [...adapter.modules].map(([module, own]): [string, LoraModule] => {
    const given = initial?.modules.get(module);
    return [module, given ? { a: copied(given.a), b: copied(given.b), scale: given.scale } : own];
  });
  return { ...adapter, modules: new Map(modules) };
}

/** Names of the moments that an optimiser keeps of each parameter: AdamW's first and second, none of SGD's. */
export function momentNames({ type }: OptimiserSpec): readonly string[] {
  return type === "sgd" ? [] : ["m", "v"];
}

/**
 * Holds a trainer's saved state against what the stage trains: each parameter, and its moments as `m.…` and `v.…`.
 *
 * @param moments names of the moments that the stage's optimiser keeps.
 * @throws DiscernError("checkpoint-invalid") for a tensor that is missing or has another shape.
 */
export function checkState(
  tensors: ReadonlyMap<string, Parameter>,
  shapes: ReadonlyMap<string, readonly number[]>,
  moments: readonly string[],
): void {
  for (const [parameter, shape] of shapes) {
    for (const name of [parameter, ...moments.map((moment) => `${moment}.${parameter}`)]) {
      const tensor = tensors.get(name);
      if (!tensor) throw new DiscernError("checkpoint-invalid", `The checkpoint lacks "${name}".`);
      if (String(tensor.shape) === String(shape)) continue;
      throw new DiscernError(
        "checkpoint-invalid",
        `"${name}" of the checkpoint has shape [${tensor.shape.join(", ")}], the stage trains [${shape.join(", ")}].`,
      );
    }
  }
}
