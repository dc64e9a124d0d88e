import type { Attributes } from "./attributes.ts";
import { elementTypes, type GraphTarget, OnnxBuilder } from "./onnxBuilder.ts";
import { encodeModel, type NodeMessage, type ValueInfoMessage } from "./onnxMessages.ts";
import type { Primitive } from "./primitive.ts";
import { primitives } from "./primitives.ts";
import { type DType, type Tensor, topological } from "./tensor.ts";

/** What a graph feeds and fetches, beside its encoded form. */
export interface OnnxGraph {
  readonly model: Uint8Array;
  /** Whether stored weights are widened in it. */
  readonly widens: boolean;
  readonly inputs: readonly { name: string; shape: readonly number[]; dtype: DType }[];
  readonly outputs: readonly { name: string; shape: readonly number[]; dtype: DType }[];
}

/**
 * Encodes the graph that computes `outputs` as an ONNX model (opset 18 unless stored weights need a newer one, with
 * onnxruntime's own operators where they save passes over memory). Inputs are found by walking the graph; only those that are
 * used appear.
 *
 * @throws Error when two different inputs share a name.
 */
export function toOnnx(outputs: Readonly<Record<string, Tensor>>, target: GraphTarget = "cpu"): OnnxGraph {
  const builder = new OnnxBuilder(target);
  const names = new Map<Tensor, string>();
  const inputs: { name: string; shape: readonly number[]; dtype: DType }[] = [];
  // onnxruntime runs nodes depth first from the outputs and, of a node's operands, the one declared last first. What is declared
  // before all else is so computed right before its reader: a weight is widened no earlier than it is needed.
  const widening: NodeMessage[] = [];
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
      const before = builder.nodes.length;
      names.set(tensor, onnx(builder, operands, tensor.attributes as never, tensor));
      if (tensor.op === "widen") for (const node of builder.nodes.splice(before)) widening.push(node);
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
    ir_version: builder.version > 18 ? 10 : 8,
    producer_name: "discern",
    graph: {
      name: "discern",
      node: [...widening, ...builder.nodes],
      initializer: builder.initializers,
      input: inputs.map(valueInfo),
      output: results.map(valueInfo),
    },
    opset_import: [
      { domain: "", version: builder.version },
      { domain: "com.microsoft", version: 1 },
    ],
  });
  return { model, inputs, outputs: results, widens: widening.length > 0 };
}

function valueInfo(value: { name: string; shape: readonly number[]; dtype: DType }): ValueInfoMessage {
  const dim = value.shape.map((extent) => ({ dim_value: extent }));
  return {
    name: value.name,
    type: { tensor_type: { elem_type: elementTypes[value.dtype], shape: { dim } } },
  };
}
