import { gradients } from "../../../../../src/engine/backend/onnx/graph/autodiff.ts";
import { input, type Tensor } from "../../../../../src/engine/backend/onnx/graph/tensor.ts";
import { contrastiveLoss } from "../../../../../src/engine/backend/onnx/loss/contrastive.ts";
import { pairMaskInputs, pairMasks } from "../../../../../src/engine/backend/onnx/loss/pairs.ts";
import { Device } from "../../../../../src/engine/backend/onnx/runtime/device.ts";
import { Value } from "../../../../../src/engine/backend/onnx/runtime/value.ts";
import type { LossOptions } from "../../../../../src/losses/losses.ts";

/** A loss and its gradients with respect to some of its inputs, as onnxruntime computes them on the CPU. */
export async function lossAndGradients(
  loss: Tensor,
  wrt: Record<string, Tensor>,
  feeds: Record<string, Value>,
): Promise<{ loss: number; gradients: Record<string, Float32Array> }> {
  const device = await Device.open("cpu", { threads: 1 });
  const names = Object.keys(wrt);
  const found = gradients(loss, Object.values(wrt));
  const outputs = Object.fromEntries(names.map((name, i) => [`d.${name}`, found[i] as Tensor]));
  const program = await device.compile({ loss, ...outputs });
  const results = await program.run(feeds);
  await program.dispose();
  return {
    loss: results.loss.data[0],
    gradients: Object.fromEntries(names.map((name) => [name, results[`d.${name}`].data])),
  };
}

/** A contrastive loss of labelled embeddings (N, D), and its gradient with respect to them. */
export async function embeddingLoss(
  options: LossOptions,
  rows: readonly number[][],
  labels: number[],
): Promise<{ loss: number; gradient: Float32Array }> {
  const shape = [rows.length, rows[0].length];
  const embeddings = input("embeddings", shape);
  const loss = contrastiveLoss(options)(embeddings, pairMaskInputs(rows.length));
  const result = await lossAndGradients(
    loss,
    { embeddings },
    { embeddings: Value.of(Float32Array.from(rows.flat()), shape), ...pairMasks(labels) },
  );
  return { loss: result.loss, gradient: result.gradients.embeddings };
}

/** Largest difference, relative to the largest element expected. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  const scale = Math.max(...Array.from(expected, Math.abs), 1e-12);
  const differences = Array.from(actual, (value, i) => Math.abs(value - expected[i]));
  return differences.some(Number.isNaN) ? Number.POSITIVE_INFINITY : Math.max(...differences) / scale;
}
