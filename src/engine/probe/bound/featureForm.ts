import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { greatestOf, leastOf } from "../../../statistics/extremes.ts";

/** A symmetric matrix (n, n), row-major. */
export type Square = Float64Array;

/** A form h′ᵀQh on features, Q ⪰ 0, in the span of the features it was fitted on. */
export interface FeatureForm {
  /** W (n, n): with g = X·h, the inner products of h with the n fitted features, h′ᵀQh = g′ᵀWg. */
  readonly weights: Matrix;
  readonly rank: number;
  /** The penalty, in units of the square of the greatest eigenvalue of XXᵀ. */
  readonly ridge: number;
}

/** Penalties that are tried, the strongest first, so that of equals the simplest form is taken. */
const ridges = [1, 0.1, 1e-2, 1e-3, 1e-4, 1e-6];
const folds = 4;
/** Directions of features below this share of the greatest eigenvalue are rounding. */
const smallest = 1e-10;

/** XXᵀ = U diag(σ) Uᵀ without what is rounding. */
interface Spectrum {
  readonly vectors: Matrix;
  readonly values: readonly number[];
}

/**
 * Fits Q ⪰ 0 so that h_iᵀQh_j is close to a target: ridge regression min ‖XQXᵀ − M‖_F² + λ‖Q‖_F², whose solution
 * is Q = V B Vᵀ with XXᵀ = U diag(σ) Uᵀ, V = XᵀUσ^(−½) and B_ab = √(σ_aσ_b)(UᵀMU)_ab / (σ_aσ_b + λ), then B without its negative
 * eigenvalues, which is the closest such matrix. λ is chosen by four-fold cross-validation over prompts.
 *
 * @param gram inner products of the n features, (n, n).
 * @param target M, (n, n), symmetric.
 */
export function fittedForm(gram: Square, target: Square, n: number): FeatureForm {
  const errors = ridges.map(() => 0);
  const indices = Array.from({ length: n }, (_, i) => i);
  for (let fold = 0; fold < Math.min(folds, n); fold++) {
    const rest = indices.filter((i) => i % folds !== fold);
    if (rest.length === 0) continue;
    const spectrum = spectrumOf(part(gram, n, rest, rest));
    const all = part(gram, n, indices, rest);
    for (const [r, ridge] of ridges.entries()) {
      const { weights } = formOf(spectrum, part(target, n, rest, rest), ridge);
      const predicted = predictedBy(weights, all, all);
      for (const i of indices) {
        if (i % folds !== fold) continue;
        for (const j of indices) errors[r]! += (target[i * n + j]! - predicted.get(i, j)) ** 2;
      }
    }
  }
  const ridge = ridges[errors.indexOf(leastOf(errors))] ?? ridges[0]!;
  return formOf(spectrumOf(part(gram, n, indices, indices)), part(target, n, indices, indices), ridge);
}

/**
 * What forms with the penalty of `form` say where the target's rows and columns are permuted before they are fitted.
 *
 * @param cross inner products of m other features with the n fitted ones, (m, n).
 * @returns for each order the predictions (m, m).
 */
export function permutedPredictions(
  gram: Square,
  target: Square,
  n: number,
  { form, cross, orders }: { form: FeatureForm; cross: Matrix; orders: readonly (readonly number[])[] },
): Matrix[] {
  const indices = Array.from({ length: n }, (_, i) => i);
  const spectrum = spectrumOf(part(gram, n, indices, indices));
  return orders.map((order) => {
    const { weights } = formOf(spectrum, part(target, n, order, order), form.ridge);
    return predictedBy(weights, cross, cross);
  });
}

/** h′ᵀQh of features given by their inner products with the fitted ones, (m, n) and (k, n): (m, k). */
export function predictedBy(weights: Matrix, left: Matrix, right: Matrix): Matrix {
  return left.mmul(weights).mmul(right.transpose());
}

function spectrumOf(gram: Matrix): Spectrum {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(gram, { assumeSymmetric: true });
  const greatest = Math.max(0, greatestOf(realEigenvalues));
  const kept = realEigenvalues.flatMap((value, i) => (value > smallest * greatest ? [i] : []));
  return {
    vectors: eigenvectorMatrix.subMatrixColumn(kept),
    values: kept.map((i) => realEigenvalues[i]!),
  };
}

function formOf({ vectors, values }: Spectrum, target: Matrix, ridge: number): FeatureForm {
  const n = target.rows;
  if (values.length === 0) return { weights: Matrix.zeros(n, n), rank: 0, ridge };
  const penalty = ridge * greatestOf(values) ** 2;
  const turned = vectors.transpose().mmul(target).mmul(vectors);
  const b = Matrix.zeros(values.length, values.length);
  for (const [i, x] of values.entries()) {
    for (const [j, y] of values.entries())
      b.set(i, j, (Math.sqrt(x * y) * (turned.get(i, j) + turned.get(j, i))) / 2 / (x * y + penalty));
  }
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(b, { assumeSymmetric: true });
  const positive = realEigenvalues.map((value) => Math.max(0, value));
  const greatest = greatestOf(positive);
  const closest = eigenvectorMatrix.mmul(Matrix.diag(positive)).mmul(eigenvectorMatrix.transpose());
  const scaled = vectors.mmul(Matrix.diag(values.map((value) => 1 / Math.sqrt(value))));
  return {
    weights: scaled.mmul(closest).mmul(scaled.transpose()),
    rank: positive.filter((value) => value > smallest * greatest).length,
    ridge,
  };
}

function part(square: Square, n: number, rows: readonly number[], columns: readonly number[]): Matrix {
  const found = Matrix.zeros(rows.length, columns.length);
  for (const [i, row] of rows.entries())
    for (const [j, column] of columns.entries()) found.set(i, j, square[row * n + column]!);
  return found;
}
