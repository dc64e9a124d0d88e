import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { dot, minus, norm, type Vector } from "./vectors.ts";

/** A direction in activations, and the share of the variance that it explains. */
export interface PrincipalDirection {
  /** (C), of length one; zeros where all pairs coincide. */
  readonly direction: Float64Array;
  readonly explained: number;
}

/**
 * The first principal component of pairs whose means are removed (`pca_pairwise` of CAST, Lee et al. 2025): the top right singular
 * vector of the differences, which are not centred. Its sign makes the positive one of most pairs project higher, or, where that is half of
 * them, of all pairs together.
 *
 * @param positive vectors (C); each is paired with that of `negative` at its place.
 */
export function pairwiseDirection(
  positive: readonly Vector[],
  negative: readonly Vector[],
): PrincipalDirection {
  const differences = positive.map((vector, i) => minus(vector, negative[i]!));
  // Of the pairs' Gram matrix: C may be thousands, and pairs are few.
  const gram = differences.map((a) => differences.map((b) => dot(a, b)));
  const { realEigenvalues: values, eigenvectorMatrix: vectors } = new EigenvalueDecomposition(
    new Matrix(gram),
    {
      assumeSymmetric: true,
    },
  );
  const top = values.reduce((best, value, i) => (value > values[best]! ? i : best), 0);
  const sum = new Float64Array(positive[0]!.length);
  for (const [i, difference] of differences.entries()) {
    for (let k = 0; k < sum.length; k++) sum[k]! += vectors.get(i, top) * difference[k]!;
  }
  const length = norm(sum);
  if (!(length > 0)) return { direction: sum, explained: 0 };
  const heights = differences.map((difference) => dot(difference, sum));
  const higher = heights.reduce((count, height) => count + Math.sign(height), 0);
  const isHigher = higher === 0 ? heights.reduce((all, height) => all + height) >= 0 : higher > 0;
  const scale = (isHigher ? 1 : -1) / length;
  const total = gram.reduce((trace, row, i) => trace + row[i]!, 0);
  return { direction: sum.map((x) => x * scale), explained: values[top]! / total };
}
