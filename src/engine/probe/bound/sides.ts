/**
 * Both sides of the bound from products of gradients: kernels of the parameters before and from ℓ on, their norms, and what features say of them.
 */

import { Matrix } from "ml-matrix";
import { greatestOf } from "../../../statistics/extremes.ts";
import type { Features, GradientProducts } from "../../backend/backend.ts";
import {
  type FeatureForm,
  fittedForm,
  permutedPredictions,
  predictedBy,
  type Square,
} from "./featureForm.ts";

/** Norms of a kernel over n prompts with k logits each. */
export interface KernelNorms {
  /** ‖K(x′, x)‖_F, (n, n). */
  readonly pairs: Square;
  /** ‖J(x)‖_F, (n): the root of the trace of K(x, x). */
  readonly jacobians: readonly number[];
}

/** The kernel split at a layer. */
export interface Split {
  readonly layer: number;
  /** Of all parameters. */
  readonly whole: KernelNorms;
  /** Of those before ℓ, and of those from ℓ on. */
  readonly trunk: KernelNorms;
  readonly tail: KernelNorms;
}

/**
 * The kernel split at every layer from 1 on.
 *
 * @param products of n·k rows with themselves, by margins.
 */
export function splitKernels({ sums }: GradientProducts, layers: number, n: number): Split[] {
  const size = sums[0]!.products.length;
  const of = (layer: number | "all", part: string): Float64Array =>
    sums.find((sum) => sum.layer === layer && sum.part === part)?.products ?? new Float64Array(size);
  const embedding = of("all", "embedding");
  // The cross terms of tied uses belong to neither: they are in the whole alone.
  const tied = of("all", "tied");
  const blocks = Array.from({ length: layers }, (_, layer) => of(layer, "all"));
  const outside = [of("all", "final-norm"), of("all", "head")];
  const parts = added([embedding, ...blocks, ...outside], size);
  const whole = normsOf(added([parts, tied], size), n);
  let before = embedding;
  return Array.from({ length: layers - 1 }, (_, i) => {
    before = added([before, blocks[i]!], size);
    const behind = parts.map((x, at) => x - before[at]!);
    return { layer: i + 1, whole, trunk: normsOf(before, n), tail: normsOf(behind, n) };
  });
}

function added(all: readonly Float64Array[], size: number): Float64Array {
  const sum = new Float64Array(size);
  for (const each of all) for (let i = 0; i < size; i++) sum[i]! += each[i]!;
  return sum;
}

/** @param products (n·k, n·k). */
function normsOf(products: Float64Array, n: number): KernelNorms {
  const rows = Math.sqrt(products.length);
  const k = rows / n;
  const pairs = new Float64Array(n * n);
  const jacobians: number[] = [];
  for (let i = 0; i < n; i++) {
    let trace = 0;
    for (let a = 0; a < k; a++) trace += products[(i * k + a) * rows + i * k + a]!;
    jacobians.push(Math.sqrt(Math.max(0, trace)));
    for (let j = 0; j < n; j++) {
      let squares = 0;
      for (let a = 0; a < k; a++)
        for (let b = 0; b < k; b++) squares += products[(i * k + a) * rows + j * k + b]! ** 2;
      pairs[i * n + j] = Math.sqrt(squares);
    }
  }
  return { pairs, jacobians };
}

/** What a form in features says of the kernel before ℓ. */
export interface FeatureFit {
  readonly form: FeatureForm;
  /** The features it was fitted on, as a matrix (fitted, C), and their scale. */
  readonly features: Matrix;
  readonly scale: number;
  /** c_ℓ: the mean of what it says of fitted prompts with themselves. Q_ℓ is the form over c_ℓ. */
  readonly c: number;
  /** c_ℓ h′ᵀQ_ℓh of all n prompts, (n, n). */
  readonly predicted: Matrix;
  /** A multiple of h′ᵀh in the place of it. */
  readonly inner: Matrix;
  /** Predictions of forms that were fitted to the kernel of permuted prompts. */
  readonly permuted: readonly Matrix[];
}

/**
 * Fits c_ℓQ_ℓ to the norms of the kernel before ℓ.
 *
 * @param features of the n prompts at ℓ.
 * @param fitted the prompts that it may see.
 * @param orders permutations of them.
 */
export function fitFeatures(
  features: Features,
  { pairs }: KernelNorms,
  fitted: readonly number[],
  orders: readonly (readonly number[])[],
): FeatureFit {
  const { count: n } = features;
  const all = matrixOf(features);
  const squares = fitted.map((i) => all.getRow(i).reduce((sum, x) => sum + x * x, 0));
  const scale = Math.sqrt(squares.reduce((sum, x) => sum + x, 0) / fitted.length) || 1;
  const scaled = all.div(scale);
  const known = scaled.subMatrixRow([...fitted]);
  const cross = scaled.mmul(known.transpose());
  const m = fitted.length;
  const gram = Float64Array.from({ length: m * m }, (_, at) =>
    cross.get(fitted[Math.floor(at / m)]!, at % m),
  );
  const target = Float64Array.from(
    { length: m * m },
    (_, at) => pairs[fitted[Math.floor(at / m)]! * n + fitted[at % m]!]!,
  );
  const form = fittedForm(gram, target, m);
  const predicted = predictedBy(form.weights, cross, cross);
  const products = gram.reduce((sum, x) => sum + x * x, 0);
  const along = gram.reduce((sum, x, at) => sum + x * target[at]!, 0);
  return {
    form,
    features: known,
    scale,
    c: fitted.reduce((sum, i) => sum + predicted.get(i, i), 0) / m,
    predicted,
    inner: scaled.mmul(scaled.transpose()).mul(products > 0 ? along / products : 0),
    permuted: permutedPredictions(gram, target, m, { form, cross, orders }),
  };
}

/** What a form that was fitted elsewhere says of these features, (n, n). */
export function carriedOver({ form, features: known, scale }: FeatureFit, features: Features): Matrix {
  const cross = matrixOf(features).div(scale).mmul(known.transpose());
  return predictedBy(form.weights, cross, cross);
}

function matrixOf({ count, width, data }: Features): Matrix {
  return new Matrix(
    Array.from({ length: count }, (_, i) => Array.from(data.subarray(i * width, (i + 1) * width))),
  );
}

/** The terms of the right side that are the same for all pairs. */
export interface Constants {
  readonly tau: number;
  readonly delta: number;
}

/** Both sides for one pair. */
export interface PairSides {
  readonly first: number;
  readonly second: number;
  readonly left: number;
  readonly features: number;
  readonly cross: number;
  readonly right: number;
  readonly trunk: number;
  readonly tailKernel: number;
}

/**
 * Both sides for the evaluated pairs, where
 *
 *     ‖K(x′, x)‖_F ≤ c_ℓ h′ᵀQ_ℓh + √c_ℓ τ_ℓ (‖G_x′‖_F + ‖G_x‖_F) + τ_ℓ² + Δ.
 *
 * J(x) = √c_ℓ G_x + R_x: the gradients of logits with respect to parameters before ℓ, and from ℓ on (each 0 at the other's parameters, but
 * for a tensor of tied embeddings, which both have). τ_ℓ is the largest ‖R_x‖_F, and Δ the largest excess of ‖c_ℓ G_x′G_xᵀ‖_F over
 * c_ℓ h′ᵀQ_ℓh, or 0. So K = c_ℓ G′Gᵀ + √c_ℓ (G′Rᵀ + R′Gᵀ) + R′Rᵀ; by the triangle inequality and ‖AB‖_F ≤ ‖A‖_F ‖B‖_F
 * ‖K‖_F ≤ ‖c_ℓ G′Gᵀ‖_F + √c_ℓ (‖G′‖_F ‖R‖_F + ‖R′‖_F ‖G‖_F) + ‖R′‖_F ‖R‖_F, and each term is at most its own on the right.
 * A factor that goes from c_ℓ to Q_ℓ and G changes no term; here h_xᵀQ_ℓh_x is 1 on average over the fitted prompts.
 */
export function sidesOf(
  { whole, trunk, tail }: Split,
  predicted: Matrix,
  evaluated: readonly number[],
): Constants & { readonly pairs: PairSides[] } {
  const n = trunk.jacobians.length;
  const tau = greatestOf(evaluated.map((i) => tail.jacobians[i]!));
  const both = evaluated.flatMap((i, at) => evaluated.slice(at + 1).map((j) => [i, j] as const));
  const delta = Math.max(0, greatestOf(both.map(([i, j]) => trunk.pairs[i * n + j]! - predicted.get(i, j))));
  const pairs = both.map(([first, second]) => {
    const features = predicted.get(first, second);
    const cross = tau * (trunk.jacobians[first]! + trunk.jacobians[second]!);
    const at = first * n + second;
    return {
      ...{ first, second, features, cross, right: features + cross + tau ** 2 + delta },
      ...{ left: whole.pairs[at]!, trunk: trunk.pairs[at]!, tailKernel: tail.pairs[at]! },
    };
  });
  return { tau, delta, pairs };
}

/** How well predictions explain values over pairs: the share of their variance, and Pearson's correlation. */
export function explained(
  values: readonly number[],
  predicted: readonly number[],
): { r2: number; correlation: number } {
  const mean = (x: readonly number[]) => x.reduce((sum, each) => sum + each, 0) / x.length;
  const [a, b] = [mean(values), mean(predicted)];
  let [residual, own, other, both] = [0, 0, 0, 0];
  for (const [i, x] of values.entries()) {
    const y = predicted[i]!;
    residual += (x - y) ** 2;
    own += (x - a) ** 2;
    other += (y - b) ** 2;
    both += (x - a) * (y - b);
  }
  return { r2: 1 - residual / own, correlation: both / Math.sqrt(own * other) };
}
