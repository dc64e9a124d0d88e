import { type Tensor, topological } from "./tensor.ts";

/**
 * The graph as text, one line a tensor, for reading and for tests:
 *
 *     %2: float32[8, 4] = gemm(%0, %1) {transB: true, alpha: 1}
 */
export function print(outputs: Readonly<Record<string, Tensor>>): string {
  const order = topological(Object.values(outputs));
  const names = new Map(order.map((tensor, i) => [tensor, `%${i}`]));
  const lines = order.map(
    (tensor) => `${names.get(tensor)}: ${tensor.dtype}[${tensor.shape.join(", ")}] = ${made(tensor)}`,
  );
  const results = Object.entries(outputs).map(([name, tensor]) => `${name} = ${names.get(tensor)}`);
  return [...lines, `return ${results.join(", ")}`].join("\n");

  function made(tensor: Tensor): string {
    if (tensor.op === "input") return `input "${tensor.name}"`;
    if (tensor.op === "constant") {
      const shown = Array.from(tensor.data.subarray(0, 4), String).join(", ");
      return `constant ${shown}${tensor.data.length > 4 ? ", …" : ""}`;
    }
    const operands = tensor.inputs.map((operand) => names.get(operand)).join(", ");
    const attributes = Object.entries(tensor.attributes).filter(([, value]) => value !== false);
    const shown = attributes.map(
      ([key, value]) => `${key}: ${Array.isArray(value) ? `[${value.join(", ")}]` : value}`,
    );
    return `${tensor.op}(${operands})${shown.length ? ` {${shown.join(", ")}}` : ""}`;
  }
}
