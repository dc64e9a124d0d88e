import {
  type AttributeMessage,
  encodeModel,
  type NodeMessage,
  type TensorMessage,
  type ValueInfoMessage,
} from "./onnxMessages.ts";
import type { Attributes, Primitive } from "./primitive.ts";
import { primitives } from "./primitives.ts";
import { type ConstantTensor, constant, type DType, type Tensor, topological } from "./tensor.ts";

/** ONNX's numbers for element types. */
const elementTypes: Record<DType, number> = { float32: 1, int32: 6, int64: 7, bool: 9 };

/** An attribute of a node: an integer, a list of integers, a string, or a float, which must say that it is one. */
export type OnnxAttribute = number | readonly number[] | string | { float: number };

/** What a graph feeds and fetches, beside its encoded form. */
export interface OnnxGraph {
  readonly model: Uint8Array;
  readonly inputs: readonly { name: string; shape: readonly number[]; dtype: DType }[];
  readonly outputs: readonly { name: string; shape: readonly number[]; dtype: DType }[];
}

/**
 * Whose kernels a graph is written for. Some of onnxruntime's own operators exist on the CPU only; one such node would
 * bring its operands back from the GPU.
 */
export type GraphTarget = "cpu" | "webgpu";

/** Collects the nodes and initialisers of one ONNX graph. Primitives write themselves through it. */
export class OnnxBuilder {
  readonly target: GraphTarget;
  readonly nodes: NodeMessage[] = [];
  readonly initializers: TensorMessage[] = [];
  private readonly int64s = new Map<string, string>();
  private count = 0;

  constructor(target: GraphTarget) {
    this.target = target;
  }

  /** Adds a node with one result and returns the name of both. An absent operand is "". */
  node(
    operator: string,
    inputs: readonly string[],
    attributes: Record<string, OnnxAttribute> = {},
    domain = "",
  ): string {
    const name = `v${this.count++}`;
    this.nodes.push({
      name,
      op_type: operator,
      domain,
      input: [...inputs],
      output: [name],
      attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
    });
    return name;
  }

  /** A one-dimensional int64 initialiser, shared by all who ask for the same values. */
  int64(values: readonly number[]): string {
    const key = values.join(",");
    const known = this.int64s.get(key);
    if (known) return known;
    const name = this.constant(constant(BigInt64Array.from(values.map(BigInt)), [values.length]));
    this.int64s.set(key, name);
    return name;
  }

  /** An initialiser that holds a constant tensor. */
  constant({ data, shape, dtype }: ConstantTensor): string {
    const name = `c${this.initializers.length}`;
    const raw_data = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.initializers.push({ name, data_type: elementTypes[dtype], dims: [...shape], raw_data });
    return name;
  }
}

/**
 * Encodes the graph that computes `outputs` as an ONNX model (opset 18, with onnxruntime's own operators where
 * they save passes over memory). Inputs are found by walking the graph; only those that are used appear.
 *
 * @throws Error when two different inputs share a name.
 */
export function toOnnx(outputs: Readonly<Record<string, Tensor>>, target: GraphTarget = "cpu"): OnnxGraph {
  const builder = new OnnxBuilder(target);
  const names = new Map<Tensor, string>();
  const inputs: { name: string; shape: readonly number[]; dtype: DType }[] = [];
  for (const tensor of topological(Object.values(outputs))) {
    if (tensor.op === "input") {
      if (inputs.some(({ name }) => name === tensor.name))
        throw new Error(`two inputs are named ${tensor.name}`);
      inputs.push(tensor);
      names.set(tensor, tensor.name);
    } else if (tensor.op === "constant") {
      names.set(tensor, builder.constant(tensor));
    } else {
      const { onnx } = primitives[tensor.op] as Primitive<Attributes[typeof tensor.op]>;
      const operands = tensor.inputs.map((operand) => names.get(operand) as string);
      names.set(tensor, onnx(builder, operands, tensor.attributes as never, tensor));
    }
  }
  const results = Object.entries(outputs).map(([name, tensor]) => {
    // An output needs a node of its own: it may be an input, or fetched under two names.
    builder.nodes.push({
      name: "",
      op_type: "Identity",
      domain: "",
      input: [names.get(tensor) as string],
      output: [name],
      attribute: [],
    });
    return { name, shape: tensor.shape, dtype: tensor.dtype };
  });
  const model = encodeModel({
    ir_version: 8,
    producer_name: "discern",
    graph: {
      name: "discern",
      node: builder.nodes,
      initializer: builder.initializers,
      input: inputs.map(valueInfo),
      output: results.map(valueInfo),
    },
    opset_import: [
      { domain: "", version: 18 },
      { domain: "com.microsoft", version: 1 },
    ],
  });
  return { model, inputs, outputs: results };
}

function valueInfo(value: { name: string; shape: readonly number[]; dtype: DType }): ValueInfoMessage {
  const dim = value.shape.map((extent) => ({ dim_value: extent }));
  return {
    name: value.name,
    type: { tensor_type: { elem_type: elementTypes[value.dtype], shape: { dim } } },
  };
}

/** ONNX numbers the kinds of attribute: 1 float, 2 int, 3 string, 7 ints. */
function attribute(name: string, value: OnnxAttribute): AttributeMessage {
  if (typeof value === "number") return { name, type: 2, i: value };
  if (typeof value === "string") return { name, type: 3, s: new TextEncoder().encode(value) };
  if ("float" in value) return { name, type: 1, f: value.float };
  return { name, type: 7, ints: [...value] };
}
