import type { Features } from "../../backend.ts";
import { refuseNaN } from "../../finite.ts";
import type { LiveModel } from "../decoder/liveModel.ts";
import { ops } from "../graph/ops.ts";
import { input, type Tensor } from "../graph/tensor.ts";
import { Value } from "../runtime/value.ts";

/** Added to the variance of a feature, in units of the mean variance: a feature that never moves must not explode. */
const varianceFloor = 1e-6;

/**
 * Z·Zᵀ/C (n, n) of features x (n, C), where Z is x standardised by the mean and deviation
 * that `weights` (n, 1) give. The one product of a probe that costs anything, so it runs on the device.
 */
function kernelGraph(count: number, width: number): Record<"kernel", Tensor> {
  const x = input("x", [count, width]);
  const weights = input("weights", [count, 1]);
  const mean = (each: Tensor) => ops.sum(ops.mul(each, weights), [0], true);
  const centred = ops.sub(x, mean(x));
  const variance = mean(ops.mul(centred, centred));
  const floor = ops.add(ops.mul(ops.mean(variance, [1], true), varianceFloor), 1e-20);
  const z = ops.div(centred, ops.sqrt(ops.add(variance, floor)));
  return { kernel: ops.gemm(z, z, { transB: true, alpha: 1 / width }) };
}

/** The kernel of features, as `Backend.kernel` describes it. */
export async function kernel(
  model: LiveModel,
  { data, count, width }: Features,
  weights: Float32Array,
): Promise<Float32Array> {
  const program = await model.program(`kernel ${count}x${width}`, () => kernelGraph(count, width));
  const x = Value.of(data, [count, width]);
  const out = await model.run(program, { x, weights: Value.of(weights, [count, 1]) });
  refuseNaN(out.kernel.data, "features");
  return out.kernel.data;
}
