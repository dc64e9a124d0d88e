import { describe, expect, it } from "vitest";
import { gradients } from "../../../../../src/engine/backend/onnx/graph/autodiff.ts";
import { ops } from "../../../../../src/engine/backend/onnx/graph/ops.ts";
import {
  constant,
  input,
  type Tensor,
  topological,
} from "../../../../../src/engine/backend/onnx/graph/tensor.ts";
import { evaluate } from "./reference.ts";
import { gradientError, type References } from "./trial.ts";

const x = input("x", [3]);
const w = input("w", [2, 3]);
const feeds: References = {
  x: { shape: [3], data: Float64Array.of(0.5, -1.5, 2) },
  w: { shape: [2, 3], data: Float64Array.of(1, -0.3, 0.2, 0.7, 1.1, -2) },
};
const total = (y: Tensor) => ops.sum(y, [...y.shape.keys()]);
const values = (y: Tensor | null) => Array.from(evaluate([y as Tensor], feeds)[0].data);

describe("gradients", () => {
  it("adds up over all the ways a value reaches the loss", () => {
    const y = ops.tanh(x);
    const loss = total(ops.mul(ops.add(y, ops.exp(y)), ops.mul(w, y)));
    expect(gradientError(loss, [x, w], feeds)).toBeLessThan(1e-8);
  });

  it("runs through one operand used twice by one primitive", () => {
    expect(values(gradients(total(ops.mul(x, x)), [x])[0])).toEqual([1, -3, 4]);
  });

  it("is null where the loss does not depend on the tensor", () => {
    const other = input("other", [4]);
    const [dx, dOther] = gradients(total(x), [x, other]);
    expect(values(dx)).toEqual([1, 1, 1]);
    expect(dOther).toBeNull();
  });

  it("is null behind detach, and flows beside it", () => {
    expect(gradients(total(ops.detach(x)), [x])).toEqual([null]);
    const loss = total(ops.mul(ops.detach(ops.mul(x, 2)), x));
    expect(values(gradients(loss, [x])[0])).toEqual([1, -3, 4]);
  });

  it("can be asked for an intermediate, alone and with what lies before it", () => {
    const y = ops.mul(x, 3);
    const loss = total(ops.mul(y, y));
    const [dy, dx] = gradients(loss, [y, x]);
    expect(values(dy)).toEqual([3, -9, 12]);
    expect(values(dx)).toEqual([9, -27, 36]);
    expect(values(gradients(loss, [y])[0])).toEqual([3, -9, 12]);
  });

  it("of the loss itself is 1", () => {
    const loss = total(x);
    expect(values(gradients(loss, [loss])[0])).toEqual([1]);
  });

  it("can be differentiated again", () => {
    const [dx] = gradients(total(ops.exp(ops.mul(x, 2))), [x]) as [Tensor];
    expect(gradientError(total(ops.mul(dx, x)), [x], feeds)).toBeLessThan(1e-7);
  });

  it("visits nothing below the lowest tensor asked for", () => {
    const below = ops.softmax(w);
    const loss = total(ops.mul(ops.matmul(below, ops.reshape(x, [3, 1])), 2));
    const [dx] = gradients(loss, [x]) as [Tensor];
    const forward = new Set(topological([loss]));
    const backward = topological([dx]).filter((tensor) => !forward.has(tensor));
    expect(backward.some(({ shape }) => shape.join() === "2,3")).toBe(false);
  });

  it("passes a primitive without gradient where none is needed, and throws where one is", () => {
    const mask = ops.greater(x, constant(Float32Array.of(0, 0, 0), [3]));
    expect(values(gradients(total(ops.where(mask, x, ops.neg(x))), [x])[0])).toEqual([1, -1, 1]);
    expect(() => gradients(total(ops.mul(mask, x)), [x])).toThrow("greater has no gradient");
  });

  it("takes the gradient of a scalar alone", () => {
    expect(() => gradients(x, [x])).toThrow(RangeError);
  });

  it("is not stopped by depth", () => {
    let y: Tensor = x;
    for (let i = 0; i < 20_000; i++) y = ops.neg(y);
    expect(values(gradients(total(y), [x])[0])).toEqual([1, 1, 1]);
  });
});
