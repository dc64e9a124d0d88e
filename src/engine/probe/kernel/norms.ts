/** Frobenius norms of blocks of a kernel, out of inner products of gradients. */
import type { GradientSum } from "../../backend/backend.ts";

/** Inner products of n prompts with k gradients each on both sides, (n·k, n·k) row-major. */
export interface KernelProducts {
  readonly count: number;
  readonly each: number;
  readonly products: Float64Array;
}

/** The sum of some parts. */
export function summed(
  count: number,
  each: number,
  sums: readonly GradientSum[],
  sign: (sum: GradientSum) => number,
): KernelProducts {
  const products = new Float64Array((count * each) ** 2);
  for (const sum of sums) {
    const factor = sign(sum);
    if (factor !== 0) for (let i = 0; i < products.length; i++) products[i]! += factor * sum.products[i]!;
  }
  return { count, each, products };
}

/**
 * ‖K(x_i, x_j)‖_F for all pairs, (n, n). Exact where the products are those of the logits themselves; the root of the mean of
 * q² squares where they are those of random probes u_a and w_b with E uuᵀ = E wwᵀ = 1, since E (uᵀKw)² = ‖K‖²_F.
 *
 * @param weights of the probes of the two sides, which say how often each was drawn; 1 each where left out.
 */
export function norms(
  { count, each, products }: KernelProducts,
  isRandom: boolean,
  weights?: readonly [left: ArrayLike<number>, right: ArrayLike<number>],
): Float64Array {
  const squares = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    for (let a = 0; a < each; a++) {
      const row = (i * each + a) * count * each;
      const left = weights?.[0][a] ?? 1;
      if (left === 0) continue;
      for (let j = 0; j < count; j++) {
        let sum = 0;
        for (let b = 0; b < each; b++) sum += (weights?.[1][b] ?? 1) * products[row + j * each + b]! ** 2;
        squares[i * count + j]! += left * sum;
      }
    }
  }
  const scale = isRandom ? 1 / each ** 2 : 1;
  return squares.map((_, at) => {
    const [i, j] = [Math.floor(at / count), at % count];
    // The kernel of (x, x′) is the transpose of that of (x′, x): with random probes each order is an estimate.
    return Math.sqrt((scale * (squares[at]! + squares[j * count + i]!)) / 2);
  });
}

/** Mean over pairs of two prompts of ⟨K_part, K⟩_F / ‖K‖²_F. */
export function shareOf(part: Float64Array, { count, each, products }: KernelProducts): number {
  let total = 0;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      if (i === j) continue;
      let [inner, square] = [0, 0];
      for (let a = 0; a < each; a++) {
        const row = (i * each + a) * count * each + j * each;
        for (let b = 0; b < each; b++) {
          const value = products[row + b]!;
          inner += part[row + b]! * value;
          square += value * value;
        }
      }
      total += inner / square;
    }
  }
  return total / (count * (count - 1));
}
