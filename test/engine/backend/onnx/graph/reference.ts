import type { Attributes, PrimitiveName } from "../../../../../src/engine/backend/onnx/graph/attributes.ts";
import { type Shape, size } from "../../../../../src/engine/backend/onnx/graph/shape.ts";
import {
  type ComputedTensor,
  type Tensor,
  topological,
} from "../../../../../src/engine/backend/onnx/graph/tensor.ts";
import type { Codes } from "../../../../../src/engine/model/forms.ts";
import { at, build, type Reference } from "./referenceValue.ts";

type Rule<P extends PrimitiveName> = (inputs: readonly Reference[], attributes: Attributes[P]) => Reference;

/** numpy's broadcasting, written once more. */
function stretched(shapes: readonly Shape[]): Shape {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, i) =>
    Math.max(...shapes.map((shape) => shape[i - rank + shape.length] ?? 1)),
  );
}

const elementwise =
  (f: (...elements: number[]) => number) =>
  (inputs: readonly Reference[]): Reference =>
    build(stretched(inputs.map(({ shape }) => shape)), (index) => f(...inputs.map((x) => at(x, index))));

const reduction =
  (start: number, f: (sum: number, x: number) => number) =>
  ([x]: readonly Reference[], { axes, keepDims }: Attributes["sum"]): Reference => {
    const keptShape = x.shape.map((extent, i) => (axes.includes(i) ? 1 : extent));
    const y = build(keptShape, () => start);
    build(x.shape, (index) => {
      const flat = keptShape.reduce((sum, extent, i) => sum * extent + (extent === 1 ? 0 : index[i]), 0);
      y.data[flat] = f(y.data[flat], at(x, index));
      return 0;
    });
    return keepDims ? y : { ...y, shape: x.shape.filter((_, i) => !axes.includes(i)) };
  };

const product = (
  inputs: readonly Reference[],
  { transA, transB, alpha }: Attributes["matmul"],
): Reference => {
  const [a, b, c] = inputs;
  const swapped = (index: readonly number[], row: number, column: number, swap: boolean) => [
    ...index.slice(0, -2),
    ...(swap ? [column, row] : [row, column]),
  ];
  const inner = a.shape.at(transA ? -2 : -1) as number;
  const extents = [a.shape.at(transA ? -1 : -2), b.shape.at(transB ? -2 : -1)] as number[];
  const lead = stretched([a.shape.slice(0, -2), b.shape.slice(0, -2)]);
  return build([...lead, ...extents], (index) => {
    const [i, j] = index.slice(-2);
    let sum = 0;
    for (let k = 0; k < inner; k++) {
      sum += at(a, swapped(index, i, k, transA)) * at(b, swapped(index, k, j, transB));
    }
    return alpha * sum + (c ? at(c, index) : 0);
  });
};

/** The rows of the last axis, each through f. */
function rows(x: Reference, f: (row: Float64Array) => readonly number[], width = x.shape.at(-1)): Reference {
  const extent = x.shape.at(-1) as number;
  const shape = [...x.shape.slice(0, -1), width as number];
  const data = new Float64Array(size(shape));
  for (let i = 0; i < x.data.length / extent; i++) {
    data.set(f(x.data.subarray(i * extent, (i + 1) * extent)), i * (width as number));
  }
  return { shape, data };
}

function logSumExp(row: Float64Array): number {
  const peak = Math.max(...row);
  return peak + Math.log(row.reduce((sum, x) => sum + Math.exp(x - peak), 0));
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** A weight made of its parts, row by row. */
function widenedRows(inputs: readonly Reference[], attributes: Attributes["widen"]): Reference {
  const { columns, gathered } = attributes;
  const [first, second, third] = inputs;
  const ids = gathered ? (inputs.at(-1) as Reference) : null;
  const count = ids ? ids.shape[0] : first.shape[0];
  return build([count, columns], ([row, column]) => {
    const r = ids ? ids.data[row] : row;
    if (attributes.kind === "bfloat16") return floatOf(first.data[r * columns + column], 7, 127);
    if (attributes.kind === "float16") {
      return floatOf(first.data[r * columns + column], 10, 15) * (attributes.scaled ? second.data[0] : 1);
    }
    const { bits, group, layout, minimums } = attributes;
    const groups = columns / group;
    const g = r * groups + Math.floor(column / group);
    const code = codeAt(first.data, r * columns + column, { bits, group, layout, minimums });
    return second.data[g] * code + (minimums ? third.data[g] : 0);
  });
}

/** What an operator of the layout's device takes a code for. */
function codeAt(
  codes: Float64Array,
  index: number,
  { bits, group, layout, minimums }: Pick<Codes, "bits" | "group" | "layout" | "minimums">,
): number {
  if (bits === 8) return codes[index] - (layout === "cpu" ? 0 : 128);
  const within = index % group;
  const start = (index - within) / 2;
  const half = group / 2;
  const [byte, high] =
    layout === "cpu" ? [within % half, within >= half] : [Math.floor(within / 2), within % 2 === 1];
  const both = codes[start + byte];
  const code = high ? Math.floor(both / 16) : both % 16;
  return layout === "cpu" && minimums ? code : code - 8;
}

/** A float by its 16 bits, none of which is zero in its exponent. */
function floatOf(bits: number, fraction: number, bias: number): number {
  const sign = bits >= 0x8000 ? -1 : 1;
  const exponent = Math.floor((bits % 0x8000) / 2 ** fraction) - bias;
  return sign * 2 ** exponent * (1 + (bits % 2 ** fraction) / 2 ** fraction);
}

/** Every primitive once more in float64, as plainly as it can be said; a primitive without one does not compile. */
const reference: { readonly [P in PrimitiveName]: Rule<P> } = {
  abs: elementwise(Math.abs),
  add: elementwise((a, b) => a + b),
  codesProduct: ([x, ...stored], { bits, group, alpha }) => {
    const form = { kind: "codes", bits, group, minimums: stored.length > 2, layout: "webgpu" } as const;
    const w = widenedRows(stored, { ...form, columns: x.shape[1], gathered: false });
    return product([x, w], { transA: false, transB: true, alpha });
  },
  concat: (inputs, { axis }) => {
    const extent = inputs.reduce((sum, { shape }) => sum + shape[axis], 0);
    return build(inputs[0].shape.with(axis, extent), (index) => {
      let [part, offset] = [0, index[axis]];
      while (offset >= inputs[part].shape[axis]) offset -= inputs[part++].shape[axis];
      return at(inputs[part], index.with(axis, offset));
    });
  },
  detach: ([x]) => x,
  div: elementwise((a, b) => a / b),
  exp: elementwise(Math.exp),
  expand: ([x], { shape }) => build(shape, (index) => at(x, index)),
  gather: ([table, indices]) =>
    build([...indices.shape, ...table.shape.slice(1)], (index) => {
      const rank = indices.shape.length;
      return at(table, [at(indices, index.slice(0, rank)), ...index.slice(rank)]);
    }),
  gemm: product,
  greater: elementwise((a, b) => Number(a > b)),
  log: elementwise(Math.log),
  logSumExp: ([x]) => rows(x, (row) => [logSumExp(row)], 1),
  matmul: product,
  max: reduction(Number.NEGATIVE_INFINITY, Math.max),
  mul: elementwise((a, b) => a * b),
  neg: elementwise((x) => -x),
  pad: ([x], { axis, before, after }) =>
    build(x.shape.with(axis, before + x.shape[axis] + after), (index) => {
      const i = index[axis] - before;
      return i >= 0 && i < x.shape[axis] ? at(x, index.with(axis, i)) : 0;
    }),
  reciprocal: elementwise((x) => 1 / x),
  relu: elementwise((x) => Math.max(x, 0)),
  reshape: ([x], { shape }) => ({ shape, data: x.data }),
  rmsNorm: ([x, w], { epsilon }) =>
    rows(x, (row) => {
      const meanSquare = row.reduce((sum, e) => sum + e * e, 0) / row.length;
      return Array.from(row, (e, i) => (w.data[i] * e) / Math.sqrt(meanSquare + epsilon));
    }),
  rotary: ([x, positions, cos, sin], { heads, dims }) => {
    const headDim = x.shape[2] / heads;
    return build(x.shape, ([b, t, c]) => {
      const [j, half] = [c % headDim, dims / 2];
      if (j >= dims) return at(x, [b, t, c]);
      const angle = [at(positions, [b, t]), j % half];
      const partner = at(x, [b, t, j < half ? c + half : c - half]);
      return at(x, [b, t, c]) * at(cos, angle) + (j < half ? -1 : 1) * partner * at(sin, angle);
    });
  },
  scatterAdd: ([x, indices], { rows: extent }) => {
    const y = build([extent, ...x.shape.slice(1)], () => 0);
    const width = size(x.shape.slice(1));
    x.data.forEach((element, i) => {
      y.data[indices.data[Math.floor(i / width)] * width + (i % width)] += element;
    });
    return y;
  },
  sigmoid: elementwise(sigmoid),
  silu: elementwise((x) => x * sigmoid(x)),
  slice: ([x], { axis, start, end }) =>
    build(x.shape.with(axis, end - start), (index) => at(x, index.with(axis, index[axis] + start))),
  softmax: ([x]) =>
    rows(x, (row) => {
      const lse = logSumExp(row);
      return Array.from(row, (e) => Math.exp(e - lse));
    }),
  softplus: elementwise((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  sqrt: elementwise(Math.sqrt),
  sub: elementwise((a, b) => a - b),
  sum: reduction(0, (sum, x) => sum + x),
  sumSquare: reduction(0, (sum, x) => sum + x * x),
  tanh: elementwise(Math.tanh),
  transpose: ([x], { permutation }) =>
    build(
      permutation.map((axis) => x.shape[axis]),
      (index) => {
        const source = index.slice();
        permutation.forEach((axis, i) => {
          source[axis] = index[i];
        });
        return at(x, source);
      },
    ),
  where: elementwise((mask, a, b) => (mask ? a : b)),
  widen: widenedRows,
};

/** The values of `outputs`, computed node by node. Feeds by name. */
export function evaluate(
  outputs: readonly Tensor[],
  feeds: Readonly<Record<string, Reference>>,
): Reference[] {
  const values = new Map<Tensor, Reference>();
  for (const tensor of topological(outputs)) values.set(tensor, value(tensor));
  return outputs.map((tensor) => values.get(tensor) as Reference);

  function value(tensor: Tensor): Reference {
    if (tensor.op === "constant") {
      return { shape: tensor.shape, data: Float64Array.from(tensor.data, Number) };
    }
    if (tensor.op === "input") {
      const fed = feeds[tensor.name];
      if (!fed) throw new Error(`"${tensor.name}" was not fed`);
      return fed;
    }
    const rule = reference[tensor.op] as Rule<PrimitiveName>;
    const { inputs, attributes } = tensor as ComputedTensor;
    return rule(
      inputs.map((operand) => values.get(operand) as Reference),
      attributes as never,
    );
  }
}
