import { atLeast } from "../../../../losses/loss.ts";
import { ops } from "../graph/ops.ts";
import type { Tensor } from "../graph/tensor.ts";

/**
 * How far features have moved from where they were, relative to their length: Σᵢ wᵢ·‖hᵢ − h0ᵢ‖²/‖h0ᵢ‖², a scalar.
 *
 * @param h features now, (M, C).
 * @param h0 features of the untrained model, (M, C).
 * @param weights (M), summing to 1; 0 for a row that only fills the bucket.
 */
export function distanceRetention(h: Tensor, h0: Tensor, weights: Tensor): Tensor {
  const moved = ops.sumSquare(ops.sub(h, h0), [-1]);
  return ops.sum(ops.mul(weights, ops.div(moved, atLeast(ops, ops.sumSquare(h0, [-1]), 1e-12))), [0]);
}

/**
 * How far next-token distributions have moved: Σᵢ wᵢ·KL(softmax(logits0ᵢ) ‖ softmax(logitsᵢ)) in nats, a scalar.
 *
 * @param logits now, (M, V).
 * @param logits0 of the untrained model, (M, V).
 * @param weights (M), summing to 1.
 */
export function klRetention(logits: Tensor, logits0: Tensor, weights: Tensor): Tensor {
  const [rows] = logits.shape;
  const lse = (x: Tensor) => ops.reshape(ops.logSumExp(x), [rows]);
  const expected = ops.sum(ops.mul(ops.softmax(logits0), ops.sub(logits0, logits)), [-1]);
  const divergence = ops.add(expected, ops.sub(lse(logits), lse(logits0)));
  return ops.sum(ops.mul(weights, divergence), [0]);
}
