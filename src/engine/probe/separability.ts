import { CholeskyDecomposition, Matrix } from "ml-matrix";
import { DiscernError } from "../../protocol/errors.ts";
import type { LayerChoice } from "../../protocol/layerChoice.ts";
import { noneHeldOut } from "../../recipe/checkPrompts.ts";
import { type RandomIndex, randomIndex } from "../../statistics/bootstrap.ts";
import { type Folds, type LabelledPrompt, stratifiedFolds } from "../../statistics/folds.ts";
import type { Backend, Features } from "../backend/backend.ts";
import { type FoldAuroc, foldAuroc } from "./foldAuroc.ts";
import { surfaceFeatures } from "./surface.ts";

/** A prompt of the contrast: its words, and the file it comes from as the recipe names it. */
export interface ContrastSource extends LabelledPrompt {
  readonly prompt: string;
  readonly origin: string;
}

/** How well a linear probe tells toxic from seemingly toxic prompts of groups it was not trained on. */
export interface Separability extends FoldAuroc {
  /** Share of matched pairs whose toxic prompt scores higher, ties counted half; null without pairs. */
  readonly pairAccuracy: number | null;
  /** The AUROC with shuffled labels, one a draw. */
  readonly shuffled: readonly number[];
}

/** The share of the layers among which one is chosen: what is later belongs to the next word, not to the prompt. */
const highestShare = 0.8;
/** λ of the ridge regression, in units of the mean squared length of a standardised prompt (as many as features). */
const ridge = 1;
/** Draws of shuffled labels. They share each fold's factorisation, so all of them cost about as much as one probe. */
const draws = 20;

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
  const found = await separability(backend, [...features.values()], prompts, folds, seed);
  const curve = [...features.keys()].map((layer, i) => ({ layer, ...found[i] }));
  const layer = chooseLayer(curve, features.size);
  const allowed = curve.filter((each) => each.layer <= highestLayer(features.size));
  const [surface] = await separability(
    backend,
    [surfaceFeatures(prompts.map(({ prompt }) => prompt))],
    prompts,
    folds,
    seed,
  );
  return {
    layer,
    heldOut: folds.unit,
    groups: folds.groups,
    folds: folds.folds.length,
    curve: curve.map(({ shuffled, ...each }) => ({
      ...each,
      shuffled: {
        mean: shuffled.reduce((sum, x) => sum + x, 0) / shuffled.length,
        highest: shuffled.reduce((most, x) => Math.max(most, x)),
      },
    })),
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

/**
 * How well linear probes on each of several feature sets of the same prompts transfer to held-out folds.
 *
 * @param features (n, C) each; C may differ.
 */
export async function separability(
  backend: Backend,
  features: readonly Features[],
  prompts: readonly LabelledPrompt[],
  folds: Folds,
  seed: number,
): Promise<Separability[]> {
  const random = randomIndex(seed);
  const labels = prompts.map(({ label }) => label);
  const labellings = [labels, ...Array.from({ length: draws }, () => shuffledLabels(prompts, folds, random))];
  const curve: Separability[] = [];
  for (const set of features) {
    if (!set.data.every(Number.isFinite)) {
      const none = { auroc: Number.NaN, standardError: Number.NaN, pairAccuracy: null };
      curve.push({ ...none, shuffled: labellings.slice(1).map(() => Number.NaN) });
      continue;
    }
    const scores = labellings.map(() => new Float64Array(prompts.length));
    for (const held of folds.folds) {
      const out = new Set(held);
      const seen = [...prompts.keys()].filter((i) => !out.has(i));
      const weights = new Float32Array(prompts.length);
      for (const i of seen) weights[i] = 1 / seen.length;
      ridgeScores(await backend.kernel(set, weights), labellings, seen, held, scores);
    }
    const [own, ...shuffled] = labellings.map((labelling, d) => foldAuroc(scores[d], labelling, folds));
    curve.push({
      ...own,
      pairAccuracy: pairsRanked(prompts, scores[0]),
      shuffled: shuffled.map(({ auroc }) => auroc),
    });
  }
  return curve;
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
  const allowed = curve
    .filter(({ layer, auroc }) => layer <= highestLayer(layers) && Number.isFinite(auroc))
    .sort((a, b) => a.layer - b.layer);
  if (allowed.length === 0) {
    throw new DiscernError(
      "weights-invalid",
      "No layer has finite features on the contrast's prompts, so none can be chosen. A weight of the model is not a " +
        "number; use another copy of it.",
    );
  }
  const best = allowed.reduce((best, each) => (each.auroc > best.auroc ? each : best));
  const plateau = allowed.filter(({ auroc }) => auroc >= best.auroc - best.standardError);
  return plateau[Math.floor((plateau.length - 1) / 2)]!.layer;
}

function highestLayer(layers: number): number {
  return Math.max(1, Math.floor(highestShare * layers));
}

/**
 * Labels as they could be if they meant nothing: groups of one label trade their labels within a fold, matched pairs
 * swap theirs or not, and other prompts of a group with both labels trade within it. Groups keep together and folds keep
 * both labels, so the AUROC with such labels scatters about one half.
 */
function shuffledLabels(
  prompts: readonly LabelledPrompt[],
  { folds, groupOf }: Folds,
  random: RandomIndex,
): LabelledPrompt["label"][] {
  const labels = prompts.map(({ label }) => label);
  /** Has units of prompts trade the labels they have; all prompts of a unit have one. */
  const trade = (units: readonly (readonly number[])[]) => {
    const own = units.map(([first]) => labels[first]);
    for (let i = own.length - 1; i > 0; i--) {
      const j = random(i + 1);
      [own[i], own[j]] = [own[j], own[i]];
    }
    for (const [u, unit] of units.entries()) for (const i of unit) labels[i] = own[u];
  };
  for (const fold of folds) {
    const groups = [...Map.groupBy(fold, (i) => groupOf[i]).values()];
    const mixed = new Set(
      groups.filter((group) => group.some((i) => prompts[i].label !== prompts[group[0]].label)),
    );
    trade(groups.filter((group) => !mixed.has(group)));
    for (const group of mixed) {
      const units = Map.groupBy(group, (i) => prompts[i].pair ?? "");
      for (const unit of units.values()) trade(unit.map((i) => [i]));
    }
  }
  return labels;
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

/**
 * Scores of the held-out prompts by ridge regression of ±1 on the features of the seen ones, in the dual
 * (Saunders, Gammerman & Vovk 1998): α = (K + λI)⁻¹(y − ȳ), f = K_held·α + ȳ.
 *
 * @param kernel K of all prompts, (n, n).
 * @param labellings labels of all prompts, each labelling a regression of its own; they share the factorisation.
 * @param scores of all prompts for each labelling; those of the held-out prompts are written.
 */
function ridgeScores(
  kernel: Float32Array,
  labellings: readonly (readonly LabelledPrompt["label"][])[],
  seen: readonly number[],
  held: readonly number[],
  scores: readonly Float64Array[],
): void {
  const n = labellings[0].length;
  // The lower triangle alone: rounding may differ between the two, and the factorisation wants them equal.
  const product = (i: number, j: number) => (i > j ? kernel[i * n + j] : kernel[j * n + i]);
  const rows = (chosen: readonly number[]) => new Matrix(chosen.map((i) => seen.map((j) => product(i, j))));
  const targets = labellings.map((labels) => seen.map((i) => (labels[i] === "toxic" ? 1 : -1)));
  const means = targets.map((y) => y.reduce((sum: number, each) => sum + each, 0) / y.length);
  const centred = new Matrix(seen.map((_, k) => targets.map((y, d) => y[k] - means[d])));
  const regularised = rows(seen).add(Matrix.eye(seen.length).mul(ridge));
  const fitted = rows(held).mmul(new CholeskyDecomposition(regularised).solve(centred));
  for (const [d, own] of scores.entries()) {
    for (const [k, i] of held.entries()) own[i] = fitted.get(k, d) + means[d];
  }
}

function pairsRanked(prompts: readonly LabelledPrompt[], scores: ArrayLike<number>): number | null {
  const pairs = new Map<string, Partial<Record<LabelledPrompt["label"], number>>>();
  for (const [i, { pair, label }] of prompts.entries()) {
    if (pair !== undefined) pairs.set(pair, { ...pairs.get(pair), [label]: scores[i] });
  }
  const gaps = [...pairs.values()].flatMap(({ toxic, seemingly_toxic: seeming }) =>
    toxic === undefined || seeming === undefined ? [] : [toxic - seeming],
  );
  if (gaps.length === 0) return null;
  return gaps.reduce((won, gap) => won + (gap > 0 ? 1 : gap === 0 ? 0.5 : 0), 0) / gaps.length;
}
