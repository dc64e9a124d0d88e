import { describe, expect, it } from "vitest";
import { Head } from "../../../../../src/engine/backend/onnx/decoder/head.ts";
import { gradients } from "../../../../../src/engine/backend/onnx/graph/autodiff.ts";
import { size } from "../../../../../src/engine/backend/onnx/graph/shape.ts";
import { input, topological } from "../../../../../src/engine/backend/onnx/graph/tensor.ts";
import { crossEntropy } from "../../../../../src/engine/backend/onnx/loss/crossEntropy.ts";
import { Value } from "../../../../../src/engine/backend/onnx/runtime/value.ts";
import { lossAndGradients, relativeError } from "./run.ts";

const [M, C, V] = [3, 2, 5];
const hidden = Float32Array.of(0.5, -1, 2, 0.3, -0.7, 1.1);
const head = Float32Array.of(1, 0, 0.5, -2, -1, 1, 3, 0.2, 0.1, 0.4);
const labels = [3, 0, 3];
const weights = [0.25, 0.75, 0];

/** The same loss, written plainly in float64. */
function plain(
  h: ArrayLike<number>,
  w: ArrayLike<number>,
  { scale, softcap }: { scale: number; softcap: number | null },
): number {
  return labels.reduce((total, label, i) => {
    const logits = Array.from({ length: V }, (_, v) => {
      const z = scale * (h[i * C] * w[v * C] + h[i * C + 1] * w[v * C + 1]);
      return softcap === null ? z : softcap * Math.tanh(z / softcap);
    });
    const lse = Math.log(logits.reduce((sum, z) => sum + Math.exp(z), 0));
    return total + weights[i] * (lse - logits[label]);
  }, 0);
}

function differences(f: (x: Float64Array) => number, at: Float32Array): number[] {
  return Array.from(at, (_, i) => {
    const moved = (step: number) => {
      const x = Float64Array.from(at);
      x[i] += step;
      return f(x);
    };
    return (moved(1e-5) - moved(-1e-5)) / 2e-5;
  });
}

const inputs = () => ({
  hidden: input("hidden", [M, C]),
  head: input("head", [V, C]),
  labels: input("labels", [M], "int32"),
  weights: input("weights", [M]),
});

describe("crossEntropy", () => {
  it.each([
    { scale: 1, softcap: null },
    { scale: 1, softcap: 1.5 },
    { scale: 0.3, softcap: null },
    { scale: 0.3, softcap: 1.5 },
  ])("of logits with $scale and $softcap: value and gradients", async (rule) => {
    const t = inputs();
    const loss = crossEntropy(t.hidden, Head.of(t.head, rule), t.labels, t.weights);
    const result = await lossAndGradients(
      loss,
      { hidden: t.hidden, head: t.head },
      {
        hidden: Value.of(hidden, [M, C]),
        head: Value.of(head, [V, C]),
        labels: Value.of(Int32Array.from(labels), [M]),
        weights: Value.of(Float32Array.from(weights), [M]),
      },
    );
    expect(result.loss).toBeCloseTo(plain(hidden, head, rule), 5);
    expect(
      relativeError(
        result.gradients.hidden,
        differences((x) => plain(x, head, rule), hidden),
      ),
    ).toBeLessThan(1e-5);
    expect(
      relativeError(
        result.gradients.head,
        differences((x) => plain(hidden, x, rule), head),
      ),
    ).toBeLessThan(1e-5);
  });

  it("makes no matrix of the vocabulary's size beside the logits and their cotangents", () => {
    const t = inputs();
    const loss = crossEntropy(t.hidden, Head.of(t.head, { scale: 1, softcap: null }), t.labels, t.weights);
    const forward = topological([loss]).filter(({ op, shape }) => op !== "input" && size(shape) >= M * V);
    expect(forward.map(({ op }) => op)).toEqual(["gemm"]);
    const [dHidden] = gradients(loss, [t.hidden]);
    const wide = topological([loss, dHidden ?? loss]).filter(
      ({ op, shape }) => op !== "input" && size(shape) >= M * V,
    );
    expect(wide.map(({ op }) => op).sort()).toEqual(["gemm", "mul", "softmax"]);
  });
});
