import type { Recipe } from "../protocol/recipe.ts";
import type { StageRecipe } from "../protocol/recipeStages.ts";
import type { Steering } from "../protocol/steering.ts";
import type { RecipePath, RecipeProblem } from "./problem.ts";
import { contrastsOf } from "./uses.ts";

/** What of a model a recipe can be held against without reading its weights. */
export interface ModelShape {
  readonly name: string;
  readonly layers: number;
  /** Longest text in tokens. */
  readonly contextLength: number;
  /** The linear modules of one block, such as `self_attn.q_proj`. */
  readonly linears: readonly {
    readonly name: string;
    readonly inFeatures: number;
    readonly outFeatures: number;
  }[];
}

type Add = (severity: RecipeProblem["severity"], path: RecipePath, message: string) => void;

/**
 * Holds everything that a recipe says of layers, modules and lengths against a model: all stages, so that nothing is found
 * only when the stages before it have been trained.
 */
export function shapeProblems(recipe: Recipe, model: ModelShape): RecipeProblem[] {
  const problems: RecipeProblem[] = [];
  const add: Add = (severity, path, message) =>
    problems.push({ severity, path, message, about: "recipe-invalid" });
  const beyond = (path: RecipePath, layer: number) => {
    if (layer <= model.layers) return;
    const range = model.layers === 1 ? "1" : `1 to ${model.layers}`;
    add(
      "error",
      path,
      `The model ${model.name} has ${model.layers} layers, so ${layer} lies beyond it. Give ${range}.`,
    );
  };
  for (const [i, stage] of recipe.stages.entries()) {
    const at = ["stages", i];
    checkLayers(stage, [...at, "train", "layers"], model, add);
    checkAdapter(stage, [...at, "train"], model, add);
  }
  for (const { path, layer } of contrastsOf(recipe)) {
    if (layer !== "auto") beyond([...path, "layer"], layer);
  }
  for (const [i, layer] of (recipe.probes.separationLayers ?? []).entries()) {
    beyond(["probes", "separationLayers", i], layer);
  }
  if (recipe.steering) steeringProblems(recipe.steering, model, add);
  const { contextLength } = model;
  if (recipe.maxTokens > contextLength) {
    const message = `Texts are limited by the context of ${model.name}, ${contextLength} tokens, not by ${recipe.maxTokens}.`;
    add("warning", ["maxTokens"], message);
  }
  if (recipe.evaluate.maxNewTokens >= contextLength) {
    const message = `Prompt and answer share the context of ${model.name}, ${contextLength} tokens, so answers are shorter than that.`;
    add("warning", ["evaluate", "maxNewTokens"], message);
  }
  return problems;
}

/** Layers of an inference-time method are blocks, from 0. */
function steeringProblems(steering: Steering, { name, layers }: ModelShape, add: Add): void {
  const keys: readonly string[] = ["layer", "layers", "classifierLayers", "conditionLayers"];
  for (const [key, value] of Object.entries(steering)) {
    if (!keys.includes(key)) continue;
    for (const [i, layer] of [value].flat().entries()) {
      if (typeof layer !== "number" || layer < layers) continue;
      const path = ["steering", key, ...(Array.isArray(value) ? [i] : [])];
      add("error", path, `The model ${name} has layers 0 to ${layers - 1}, so ${layer} lies beyond it.`);
    }
  }
}

function checkLayers(stage: StageRecipe, path: RecipePath, { name, layers }: ModelShape, add: Add): void {
  if (stage.train.layers === undefined) return;
  const [from, to] = stage.train.layers;
  if (to > layers) {
    add(
      "error",
      path,
      `The model ${name} has layers 0 to ${layers - 1}, so the range ends at ${layers} at the latest, not ${to}.`,
    );
    return;
  }
  if (stage.type !== "contrastive") return;
  if (stage.layer === "auto") {
    if (from === 0) return;
    const why = `Layer "auto" may choose a layer up to ${from}, whose stage computes none of the layers from ${from} on.`;
    add("error", path, `${why} Begin at 0, leave the range out, or give the stage's layer as a number.`);
  } else if (from >= stage.layer) {
    const message = `A stage at layer ${stage.layer} computes the layers before ${stage.layer} alone, and the range begins at ${from}.`;
    add("error", path, `${message} Begin below ${stage.layer}, or leave the range out.`);
  } else if (to > stage.layer) {
    add(
      "warning",
      path,
      `A stage at layer ${stage.layer} computes and trains the layers before ${stage.layer} alone.`,
    );
  }
}

function checkAdapter({ train }: StageRecipe, path: RecipePath, model: ModelShape, add: Add): void {
  if (train.method !== "lora") return;
  const { targets, rank } = train;
  const last = (name: string) => name.split(".").at(-1)!;
  const known = model.linears.map(({ name }) => last(name));
  if (targets !== "all-linear") {
    for (const [i, target] of targets.entries()) {
      if (known.includes(target)) continue;
      add(
        "error",
        [...path, "targets", i],
        `A block of ${model.name} has no module "${target}"; it has ${known.join(", ")}.`,
      );
    }
  }
  const chosen = model.linears.filter(({ name }) => targets === "all-linear" || targets.includes(last(name)));
  const narrow = chosen.filter(({ inFeatures, outFeatures }) => rank > Math.min(inFeatures, outFeatures));
  const [first] = narrow;
  if (first === undefined) return;
  const size = `${first.outFeatures} × ${first.inFeatures}`;
  add(
    "warning",
    [...path, "rank"],
    `Rank ${rank} is more than the rank of the weight of ${last(first.name)} (${size}) can be.`,
  );
}
