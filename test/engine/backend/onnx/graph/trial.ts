import { gradients } from "../../../../../src/engine/backend/onnx/graph/autodiff.ts";
import { ops } from "../../../../../src/engine/backend/onnx/graph/ops.ts";
import {
  type InputTensor,
  input,
  type Tensor,
  topological,
} from "../../../../../src/engine/backend/onnx/graph/tensor.ts";
import type { Device } from "../../../../../src/engine/backend/onnx/runtime/device.ts";
import { type HostData, Value } from "../../../../../src/engine/backend/onnx/runtime/value.ts";
import { drawn, type Example } from "./cases.ts";
import type { Random } from "./random.ts";
import { evaluate } from "./reference.ts";
import { build, type Reference } from "./referenceValue.ts";

/** Values by the names of the inputs they are fed to. */
export type References = Readonly<Record<string, Reference>>;

/** An example set up: y of its inputs, and the projection of y on a random cotangent, a scalar to differentiate. */
export interface Trial {
  readonly y: Tensor;
  readonly projection: Tensor;
  /** The operands a gradient is wanted for, and those that have none. */
  readonly moving: readonly InputTensor[];
  readonly still: readonly InputTensor[];
  readonly feeds: References;
}

/** Draws an example's operands and a cotangent. */
export function trial(example: Example, random: Random): Trial {
  const inputs = example.operands.map(({ shape, dtype }, i) => input(`x${i}`, shape, dtype));
  const y = example.build(inputs);
  const cotangent = input("cotangent", y.shape);
  const feeds = Object.fromEntries([
    ...example.operands.map((operand, i): [string, Reference] => [
      `x${i}`,
      { shape: operand.shape, data: Float64Array.from(drawn(random, operand)) },
    ]),
    ["cotangent", build(y.shape, () => random.between(-1, 1))],
  ]);
  return {
    y,
    projection: ops.sum(ops.mul(y, cotangent), [...y.shape.keys()]),
    moving: inputs.filter((_, i) => !example.operands[i].still),
    still: inputs.filter((_, i) => example.operands[i].still),
    feeds,
  };
}

/** Largest difference over largest element expected, or over 1 if that is less. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  const pairs = Array.from(expected, (e, i) => [actual[i], e]);
  const scale = Math.max(1, ...pairs.map(([, e]) => Math.abs(e)));
  const differences = pairs.map(([a, e]) => (a === e ? 0 : Math.abs(a - e)));
  return differences.some(Number.isNaN) ? Number.POSITIVE_INFINITY : Math.max(0, ...differences) / scale;
}

/** ∂loss/∂x for one fed input, by central differences in float64. */
function centralDifferences(loss: Tensor, x: InputTensor, feeds: References): Reference {
  const step = 1e-5;
  const moved = (index: number, by: number) => {
    const data = feeds[x.name].data.slice();
    data[index] += by;
    return evaluate([loss], { ...feeds, [x.name]: { shape: x.shape, data } })[0].data[0];
  };
  const indices = build(x.shape, () => 0);
  return {
    shape: x.shape,
    data: indices.data.map((_, i) => (moved(i, step) - moved(i, -step)) / (2 * step)),
  };
}

/**
 * How far gradient tensors are from central differences: the largest relative error over all of `wrt`, infinite where
 * a gradient is missing or has the wrong shape.
 */
export function gradientError(
  loss: Tensor,
  wrt: readonly InputTensor[],
  feeds: References,
  found: readonly (Tensor | null)[] = gradients(loss, wrt),
): number {
  const errors = wrt.map((x, i) => {
    const gradient = found[i];
    if (!gradient || gradient.shape.join() !== x.shape.join()) return Number.POSITIVE_INFINITY;
    return relativeError(evaluate([gradient], feeds)[0].data, centralDifferences(loss, x, feeds).data);
  });
  return Math.max(0, ...errors);
}

/** A float64 value in the element type of the input it is fed to. */
function fed(x: InputTensor, { data }: Reference): Value {
  const host: HostData =
    x.dtype === "int64"
      ? BigInt64Array.from(data, (e) => BigInt(e))
      : x.dtype === "int32"
        ? Int32Array.from(data)
        : x.dtype === "bool"
          ? Uint8Array.from(data)
          : x.dtype === "int8"
            ? Int8Array.from(data)
            : x.dtype === "uint8"
              ? Uint8Array.from(data)
              : x.dtype === "float16" || x.dtype === "uint16"
                ? Uint16Array.from(data)
                : Float32Array.from(data);
  return Value.of(host, x.shape, x.dtype);
}

/** Largest relative error of what onnxruntime makes of `outputs` against the reference evaluator. */
export async function runtimeError(
  device: Device,
  outputs: readonly Tensor[],
  feeds: References,
): Promise<number> {
  const expected = evaluate(outputs, feeds);
  const program = await device.compile(Object.fromEntries(outputs.map((tensor, i) => [`y${i}`, tensor])));
  const inputs = topological(outputs).filter((tensor): tensor is InputTensor => tensor.op === "input");
  const results = await program.run(Object.fromEntries(inputs.map((x) => [x.name, fed(x, feeds[x.name])])));
  await program.dispose();
  return Math.max(
    ...expected.map(({ shape, data }, i) => {
      const { shape: found, data: elements } = results[`y${i}`];
      return found.join() === shape.join() ? relativeError(elements, data) : Number.POSITIVE_INFINITY;
    }),
  );
}
