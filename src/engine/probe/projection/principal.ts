import { EigenvalueDecomposition, Matrix, QrDecomposition } from "ml-matrix";
import { normal, stream } from "../../../statistics/random.ts";
import type { Features } from "../../backend/backend.ts";

/** Principal components of features (n, C): an orthonormal basis around their mean. */
export interface Principal {
  /** (C). */
  readonly mean: Float64Array;
  /** Unit vectors (C), the one of greatest variance first; the entry of greatest size of each is positive. */
  readonly components: readonly Float64Array[];
  /** Share of the variance along each, in [0, 1]; 0 where features do not vary. */
  readonly explained: readonly number[];
}

/** Vectors iterated beside the wanted ones, so that the last of these converges, too. */
const spare = 10;
/** Residual of an eigenvector, in units of the greatest eigenvalue, below which it has converged. */
const tolerance = 1e-11;
const mostIterations = 400;
/** Rows of a product between two looks at `check`. */
const chunk = 256;

/**
 * The first principal components, by subspace iteration with Rayleigh–Ritz steps (Saad, Numerical Methods for Large Eigenvalue Problems,
 * ch. 5) on the smaller of XXᵀ and XᵀX of centred features, in float64. Signs are those of scikit-learn's PCA.
 *
 * @param wanted how many; fewer are returned where there are fewer of variance above 0.
 * @param exact how many of them must have converged; the others are as far as the iteration has come by then.
 * @throws what `check` throws.
 */
export function principalComponents(
  features: Features,
  wanted: number,
  { exact = wanted, check = () => {} }: { exact?: number; check?: () => void } = {},
): Principal {
  const { count, width } = features;
  const mean = meanOf(features);
  const centred = centredRows(features, mean);
  const byRows = count < width;
  const symmetric = byRows ? rowProducts(centred, check) : columnProducts(centred, width, check);
  const variance = symmetric.reduce((sum, row, i) => sum + row[i]!, 0);
  const found = topEigenvectors(symmetric, Math.min(wanted, count - 1, width), exact, check);
  const components = found
    .filter(({ value }) => value > variance * 1e-14)
    .map(({ vector, value }) => ({
      value,
      vector: signed(byRows ? combined(centred, vector, width) : vector),
    }));
  return {
    mean,
    components: components.map(({ vector }) => vector),
    explained: components.map(({ value }) => (variance > 0 ? value / variance : 0)),
  };
}

/** Coordinates (n) of features along each component, around the basis' mean. */
export function coordinates(
  { count, width, data }: Features,
  { mean, components }: Principal,
): Float64Array[] {
  return components.map((component) => {
    const along = new Float64Array(count);
    const offset = dot(mean, component);
    for (let i = 0; i < count; i++) {
      let sum = 0;
      for (let c = 0; c < width; c++) sum += data[i * width + c]! * component[c]!;
      along[i] = sum - offset;
    }
    return along;
  });
}

function meanOf({ count, width, data }: Features): Float64Array {
  const mean = new Float64Array(width);
  for (let i = 0; i < count; i++) for (let c = 0; c < width; c++) mean[c]! += data[i * width + c]!;
  return mean.map((sum) => sum / count);
}

function centredRows({ count, width, data }: Features, mean: Float64Array): Float64Array[] {
  return Array.from({ length: count }, (_, i) =>
    Float64Array.from({ length: width }, (_, c) => data[i * width + c]! - mean[c]!),
  );
}

/** X·Xᵀ (n, n). */
function rowProducts(rows: readonly Float64Array[], check: () => void): Float64Array[] {
  const products = rows.map(() => new Float64Array(rows.length));
  for (const [i, row] of rows.entries()) {
    if (i % chunk === 0) check();
    for (let j = 0; j <= i; j++) products[i]![j] = products[j]![i] = dot(row, rows[j]!);
  }
  return products;
}

/** Xᵀ·X (C, C). */
function columnProducts(rows: readonly Float64Array[], width: number, check: () => void): Float64Array[] {
  const products = Array.from({ length: width }, () => new Float64Array(width));
  for (const [i, row] of rows.entries()) {
    if (i % chunk === 0) check();
    for (let a = 0; a < width; a++) {
      const [factor, sums] = [row[a]!, products[a]!];
      for (let b = 0; b <= a; b++) sums[b]! += factor * row[b]!;
    }
  }
  for (let a = 0; a < width; a++) for (let b = 0; b < a; b++) products[b]![a] = products[a]![b]!;
  return products;
}

interface EigenPair {
  readonly value: number;
  readonly vector: Float64Array;
}

/** Eigenvectors of the greatest eigenvalues of a symmetric matrix without negative ones. */
function topEigenvectors(
  matrix: readonly Float64Array[],
  wanted: number,
  exact: number,
  check: () => void,
): EigenPair[] {
  const size = matrix.length;
  const block = Math.min(size, wanted + spare);
  const start = normal(size * block, stream(0, "principal components", size, block));
  let basis = orthonormal(Array.from({ length: block }, (_, k) => start.subarray(k * size, (k + 1) * size)));
  for (let iteration = 0; ; iteration++) {
    check();
    const images = basis.map((vector) => product(matrix, vector));
    const projected = new Matrix(basis.map((a) => images.map((b) => dot(a, b))));
    const { realEigenvalues: values, eigenvectorMatrix } = new EigenvalueDecomposition(projected, {
      assumeSymmetric: true,
    });
    const order = values.map((_, k) => k).sort((a, b) => values[b]! - values[a]!);
    const turned = (vectors: readonly Float64Array[], k: number) =>
      mixed(vectors, eigenvectorMatrix.getColumn(k));
    const pairs = order.map((k) => ({
      value: values[k]!,
      vector: turned(basis, k),
      image: turned(images, k),
    }));
    const greatest = Math.max(pairs[0]?.value ?? 0, Number.MIN_VALUE);
    const areThere = pairs
      .slice(0, Math.min(exact, wanted))
      .every(({ value, vector, image }) => distance(image, vector, value) <= tolerance * greatest);
    if (areThere || block === size || iteration === mostIterations)
      return pairs.slice(0, wanted).map(({ value, vector }) => ({ value, vector }));
    basis = orthonormal(pairs.map(({ image }) => image));
  }
}

/** An orthonormal basis of the space of vectors. */
function orthonormal(vectors: readonly Float64Array[]): Float64Array[] {
  const columns = new Matrix(vectors.map((vector) => Array.from(vector))).transpose();
  const turned = new QrDecomposition(columns).orthogonalMatrix.transpose();
  return turned.to2DArray().map((row) => Float64Array.from(row));
}

function product(matrix: readonly Float64Array[], vector: Float64Array): Float64Array {
  return Float64Array.from(matrix, (row) => dot(row, vector));
}

/** Σ factorₖ·vectorₖ. */
function mixed(vectors: readonly Float64Array[], factors: readonly number[]): Float64Array {
  const sum = new Float64Array(vectors[0]!.length);
  for (const [k, vector] of vectors.entries())
    for (let i = 0; i < sum.length; i++) sum[i]! += factors[k]! * vector[i]!;
  return sum;
}

/** Xᵀ·u as a unit vector (C): an eigenvector of XᵀX, from one of XXᵀ. */
function combined(rows: readonly Float64Array[], weights: Float64Array, width: number): Float64Array {
  const sum = new Float64Array(width);
  for (const [i, row] of rows.entries()) for (let c = 0; c < width; c++) sum[c]! += weights[i]! * row[c]!;
  const norm = Math.sqrt(dot(sum, sum)) || 1;
  return sum.map((x) => x / norm);
}

/** The vector whose entry of greatest size is positive. */
function signed(vector: Float64Array): Float64Array {
  const greatest = vector.reduce((most, x) => (Math.abs(x) > Math.abs(most) ? x : most), 0);
  return greatest < 0 ? vector.map((x) => -x) : vector;
}

/** ‖a − factor·b‖. */
function distance(a: Float64Array, b: Float64Array, factor: number): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - factor * b[i]!) ** 2;
  return Math.sqrt(sum);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
