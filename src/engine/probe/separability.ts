import { CholeskyDecomposition, Matrix } from "ml-matrix";
import { randomIndex } from "../../statistics/bootstrap.ts";
import { ops } from "../graph/ops.ts";
import { input, type Tensor } from "../graph/tensor.ts";
import type { LiveModel } from "../model/live_model.ts";
import type { Device } from "../runtime/device.ts";
import { Value } from "../runtime/value.ts";
import { auroc, aurocStandardError } from "./auroc.ts";
import { type Features, promptFeatures } from "./features.ts";

/** A prompt of the contrast. */
export interface LabelledPrompt {
  readonly label: "toxic" | "seemingly_toxic";
  /** What is left out together; a prompt without a kind goes with its twin, or alone. */
  readonly kind?: string;
  /** Name it shares with its twin. */
  readonly pair?: string;
}

/** How well a linear probe at one layer tells toxic from seemingly toxic prompts of kinds it was not trained on. */
export interface LayerSeparability {
  readonly layer: number;
  /** Over all prompts, each scored by the probe that had not seen its kind. */
  readonly auroc: number;
  readonly standardError: number;
  /** Share of twins whose toxic one scores higher, ties counted half; null without twins. */
  readonly pairAccuracy: number | null;
}

/** The share of the layers among which one is chosen: what is later belongs to the next word, not to the prompt. */
const highestShare = 0.8;
/** Folds of kinds. */
const foldCount = 5;
/** λ of the ridge regression, in units of the mean squared length of a standardised prompt (as many as features). */
const ridge = 1;
/** Added to the variance of a feature, in units of the mean variance: a feature that never moves must not explode. */
const varianceFloor = 1e-6;

/**
 * How well the contrast transfers to unseen kinds, layer by layer (DESIGN, "What our trials of the method showed"): a
 * linear probe on the last prompt token, trained on the kinds of four folds and tried on those of the fifth.
 *
 * Cost: one forward pass of every layer for each prompt, and five small ridge regressions a layer.
 *
 * @param prompts tokens of each prompt, with its label, kind and twin.
 * @returns one entry for each layer ℓ = 1 … L, where ℓ counts the layers computed (`hidden_states[ℓ]`).
 */
export async function separabilityCurve(
  model: LiveModel,
  prompts: readonly (LabelledPrompt & { readonly ids: readonly number[] })[],
  padId: number,
  seed: number,
): Promise<LayerSeparability[]> {
  const layers = Array.from({ length: model.architecture.layers }, (_, i) => i + 1);
  const ids = prompts.map((prompt) => prompt.ids);
  const features = await promptFeatures(model, ids, layers, padId);
  return separability(model.device, features, prompts, seed);
}

/**
 * The curve of features computed before.
 *
 * @param features by layer, (n, C) each.
 * @param prompts the n prompts they were computed from.
 */
export async function separability(
  device: Device,
  features: ReadonlyMap<number, Features>,
  prompts: readonly LabelledPrompt[],
  seed: number,
): Promise<LayerSeparability[]> {
  const [first] = features.values();
  if (!first) return [];
  const gram = await device.compile({ gram: standardisedGram(first.count, first.width) });
  const folds = foldsOfKinds(prompts, seed);
  const curve: LayerSeparability[] = [];
  for (const [layer, { count, width, data }] of features) {
    const scores = new Array<number>(count).fill(0);
    for (const held of folds) {
      const out = new Set(held);
      const seen = [...prompts.keys()].filter((i) => !out.has(i));
      const weights = new Float32Array(count);
      for (const i of seen) weights[i] = 1 / seen.length;
      const products = await gram.run({
        x: Value.of(data, [count, width]),
        weights: Value.of(weights, [count, 1]),
      });
      const fitted = ridgeScores(products.gram.data, prompts, seen, held);
      for (const [j, i] of held.entries()) scores[i] = fitted[j];
    }
    const area = groupsAuroc(prompts, scores);
    const toxic = prompts.filter(({ label }) => label === "toxic").length;
    curve.push({
      layer,
      auroc: area,
      standardError: aurocStandardError(area, toxic, count - toxic),
      pairAccuracy: twinsRanked(prompts, scores),
    });
  }
  await gram.dispose();
  return curve;
}

/**
 * The layer of the contrast: of those among the first ⌊0.8·L⌋ (at least one) whose AUROC lies within one standard error
 * of the best there, the middle one, the lower of two. Their order by AUROC is chance; at the lower end of the plateau
 * the difference has only just become linear, at the upper end little of the model is left to act on it.
 *
 * @param layers L, the layers of the model.
 */
export function chooseLayer(curve: readonly LayerSeparability[], layers: number): number {
  const highest = Math.max(1, Math.floor(highestShare * layers));
  const allowed = curve.filter(({ layer }) => layer <= highest).sort((a, b) => a.layer - b.layer);
  const best = allowed.reduce((best, each) => (each.auroc > best.auroc ? each : best));
  const plateau = allowed.filter(({ auroc }) => auroc >= best.auroc - best.standardError);
  return plateau[Math.floor((plateau.length - 1) / 2)]!.layer;
}

/**
 * Indices of the prompts in at most five folds of about equal size, no kind being in two. Kinds go, the largest first
 * and equals in seeded order, to the smallest fold.
 */
function foldsOfKinds(prompts: readonly LabelledPrompt[], seed: number): number[][] {
  const indices = [...prompts.keys()];
  const grouped = (name: (prompt: LabelledPrompt, i: number) => string) => [
    ...Map.groupBy(indices, (i) => name(prompts[i], i)).values(),
  ];
  const byKind = grouped((prompt, i) =>
    prompt.kind === undefined ? ownName(prompt, i) : `kind ${prompt.kind}`,
  );
  // Where all are of one kind, what is left to hold out is unseen prompts of it.
  const kinds = byKind.length > 1 ? byKind : grouped(ownName);
  const random = randomIndex(seed);
  const order = new Map(kinds.map((kind) => [kind, random(2 ** 31)]));
  kinds.sort((a, b) => b.length - a.length || (order.get(a) as number) - (order.get(b) as number));
  const folds: number[][] = Array.from({ length: Math.min(foldCount, kinds.length) }, () => []);
  for (const kind of kinds) {
    folds.reduce((least, fold) => (fold.length < least.length ? fold : least)).push(...kind);
  }
  return folds;
}

function ownName({ pair }: LabelledPrompt, index: number): string {
  return pair === undefined ? `prompt ${index}` : `pair ${pair}`;
}

/**
 * Z·Zᵀ/C (n, n) of features x (n, C), where Z is x standardised by the mean and deviation that `weights` (n, 1) give:
 * 1/m for the m prompts the probe is trained on, 0 for those held out. The one product that costs anything, so it runs
 * on the device.
 */
function standardisedGram(count: number, width: number): Tensor {
  const x = input("x", [count, width]);
  const weights = input("weights", [count, 1]);
  const mean = (each: Tensor) => ops.sum(ops.mul(each, weights), [0], true);
  const centred = ops.sub(x, mean(x));
  const variance = mean(ops.mul(centred, centred));
  const floor = ops.add(ops.mul(ops.mean(variance, [1], true), varianceFloor), 1e-20);
  const z = ops.div(centred, ops.sqrt(ops.add(variance, floor)));
  return ops.gemm(z, z, { transB: true, alpha: 1 / width });
}

/**
 * Scores of the held-out prompts by ridge regression of ±1 on the features of the seen ones, in the dual
 * (Saunders, Gammerman & Vovk 1998): α = (K + λI)⁻¹(y − ȳ), f = K_held·α + ȳ.
 *
 * @param gram K of all prompts, (n, n).
 */
function ridgeScores(
  gram: Float32Array,
  prompts: readonly LabelledPrompt[],
  seen: readonly number[],
  held: readonly number[],
): number[] {
  const n = prompts.length;
  const rows = (chosen: readonly number[]) => new Matrix(chosen.map((i) => seen.map((j) => gram[i * n + j])));
  const targets = seen.map((i) => (prompts[i].label === "toxic" ? 1 : -1));
  const mean = targets.reduce((sum, y) => sum + y, 0) / targets.length;
  const centred = Matrix.columnVector(targets.map((y) => y - mean));
  const regularised = rows(seen).add(Matrix.eye(seen.length).mul(ridge));
  const alpha = new CholeskyDecomposition(regularised).solve(centred);
  return rows(held)
    .mmul(alpha)
    .to1DArray()
    .map((score) => score + mean);
}

function groupsAuroc(prompts: readonly LabelledPrompt[], scores: readonly number[]): number {
  const of = (label: LabelledPrompt["label"]) => scores.filter((_, i) => prompts[i].label === label);
  return auroc({ unsafe: of("toxic"), safe: of("seemingly_toxic") });
}

function twinsRanked(prompts: readonly LabelledPrompt[], scores: readonly number[]): number | null {
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
