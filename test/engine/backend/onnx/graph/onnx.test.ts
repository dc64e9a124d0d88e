import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { toOnnx } from "../../../../../src/engine/backend/onnx/graph/onnx.ts";
import { ops } from "../../../../../src/engine/backend/onnx/graph/ops.ts";
import { constant, input, scalar } from "../../../../../src/engine/backend/onnx/graph/tensor.ts";

const x = input("x", [2, 3]);

describe("toOnnx", () => {
  it("is an ONNX model that onnxruntime reads, with the names, types and shapes we gave", async () => {
    const ids = input("ids", [2], "int32");
    const { model, inputs, outputs } = toOnnx({ y: ops.gather(x, ids), mask: ops.greater(x, 0) });
    expect(inputs.map(({ name }) => name)).toEqual(["x", "ids"]);
    expect(outputs).toEqual([
      { name: "y", shape: [2, 3], dtype: "float32" },
      { name: "mask", shape: [2, 3], dtype: "bool" },
    ]);
    const session = await InferenceSession.create(model);
    expect(session.inputMetadata).toMatchObject([
      { name: "x", type: "float32", shape: [2, 3] },
      { name: "ids", type: "int32", shape: [2] },
    ]);
    const { y, mask } = await session.run({
      x: new OrtTensor("float32", Float32Array.of(1, -2, 3, -4, 5, -6), [2, 3]),
      ids: new OrtTensor("int32", Int32Array.of(1, 0), [2]),
    });
    expect(Array.from(y.data as Float32Array)).toEqual([-4, 5, -6, 1, -2, 3]);
    expect(Array.from(mask.data as Uint8Array)).toEqual([1, 0, 1, 0, 1, 0]);
    await session.release();
  });

  it("is the same, byte for byte, for the same graph", () => {
    const make = () => toOnnx({ y: ops.softmax(ops.mul(x, 0.5)) }).model;
    expect(Buffer.compare(make(), make())).toBe(0);
  });

  it("leaves out what no output needs", () => {
    const unread = input("unread", [2, 3]);
    ops.add(x, unread);
    expect(toOnnx({ y: ops.exp(x) }).inputs.map(({ name }) => name)).toEqual(["x"]);
  });

  it("carries an input straight through, and one tensor under two names", async () => {
    const y = ops.neg(x);
    const session = await InferenceSession.create(toOnnx({ same: x, y, again: y }).model);
    const data = Float32Array.of(1, 2, 3, 4, 5, 6);
    const results = await session.run({ x: new OrtTensor("float32", data, [2, 3]) });
    expect(Array.from(results.same.data as Float32Array)).toEqual(Array.from(data));
    expect(results.y.data).toEqual(results.again.data);
    await session.release();
  });

  it("holds constants of every element type, views of a larger buffer too", async () => {
    const view = new Float32Array([9, 1, 2, 9]).subarray(1, 3);
    const outputs = {
      float: ops.reshape(constant(view, [2]), [1, 2]),
      int32: ops.reshape(constant(Int32Array.of(-7, 8), [2]), [1, 2]),
      int64: ops.reshape(constant(BigInt64Array.of(-(2n ** 40n)), [1]), [1, 1]),
      bool: ops.reshape(constant(Uint8Array.of(1, 0), [2]), [1, 2]),
      scalar: ops.neg(scalar(0.1)),
    };
    const session = await InferenceSession.create(toOnnx(outputs).model);
    const results = await session.run({});
    expect(Object.values(results).map(({ data, dims }) => [Array.from(data as Float32Array), dims])).toEqual([
      [
        [1, 2],
        [1, 2],
      ],
      [
        [-7, 8],
        [1, 2],
      ],
      [[-(2n ** 40n)], [1, 1]],
      [
        [1, 0],
        [1, 2],
      ],
      [[-Math.fround(0.1)], []],
    ]);
    await session.release();
  });

  it("refuses two inputs of one name, and one input twice is one", () => {
    expect(() => toOnnx({ y: ops.add(x, input("x", [2, 3])) })).toThrow("two inputs are named x");
    expect(toOnnx({ y: ops.add(x, x) }).inputs).toHaveLength(1);
  });
});
