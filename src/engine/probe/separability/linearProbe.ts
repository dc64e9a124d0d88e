import { type RandomIndex, randomIndex } from "../../../statistics/bootstrap.ts";
import { type Folds, type LabelledPrompt, stratifiedFolds } from "../../../statistics/folds.ts";
import type { Backend, Features } from "../../backend/backend.ts";
import { type FoldAuroc, foldAuroc } from "./foldAuroc.ts";
import { type ContrastLabel, type Kernel, ridgeScores } from "./ridge.ts";

/** How well a linear probe tells toxic from seemingly toxic prompts of groups it was not trained on. */
export interface Separability extends FoldAuroc {
  /** Share of matched pairs whose toxic prompt scores higher, ties counted half; null without pairs. */
  readonly pairAccuracy: number | null;
  /** The AUROC with shuffled labels, one a draw. */
  readonly shuffled: readonly number[];
}

/** What probes on any features of the same prompts share: which prompts each has not seen, and what they are called. */
export interface Design {
  readonly prompts: readonly LabelledPrompt[];
  readonly folds: Folds;
  /** The prompts' own labels, then a draw of shuffled labels each. */
  readonly labellings: readonly (readonly ContrastLabel[])[];
  /** For each fold the folds of the other prompts, within which a strength is chosen; null where they leave no two. */
  readonly inner: readonly (Folds | null)[];
}

/** Scores of held-out prompts, (n) for each labelling. */
export interface HeldOutScores {
  /** By the strength that every probe has where none is chosen. */
  readonly fixed: readonly Float64Array[];
  /** By the strength that is best within the training prompts of each fold and labelling. */
  readonly nested: readonly Float64Array[];
}

/** λ of the ridge regression where none is chosen. */
export const fixedStrength = 1;
/** Draws of shuffled labels. They share each fold's factorisation, so all of them cost about as much as one probe. */
export const draws = 20;

/** The design of probes that hold out one fold after another. */
export function designOf(prompts: readonly LabelledPrompt[], folds: Folds, seed: number): Design {
  const random = randomIndex(seed);
  const labels = prompts.map(({ label }) => label);
  return {
    prompts,
    folds,
    labellings: [labels, ...Array.from({ length: draws }, () => shuffledLabels(prompts, folds, random))],
    inner: folds.folds.map((held) => foldsAmong(prompts, othersOf(prompts.length, held), seed)),
  };
}

/** Stratified folds among some of the prompts, in the numbers of all. */
function foldsAmong(
  prompts: readonly LabelledPrompt[],
  chosen: readonly number[],
  seed: number,
): Folds | null {
  const found = stratifiedFolds(
    chosen.map((i) => prompts[i]!),
    seed,
  );
  if (found === null) return null;
  const groupOf = new Array<number>(prompts.length).fill(0);
  for (const [k, i] of chosen.entries()) groupOf[i] = found.groupOf[k]!;
  return { ...found, groupOf, folds: found.folds.map((fold) => fold.map((k) => chosen[k]!)) };
}

function othersOf(n: number, held: readonly number[]): number[] {
  const out = new Set(held);
  return Array.from({ length: n }, (_, i) => i).filter((i) => !out.has(i));
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
  const design = designOf(prompts, folds, seed);
  const curve: Separability[] = [];
  for (const set of features) {
    const scores = areFinite(set) ? (await heldOutScores(backend, set, design, [fixedStrength])).fixed : null;
    curve.push(scored(scores, design));
  }
  return curve;
}

/** Whether every feature is a finite number, without which no probe can be fitted. */
export function areFinite({ data }: Features): boolean {
  return data.every(Number.isFinite);
}

/** What scores come to; not a number without any. @param scores (n) for each labelling. */
export function scored(
  scores: readonly Float64Array[] | null,
  { prompts, labellings, folds }: Pick<Design, "prompts" | "labellings" | "folds">,
): Separability {
  if (scores === null) {
    const shuffled = labellings.slice(1).map(() => Number.NaN);
    return { auroc: Number.NaN, standardError: Number.NaN, pairAccuracy: null, shuffled };
  }
  const [own, ...shuffled] = labellings.map((labels, d) => foldAuroc(scores[d]!, labels, folds));
  return {
    ...own!,
    pairAccuracy: pairsRanked(prompts, scores[0]!),
    shuffled: shuffled.map(({ auroc }) => auroc),
  };
}

/**
 * Scores of all prompts by probes that have not seen their fold.
 *
 * @param features finite, (n, C).
 * @param strengths λ among which one is chosen for each fold and labelling.
 * @param check is asked between folds, and ends the work by throwing.
 */
export async function heldOutScores(
  backend: Backend,
  features: Features,
  { prompts, folds, labellings, inner }: Design,
  strengths: readonly number[],
  check: () => void = () => undefined,
): Promise<HeldOutScores> {
  const n = prompts.length;
  const empty = () => labellings.map(() => new Float64Array(n));
  const [fixed, nested] = [empty(), empty()];
  for (const [f, held] of folds.folds.entries()) {
    check();
    const seen = othersOf(n, held);
    const kernel = await trainedKernel(backend, features, seen);
    const chosen = chosenStrengths(kernel, labellings, seen, inner[f]!, strengths);
    for (const strength of new Set([fixedStrength, ...chosen])) {
      const scores = ridgeScores(kernel, labellings, seen, held, strength);
      for (const [d, own] of scores.entries()) {
        if (strength === fixedStrength) write(fixed[d]!, held, own);
        if (strength === chosen[d]) write(nested[d]!, held, own);
      }
    }
  }
  return { fixed, nested };
}

/**
 * Scores of prompts that stand behind those of a design and take no part in it, by one probe for each labelling that is trained on all
 * prompts of the design.
 *
 * @param features finite, (n + m, C): those of the design's n prompts first.
 * @returns (m) for each labelling.
 */
export async function transferScores(
  backend: Backend,
  features: Features,
  { prompts, folds, labellings }: Design,
  strengths: readonly number[],
): Promise<Float64Array[]> {
  const seen = [...prompts.keys()];
  const held = Array.from({ length: features.count - seen.length }, (_, k) => seen.length + k);
  const kernel = await trainedKernel(backend, features, seen);
  const chosen = chosenStrengths(kernel, labellings, seen, folds, strengths);
  const found = new Map(
    [...new Set(chosen)].map((strength) => [strength, ridgeScores(kernel, labellings, seen, held, strength)]),
  );
  return chosen.map((strength, d) => found.get(strength)![d]!);
}

/** The kernel of features that are standardised by those of the training prompts. */
async function trainedKernel(backend: Backend, features: Features, seen: readonly number[]): Promise<Kernel> {
  const weights = new Float32Array(features.count);
  for (const i of seen) weights[i] = 1 / seen.length;
  return { size: features.count, data: await backend.kernel(features, weights) };
}

/**
 * For each labelling the strength whose probes rank held-out training prompts best, the stronger of equals. Features are standardised by
 * all training prompts, which says nothing of their labels.
 */
function chosenStrengths(
  kernel: Kernel,
  labellings: Design["labellings"],
  seen: readonly number[],
  inner: Folds | null,
  strengths: readonly number[],
): number[] {
  if (inner === null || strengths.length < 2) {
    return labellings.map(() => (inner === null ? fixedStrength : (strengths[0] ?? fixedStrength)));
  }
  const best = labellings.map(() => ({ strength: fixedStrength, auroc: Number.NEGATIVE_INFINITY }));
  for (const strength of [...strengths].sort((a, b) => b - a)) {
    const scores = labellings.map(() => new Float64Array(kernel.size));
    for (const held of inner.folds) {
      const out = new Set(held);
      const rest = seen.filter((i) => !out.has(i));
      const found = ridgeScores(kernel, labellings, rest, held, strength);
      for (const [d, own] of found.entries()) write(scores[d]!, held, own);
    }
    for (const [d, labels] of labellings.entries()) {
      const { auroc } = foldAuroc(scores[d]!, labels, inner);
      if (auroc > best[d]!.auroc) best[d] = { strength, auroc };
    }
  }
  return best.map(({ strength }) => strength);
}

function write(to: Float64Array, places: readonly number[], values: Float64Array): void {
  for (const [k, i] of places.entries()) to[i] = values[k]!;
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
