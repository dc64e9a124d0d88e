import { describe, expect, it } from "vitest";
import { gradients } from "../../../../../src/engine/backend/onnx/graph/autodiff.ts";
import { ops } from "../../../../../src/engine/backend/onnx/graph/ops.ts";
import { constant, input } from "../../../../../src/engine/backend/onnx/graph/tensor.ts";

const x = input("x", [2, 3]);
const y = input("y", [4, 3]);

describe("operands that do not fit", () => {
  it.each([
    ["add", () => ops.add(x, y), "shapes [2, 3] and [4, 3] do not broadcast"],
    ["where", () => ops.where(ops.greater(x, 0), y, 0), "do not broadcast"],
    ["gemm", () => ops.gemm(x, y), "gemm: [2, 3] · [4, 3] do not chain"],
    ["gemm transposed", () => ops.gemm(x, y, { transA: true }), "gemm: [2, 3]ᵀ · [4, 3] do not chain"],
    ["gemm of three axes", () => ops.gemm(input("z", [1, 2, 3]), y), "operands must be matrices"],
    ["matmul", () => ops.matmul(x, y), "matmul: [2, 3] · [4, 3] do not chain"],
    ["reshape", () => ops.reshape(x, [4]), "reshape: [2, 3] does not hold [4]"],
    ["transpose", () => ops.transpose(x, [0, 0]), "transpose: [0, 0] does not order 2 axes"],
    ["expand", () => ops.expand(x, [4, 3]), "do not broadcast"],
    ["expand to less", () => ops.expand(x, [1, 3]), "expand: [2, 3] does not stretch to [1, 3]"],
    ["slice", () => ops.slice(x, 1, 2, 4), "slice: 2..4 lies outside axis 1 of [2, 3]"],
    ["an empty slice", () => ops.slice(x, 1, 1, 1), "slice: 1..1 lies outside axis 1"],
    ["concat", () => ops.concat([x, y], 1), "concat: [4, 3] does not join [2, 3] on axis 1"],
    ["sum", () => ops.sum(x, [2]), "reduce: no axis 2 in [2, 3]"],
    ["sum of no axes", () => ops.sum(x, []), "reduce: no axes given"],
    ["constant", () => constant(Float32Array.of(1, 2), [3]), "2 elements do not fill shape [3]"],
    ["gradients", () => gradients(x, [x]), "loss has shape [2, 3], not []"],
  ])("%s", (_, make, message) => {
    expect(make).toThrow(RangeError);
    expect(make).toThrow(message);
  });
});

describe("what costs nothing", () => {
  it.each([
    ["reshape to the same shape", () => ops.reshape(x, [2, 3])],
    ["expand to the same shape", () => ops.expand(x, [2, 3])],
    ["a slice of everything", () => ops.slice(x, 0, 0, 2)],
    ["padding by nothing", () => ops.pad(x, 0, 0, 0)],
    ["concatenation of one", () => ops.concat([x], 0)],
    ["times one", () => ops.mul(1, ops.mul(x, 1))],
  ])("%s is the tensor itself", (_, make) => {
    expect(make()).toBe(x);
  });
});
