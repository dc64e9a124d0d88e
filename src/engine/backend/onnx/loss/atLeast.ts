import { ops } from "../graph/ops.ts";
import type { Tensor } from "../graph/tensor.ts";

/** max(x, bound), with a gradient of zero where the bound holds: what keeps quotients and roots finite. */
export function atLeast(x: Tensor, bound: number): Tensor {
  return ops.add(ops.relu(ops.sub(x, bound)), bound);
}
