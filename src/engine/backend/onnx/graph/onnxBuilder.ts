import type { AttributeMessage, NodeMessage, TensorMessage } from "./onnxMessages.ts";
import { type ConstantTensor, constant, type DType } from "./tensor.ts";

/** ONNX's numbers for element types. */
export const elementTypes: Record<DType, number> = {
  float32: 1,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  uint16: 4,
  int8: 3,
  uint8: 2,
};

/** An attribute of a node: an integer, a list of integers, a string, or a float, which must say that it is one. */
export type OnnxAttribute = number | readonly number[] | string | { float: number };

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
  private readonly bytes = new Map<number, string>();
  private opset = 18;
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

  /** The version of ONNX's operators that the graph is written for: 18, unless something in it needs a newer one. */
  get version(): number {
    return this.opset;
  }

  /** Says that the graph needs a version of ONNX's operators. */
  needs(version: number): void {
    this.opset = Math.max(this.opset, version);
  }

  /** A uint8 scalar as initialiser, shared by all who ask for the same value. */
  byte(value: number): string {
    const known = this.bytes.get(value);
    if (known) return known;
    const name = `c${this.initializers.length}`;
    this.initializers.push({ name, data_type: elementTypes.uint8, dims: [], raw_data: Uint8Array.of(value) });
    this.bytes.set(value, name);
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

/** ONNX numbers the kinds of attribute: 1 float, 2 int, 3 string, 7 ints. */
function attribute(name: string, value: OnnxAttribute): AttributeMessage {
  if (typeof value === "number") return { name, type: 2, i: value };
  if (typeof value === "string") return { name, type: 3, s: new TextEncoder().encode(value) };
  if ("float" in value) return { name, type: 1, f: value.float };
  return { name, type: 7, ints: [...value] };
}
