import { CholeskyDecomposition, Matrix } from "ml-matrix";
import type { LabelledPrompt } from "../../../statistics/folds.ts";

/** What a prompt is called. */
export type ContrastLabel = LabelledPrompt["label"];

/** A kernel K of prompts, (n, n). */
export interface Kernel {
  readonly size: number;
  readonly data: Float32Array;
}

/**
 * Scores of held-out prompts by ridge regression of ±1 on the features of seen ones, in the dual (Saunders, Gammerman & Vovk 1998):
 * α = (K + λI)⁻¹(y − ȳ), f = K_held·α + ȳ.
 *
 * @param labellings labels of all prompts, each labelling a regression of its own; they share the factorisation.
 * @param strength λ, in units of the mean squared length of a standardised prompt (as many as features).
 * @returns for each labelling the scores of the held-out prompts, in their order.
 */
export function ridgeScores(
  { size, data }: Kernel,
  labellings: readonly (readonly ContrastLabel[])[],
  seen: readonly number[],
  held: readonly number[],
  strength: number,
): Float64Array[] {
  // The lower triangle alone: rounding may differ between the two, and the factorisation wants them equal.
  const product = (i: number, j: number) => (i > j ? data[i * size + j]! : data[j * size + i]!);
  const rows = (chosen: readonly number[]) => new Matrix(chosen.map((i) => seen.map((j) => product(i, j))));
  const targets = labellings.map((labels) => seen.map((i) => (labels[i] === "toxic" ? 1 : -1)));
  const means = targets.map((y) => y.reduce((sum: number, each) => sum + each, 0) / y.length);
  const centred = new Matrix(seen.map((_, k) => targets.map((y, d) => y[k]! - means[d]!)));
  const regularised = rows(seen).add(Matrix.eye(seen.length).mul(strength));
  const fitted = rows(held).mmul(new CholeskyDecomposition(regularised).solve(centred));
  return means.map((mean, d) => Float64Array.from(held, (_, k) => fitted.get(k, d) + mean));
}
