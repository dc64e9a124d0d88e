import { atLeast } from "../../../../losses/loss.ts";
import { ops } from "../graph/ops.ts";
import type { Tensor } from "../graph/tensor.ts";

/**
 * Rows divided by max(‖row‖₂, 1e-12): (B, d) → (B, d). The bound stands under the root, so that a row of zeros has
 * a gradient of zeros and not 0/0.
 */
function normalizeRows(x: Tensor): Tensor {
  return ops.div(x, ops.sqrt(atLeast(ops, ops.sumSquare(x, [-1], true), 1e-24)));
}

/** S[i, j] = cos(x_i, x_j): (B, d) → (B, B). */
export function cosineMatrix(x: Tensor): Tensor {
  const normalized = normalizeRows(x);
  return ops.gemm(normalized, normalized, { transB: true });
}
