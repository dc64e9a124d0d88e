import { CholeskyDecomposition, EigenvalueDecomposition, Matrix } from "ml-matrix";
import { dot, norm, type Vector } from "./vectors.ts";

/** A reading direction that finds harmful activations and not benign ones. */
interface NullSpaceReader {
  /** u, (C): h·u is near 1 for the harmful activations that it was fitted on, and near 0 for the benign ones. */
  readonly read: Float64Array;
  /** Dimensions that are left where those of benign activations were taken out: the rank of P. */
  readonly rank: number;
}

/** What is left of a vector that lies in the span of those before it is rounding, since activations are float32. */
const dependent = 1e-6;

/**
 * AlphaSteer's steering matrix (Sheng et al. 2025) in its rank-one form u·rᵀ; the refusal vector r is not needed to find u. P is the
 * projection onto the k = ⌊ratio·C⌋ right singular directions of the benign activations H_b with the smallest values. The published
 * S = PΔ̃ with Δ̃ = (PH_mᵀH_mP + λP)⁺PH_mᵀ·1rᵀ is u·rᵀ with
 *
 *     u = PH_mᵀ·(H_mPH_mᵀ + λI)⁻¹·1,
 *
 * which takes a Cholesky factor as large as there are harmful prompts, in float64, and neither P nor another C × C matrix. With fewer
 * benign prompts than C − k, any k directions of a larger null space would do: the whole of it is taken.
 *
 * @param benign H_b, vectors (C); @param harmful H_m, the same: activations of last prompt tokens.
 * @param ratio ρ, in (0, 1); @param ridge λ, above 0.
 */
export function nullSpaceReader(
  benign: readonly Float64Array[],
  harmful: readonly Float64Array[],
  { ratio, ridge }: { readonly ratio: number; readonly ridge: number },
): NullSpaceReader {
  const width = harmful[0]!.length;
  const basis = mainDirections(benign, width - Math.floor(ratio * width));
  const projected = harmful.map((vector) => without(basis, vector));
  const gram = projected.map((a, i) => projected.map((b, j) => dot(a, b) + (i === j ? ridge : 0)));
  const weights = new CholeskyDecomposition(new Matrix(gram)).solve(Matrix.ones(harmful.length, 1));
  const read = new Float64Array(width);
  for (const [i, vector] of projected.entries()) addScaled(read, vector, weights.get(i, 0));
  return { read, rank: width - basis.length };
}

/** An orthonormal basis of the `most` right singular directions of vectors with the largest values, or of all they span. */
function mainDirections(vectors: readonly Float64Array[], most: number): Float64Array[] {
  if (vectors.length <= most) return orthonormal(vectors);
  const width = vectors[0]!.length;
  // From the smaller of H·Hᵀ and HᵀH.
  if (vectors.length > width) {
    const matrix = new Matrix(vectors.map((vector) => [...vector]));
    return topEigenvectors(matrix.transpose().mmul(matrix), most);
  }
  const weights = topEigenvectors(new Matrix(vectors.map((a) => vectors.map((b) => dot(a, b)))), most);
  return orthonormal(
    weights.map((each) => {
      const direction = new Float64Array(width);
      for (const [i, vector] of vectors.entries()) addScaled(direction, vector, each[i]!);
      return direction;
    }),
  );
}

/** The eigenvectors of a symmetric matrix with the largest eigenvalues, in descending order. */
function topEigenvectors(symmetric: Matrix, count: number): Float64Array[] {
  const { realEigenvalues: values, eigenvectorMatrix } = new EigenvalueDecomposition(symmetric, {
    assumeSymmetric: true,
  });
  const order = [...values.keys()].sort((a, b) => values[b]! - values[a]!);
  return order.slice(0, count).map((i) => Float64Array.from(eigenvectorMatrix.getColumn(i)));
}

/** Gram–Schmidt; vectors that depend on those before them are left out. */
function orthonormal(vectors: readonly Float64Array[]): Float64Array[] {
  const basis: Float64Array[] = [];
  for (const vector of vectors) {
    const rest = without(basis, vector);
    const length = norm(rest);
    if (length > dependent * norm(vector)) basis.push(rest.map((x) => x / length));
  }
  return basis;
}

/** A vector without its parts along an orthonormal basis; taken out twice, since the first time leaves rounding. */
function without(basis: readonly Float64Array[], vector: Float64Array): Float64Array {
  const rest = Float64Array.from(vector);
  for (let round = 0; round < 2; round++) {
    for (const direction of basis) addScaled(rest, direction, -dot(rest, direction));
  }
  return rest;
}

function addScaled(to: Float64Array, vector: Vector, scale: number): void {
  for (let k = 0; k < to.length; k++) to[k]! += scale * vector[k]!;
}
