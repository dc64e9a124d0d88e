import { expect, it } from "vitest";
import { gradients } from "../../../../../src/engine/backend/onnx/graph/autodiff.ts";
import { ops } from "../../../../../src/engine/backend/onnx/graph/ops.ts";
import { print } from "../../../../../src/engine/backend/onnx/graph/print.ts";
import { constant, input } from "../../../../../src/engine/backend/onnx/graph/tensor.ts";

it("prints a graph one line a tensor, shared tensors once", () => {
  const x = input("x", [2, 3]);
  const w = input("w", [4, 3]);
  const shift = constant(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), [2, 4]);
  const y = ops.add(ops.gemm(x, w, { transB: true, alpha: 0.5 }), shift);
  expect(print({ y, again: y })).toBe(
    [
      '%0: float32[2, 3] = input "x"',
      '%1: float32[4, 3] = input "w"',
      "%2: float32[2, 4] = gemm(%0, %1) {transB: true, alpha: 0.5}",
      "%3: float32[2, 4] = constant 1, 2, 3, 4, …",
      "%4: float32[2, 4] = add(%2, %3)",
      "return y = %4, again = %4",
    ].join("\n"),
  );
});

it("prints a gradient in which the reader can find the rule", () => {
  const x = input("x", [2, 3]);
  const [dx] = gradients(ops.sum(ops.exp(x), [0, 1]), [x]);
  expect(print(dx ? { dx } : {})).toBe(
    [
      "%0: float32[] = constant 1",
      "%1: float32[1, 1] = reshape(%0) {shape: [1, 1]}",
      "%2: float32[2, 3] = expand(%1) {shape: [2, 3]}",
      '%3: float32[2, 3] = input "x"',
      "%4: float32[2, 3] = exp(%3)",
      "%5: float32[2, 3] = mul(%2, %4)",
      "return dx = %5",
    ].join("\n"),
  );
});
