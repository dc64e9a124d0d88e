/**
 * The room of graphs, in pure TypeScript: it knows no onnxruntime, no model and no device. A graph is the set of tensors behind
 * its outputs; a tensor is a fed input, a constant, or what a primitive makes of other tensors, and its shape is known when it is
 * made. A primitive is one entry of one table (`primitives.ts`): shape rule, gradient written in the same operations, ONNX node.
 * So differentiating (`autodiff.ts`) and rewriting (`fold.ts`) take graphs to graphs, and `onnx.ts` writes the result down for
 * the kernels of a target. Everything static is decided here, once, so that running is a plain call.
 */
import type { Attributes, PrimitiveName } from "./attributes.ts";
import { type Shape, size } from "./shape.ts";

/**
 * Element types that occur in our graphs. `int64` is for positions alone: onnxruntime's rotary kernel wants it. The last four are
 * those of stored weights, which are only fed; bfloat16 numbers are fed as the `uint16` that holds them.
 */
export type DType = "float32" | "int32" | "int64" | "bool" | "float16" | "uint16" | "int8" | "uint8";

/**
 * A value in the graph: a fed input, a constant, or what a primitive makes of other values. Tensors are immutable
 * and hold their producers, so a set of outputs is the whole graph.
 */
export type Tensor = InputTensor | ConstantTensor | ComputedTensor;

interface TensorBase {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** A value the caller feeds at every run: a batch, a weight, the state of the optimiser. */
export interface InputTensor extends TensorBase {
  readonly op: "input";
  readonly name: string;
}

/** A value baked into the graph: a mask, the rotary tables, a number. */
export interface ConstantTensor extends TensorBase {
  readonly op: "constant";
  readonly data: Float32Array | Int32Array | BigInt64Array | Uint8Array;
}

/** The result of one primitive. */
export interface ComputedTensor<P extends PrimitiveName = PrimitiveName> extends TensorBase {
  readonly op: P;
  readonly inputs: readonly Tensor[];
  readonly attributes: Attributes[P];
}

/** Declares a value that is fed at every run under `name`. */
export function input(name: string, shape: Shape, dtype: DType = "float32"): InputTensor {
  return { op: "input", name, shape, dtype };
}

/** A number as a float32 scalar (shape []). */
export function scalar(value: number): ConstantTensor {
  return { op: "constant", shape: [], dtype: "float32", data: Float32Array.of(value) };
}

/**
 * A constant with the given elements in row-major order.
 *
 * @throws RangeError when the number of elements does not fit the shape.
 */
export function constant(data: ConstantTensor["data"], shape: Shape): ConstantTensor {
  if (data.length !== size(shape)) {
    throw new RangeError(`constant: ${data.length} elements do not fill shape [${shape.join(", ")}]`);
  }
  return { op: "constant", shape, dtype: dtypeOf(data), data };
}

function dtypeOf(data: ConstantTensor["data"]): DType {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Int32Array) return "int32";
  return data instanceof BigInt64Array ? "int64" : "bool";
}

/** The producers of a tensor; none for inputs and constants. */
export function producers(tensor: Tensor): readonly Tensor[] {
  return tensor.op === "input" || tensor.op === "constant" ? [] : tensor.inputs;
}

/** All tensors that `outputs` need, each after its producers. Iterative: a 30-layer step is tens of thousands deep. */
export function topological(outputs: readonly Tensor[]): Tensor[] {
  const order: Tensor[] = [];
  const seen = new Set<Tensor>();
  const stack: { tensor: Tensor; next: number }[] = [];
  for (const output of outputs) {
    if (seen.has(output)) continue;
    seen.add(output);
    stack.push({ tensor: output, next: 0 });
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const producer = producers(top.tensor)[top.next++];
      if (producer === undefined) {
        order.push(top.tensor);
        stack.pop();
      } else if (!seen.has(producer)) {
        seen.add(producer);
        stack.push({ tensor: producer, next: 0 });
      }
    }
  }
  return order;
}
