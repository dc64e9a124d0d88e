import { beforeAll, describe, expect, it } from "vitest";
import type { PrimitiveName } from "../../../../../src/engine/backend/onnx/graph/attributes.ts";
import { gradients } from "../../../../../src/engine/backend/onnx/graph/autodiff.ts";
import { ops } from "../../../../../src/engine/backend/onnx/graph/ops.ts";
import { primitives } from "../../../../../src/engine/backend/onnx/graph/primitives.ts";
import { input, type Tensor } from "../../../../../src/engine/backend/onnx/graph/tensor.ts";
import { Device } from "../../../../../src/engine/backend/onnx/runtime/device.ts";
import { cases } from "./cases.ts";
import { Random } from "./random.ts";
import { evaluate } from "./reference.ts";
import { gradientError, relativeError, runtimeError, trial } from "./trial.ts";

const random = new Random();
const seed = `DISCERN_TEST_SEED=${random.seed}`;

let cpu: Device;
beforeAll(async () => {
  cpu = await Device.open("cpu", { threads: 1 });
});

const names = Object.keys(primitives) as PrimitiveName[];

describe.each(names)("%s", (name) => {
  const differentiable = primitives[name].vjp !== null;

  it.each(cases[name].map((example, i) => ({ i, example })))("example $i", async ({ example }) => {
    const { y, projection, moving, still, feeds } = trial(example, random);
    expect(y.op).toBe(name);

    const [value] = evaluate([y], feeds);
    expect(y.shape, "shape rule against evaluator").toEqual(value.shape);
    expect(await runtimeError(cpu, [y], feeds), `onnxruntime against evaluator, ${seed}`).toBeLessThan(1e-5);

    if (!differentiable) {
      expect(() => gradients(projection, moving)).toThrow(/has no gradient/);
      return;
    }
    expect(gradients(projection, still).every((gradient) => gradient === null)).toBe(true);
    expect(gradientError(projection, moving, feeds), `gradient rule, ${seed}`).toBeLessThan(1e-6);
    const found = gradients(projection, moving).filter((gradient) => gradient !== null);
    if (found.length === 0) return;
    expect(await runtimeError(cpu, found, feeds), `gradient on onnxruntime, ${seed}`).toBeLessThan(1e-5);
  });
});

describe("the checks themselves", () => {
  const x = input("x", [3]);
  const feeds = { x: { shape: [3], data: Float64Array.of(0.5, -1, 2) } };
  const loss = ops.sum(ops.tanh(x), [0]);
  const [right] = gradients(loss, [x]) as [Tensor];

  it("a right gradient passes", () => {
    expect(gradientError(loss, [x], feeds, [right])).toBeLessThan(1e-6);
  });

  it.each([
    ["a factor off by a thousandth", ops.mul(right, 1.001)],
    ["the wrong sign", ops.neg(right)],
    ["one element off", ops.add(right, ops.where(ops.greater(x, 1), 1e-4, 0))],
    ["a gradient left unsummed", ops.expand(right, [2, 3])],
    ["not a number", ops.log(x)],
    ["no gradient", null],
  ])("%s is caught", (_, wrong) => {
    expect(gradientError(loss, [x], feeds, [wrong])).toBeGreaterThan(1e-6);
  });

  it("a kernel that disagrees is caught, one that agrees is not", async () => {
    expect(await runtimeError(cpu, [ops.tanh(x)], feeds)).toBeLessThan(1e-5);
    const shifted = evaluate([ops.add(ops.tanh(x), 1e-4)], feeds)[0].data;
    expect(relativeError(evaluate([ops.tanh(x)], feeds)[0].data, shifted)).toBeGreaterThan(1e-5);
  });

  it("nothing that is not a number, and no other count, passes for equal", () => {
    expect(relativeError([1, 2], [1, Number.NaN])).toBe(Number.POSITIVE_INFINITY);
    expect(relativeError([Number.NaN, 2], [1, 2])).toBe(Number.POSITIVE_INFINITY);
    expect(relativeError([1, 2], [1])).toBe(Number.POSITIVE_INFINITY);
  });
});
