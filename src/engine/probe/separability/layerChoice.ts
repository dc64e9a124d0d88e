import { DiscernError } from "../../../protocol/errors.ts";
import type { LayerChoice } from "../../../protocol/layerChoice.ts";
import { noneHeldOut } from "../../../recipe/checkPrompts.ts";
import { type Folds, type LabelledPrompt, stratifiedFolds } from "../../../statistics/folds.ts";
import type { Backend, Features } from "../../backend/backend.ts";
import { type FoldAuroc, foldAuroc } from "./foldAuroc.ts";
import { draws, type Separability, separability } from "./linearProbe.ts";
import { surfaceFeatures } from "./surface.ts";

/** A prompt of the contrast: its words, and the file it comes from as the recipe names it. */
export interface ContrastSource extends LabelledPrompt {
  readonly prompt: string;
  readonly origin: string;
}

/** The share of the layers among which one is chosen: what is later belongs to the next word, not to the prompt. */
const highestShare = 0.8;

/**
 * Chooses the layer of a contrast by how well it transfers to unseen groups of prompts: at every layer a linear probe
 * on the last prompt token is trained on the groups of all folds but one and tried on that one (`folds.ts`). Beside the
 * curve stand controls: the same with shuffled labels, the same probe on character n-grams instead of features, and what
 * the source of a prompt says alone.
 *
 * Cost: one forward pass of every layer for each prompt, and five ridge regressions for each layer and one for the n-grams.
 *
 * @param prompts with the tokens of each.
 * @throws DiscernError("group-too-small") when no two folds can hold both labels; ("weights-invalid") when no layer's
 *   features are finite.
 */
export async function chooseContrastLayer(
  backend: Backend,
  prompts: readonly (ContrastSource & { readonly ids: readonly number[] })[],
  seed: number,
): Promise<LayerChoice> {
  const layers = Array.from({ length: backend.shape.layers }, (_, i) => i + 1);
  const ids = prompts.map((prompt) => prompt.ids);
  const folds = contrastFolds(prompts, seed);
  const features = await backend.features(ids, { layers, pooling: "last" });
  return layerChoice(backend, features, prompts, folds, seed);
}

/**
 * The folds of a contrast.
 *
 * @throws DiscernError("group-too-small") when no two can hold both labels.
 */
export function contrastFolds(prompts: readonly LabelledPrompt[], seed: number): Folds {
  const folds = stratifiedFolds(prompts, seed);
  if (folds) return folds;
  throw new DiscernError("group-too-small", noneHeldOut);
}

/**
 * The choice from features computed before.
 *
 * @param features by layer, (n, C) each; all layers of the model.
 * @param prompts the n prompts they were computed from.
 */
export async function layerChoice(
  backend: Backend,
  features: ReadonlyMap<number, Features>,
  prompts: readonly ContrastSource[],
  folds: Folds,
  seed: number,
): Promise<LayerChoice> {
  const of = (sets: readonly Features[]) => separability(backend, sets, prompts, folds, seed);
  const curve = await of([...features.values()]);
  const [surface] = await of([surfaceFeatures(prompts.map(({ prompt }) => prompt))]);
  return choiceOf(
    [...features.keys()].map((layer, i) => ({ layer, ...curve[i]! })),
    surface!,
    prompts,
    folds,
  );
}

/**
 * The choice from probes that were fitted before.
 *
 * @param curve of all layers of the model, in order.
 * @param surface of character n-grams in place of features.
 */
export function choiceOf(
  curve: readonly (Separability & { readonly layer: number })[],
  surface: Separability,
  prompts: readonly ContrastSource[],
  folds: Folds,
): LayerChoice {
  const layer = chooseLayer(curve, curve.length);
  const allowed = curve.filter((each) => each.layer <= highestLayer(curve.length));
  return {
    layer,
    heldOut: folds.unit,
    groups: folds.groups,
    folds: folds.folds.length,
    curve: curve.map(({ shuffled, ...each }) => ({ ...each, shuffled: summary(shuffled) })),
    controls: {
      draws,
      shuffledBest: allowed
        .flatMap(({ shuffled }) => shuffled)
        .filter(Number.isFinite)
        .reduce((most, x) => Math.max(most, x), 0),
      surface: { auroc: surface.auroc, standardError: surface.standardError },
      source: sourceControl(prompts, folds),
    },
  };
}

/** Mean and highest of the draws of a control. */
export function summary(values: readonly number[]): { mean: number; highest: number } {
  return {
    mean: values.reduce((sum, x) => sum + x, 0) / values.length,
    highest: values.reduce((most, x) => Math.max(most, x), Number.NEGATIVE_INFINITY),
  };
}

/**
 * The layer of the contrast: of those among the first ⌊0.8·L⌋ (at least one) whose AUROC lies within one standard error
 * of the best there, the middle one, the lower of two. Their order by AUROC is chance; at the lower end of the plateau
 * the difference has only just become linear, at the upper end little of the model is left to act on it.
 *
 * @param layers L, the layers of the model.
 * @throws DiscernError("weights-invalid") when no AUROC is finite.
 */
export function chooseLayer(
  curve: readonly (FoldAuroc & { readonly layer: number })[],
  layers: number,
): number {
  const allowed = allowedOf(curve, layers);
  if (allowed.length === 0) {
    throw new DiscernError(
      "weights-invalid",
      "No layer has finite features on the contrast's prompts, so none can be chosen. A weight of the model is not a " +
        "number; use another copy of it.",
    );
  }
  const { plateau } = plateauOf(allowed);
  return plateau[Math.floor((plateau.length - 1) / 2)]!;
}

/** A layer that may be chosen with its figures. */
type Allowed = FoldAuroc & { readonly layer: number };

/** The layers that may be chosen, in order: those with figures among the first ones. */
export function allowedOf(curve: readonly Allowed[], layers: number): Allowed[] {
  return curve
    .filter(({ layer, auroc }) => layer <= highestLayer(layers) && Number.isFinite(auroc))
    .toSorted((a, b) => a.layer - b.layer);
}

/** The layers within one standard error of the best, in order, and the best. @param allowed at least one. */
export function plateauOf(allowed: readonly Allowed[]): { plateau: number[]; best: Allowed } {
  const best = allowed.reduce((best, each) => (each.auroc > best.auroc ? each : best));
  const near = allowed.filter(({ auroc }) => auroc >= best.auroc - best.standardError);
  return { best, plateau: near.length === 0 ? [best.layer] : near.map(({ layer }) => layer) };
}

/** The last layer that may be chosen. */
export function highestLayer(layers: number): number {
  return Math.max(1, Math.floor(highestShare * layers));
}

/**
 * How well the source of a prompt predicts its label: each held-out prompt is scored by the share of toxic prompts among
 * the seen ones of its source. Null where all prompts come from one source, which then says nothing.
 */
function sourceControl(prompts: readonly ContrastSource[], folds: Folds): FoldAuroc | null {
  if (new Set(prompts.map(({ origin }) => origin)).size < 2) return null;
  const scores = new Float64Array(prompts.length);
  const labels = prompts.map(({ label }) => label);
  const share = (chosen: readonly number[]) =>
    chosen.filter((i) => labels[i] === "toxic").length / chosen.length;
  for (const held of folds.folds) {
    const out = new Set(held);
    const seen = [...prompts.keys()].filter((i) => !out.has(i));
    const bySource = Map.groupBy(seen, (i) => prompts[i].origin);
    for (const i of held) scores[i] = share(bySource.get(prompts[i].origin) ?? seen);
  }
  return foldAuroc(scores, labels, folds);
}
