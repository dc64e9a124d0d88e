import type { Attributes, PrimitiveName } from "../../../../../src/engine/backend/onnx/graph/attributes.ts";
import { apply } from "../../../../../src/engine/backend/onnx/graph/ops.ts";
import { type Shape, size } from "../../../../../src/engine/backend/onnx/graph/shape.ts";
import type { DType, Tensor } from "../../../../../src/engine/backend/onnx/graph/tensor.ts";
import type { Codes, Form } from "../../../../../src/engine/model/forms.ts";
import type { OnnxDeviceName } from "../../../../../src/protocol/device.ts";
import type { Random } from "./random.ts";

/** One operand of an example: its shape, and how its elements are drawn. */
export interface Operand {
  readonly shape: Shape;
  readonly dtype: DType;
  /** No gradient flows into it, and the rule must say so. */
  readonly still: boolean;
  readonly draw: (random: Random, count: number) => number[];
}

/** What a primitive is tried with: operands, and the tensor it makes of them. */
export interface Example {
  readonly operands: readonly Operand[];
  readonly build: (operands: readonly Tensor[]) => Tensor;
  /** The device that it is for; both where left out. */
  readonly device?: OnnxDeviceName;
}

function example<P extends PrimitiveName>(
  op: P,
  operands: readonly Operand[],
  attributes: Attributes[P],
): Example {
  return { operands, build: (inputs) => apply(op, inputs, attributes) };
}

function operand(shape: Shape, element: (random: Random) => number, rest: Partial<Operand> = {}): Operand {
  const draw = (random: Random, count: number) => Array.from({ length: count }, () => element(random));
  return { shape, dtype: "float32", still: false, draw, ...rest };
}

const any = (...shape: Shape) => operand(shape, (random) => random.between(-2, 2));
const positive = (...shape: Shape) => operand(shape, (random) => random.between(0.3, 2.5));
/** Both signs, at least 0.2 from zero: clear of kinks and poles. */
const clear = (...shape: Shape) =>
  operand(shape, (random) => random.between(0.2, 2) * (random.below(2) ? 1 : -1));
/** No two elements closer than 0.1: a maximum is one element's own. */
const apart = (...shape: Shape) =>
  operand(shape, () => 0, {
    draw: (random, count) => random.order(count).map((i) => Math.fround(i / 10 - 1)),
  });
const integers = (dtype: "int32" | "int64", end: number, ...shape: Shape) =>
  operand(shape, (random) => random.below(end), { dtype, still: true });
const mask = (...shape: Shape) => operand(shape, (random) => random.below(2), { dtype: "bool", still: true });
const still = (of: Operand): Operand => ({ ...of, still: true });

/** Primitives without attributes. */
type Plain = { [P in PrimitiveName]: Attributes[P] extends Attributes["add"] ? P : never }[PrimitiveName];
const plain = (op: Plain, ...operands: Operand[]): Example => example(op, operands, {});
const unary = (op: Plain, draw: (...shape: Shape) => Operand) => [
  plain(op, draw()),
  plain(op, draw(2, 3, 4)),
];
/** One shape; a scalar on either side; leading, middle and last axes stretched; both sides stretched. */
const binary = (op: Plain, left: (...shape: Shape) => Operand, right: (...shape: Shape) => Operand) =>
  [
    [[], []],
    [
      [2, 3],
      [2, 3],
    ],
    [[], [2, 3]],
    [[2, 3], []],
    [[3], [2, 3]],
    [
      [2, 3, 4],
      [2, 1, 4],
    ],
    [
      [2, 3, 1],
      [2, 3, 4],
    ],
    [
      [2, 1, 4],
      [3, 1],
    ],
  ].map(([a, b]) => plain(op, left(...a), right(...b)));

const reductions = (op: "max" | "sum" | "sumSquare", draw: (...shape: Shape) => Operand): Example[] =>
  [
    { shape: [5], axes: [0] },
    { shape: [2, 3, 4], axes: [2] },
    { shape: [2, 3, 4], axes: [0, 2] },
    { shape: [2, 3, 4], axes: [0, 1, 2] },
  ].flatMap(({ shape, axes }) =>
    [true, false].map((keepDims) => example(op, [draw(...shape)], { axes, keepDims })),
  );

const products = (
  op: "gemm" | "matmul",
  leads: readonly [Shape, Shape][],
  rows: number,
  columns: number,
): Example[] =>
  leads.flatMap(([leadA, leadB]) =>
    [false, true].flatMap((transA) =>
      [false, true].map((transB) =>
        example(
          op,
          [
            any(...leadA, ...(transA ? [3, rows] : [rows, 3])),
            any(...leadB, ...(transB ? [columns, 3] : [3, columns])),
          ],
          { transA, transB, alpha: transA === transB ? 1 : 0.5 },
        ),
      ),
    ),
  );

const rowwise = (op: "softmax" | "logSumExp") => [
  plain(op, any(4)),
  plain(op, any(2, 3, 5)),
  plain(op, any(3, 1)),
];

const bits = (dtype: DType, end: number, ...shape: Shape) =>
  operand(shape, (random) => random.below(end), { dtype, still: true });
const signed = (...shape: Shape) =>
  operand(shape, (random) => random.below(256) - 128, { dtype: "int8", still: true });
/** Bits of halves between 2⁻³ and 2: their sign and all of their fraction, and so much of their exponent. */
const halfBits = (dtype: "float16" | "uint16", exponents: readonly number[], ...shape: Shape) =>
  operand(
    shape,
    (random) => {
      const fraction = dtype === "float16" ? 10 : 7;
      const exponent = exponents[random.below(exponents.length)]!;
      return random.below(2) * 0x8000 + exponent * 2 ** fraction + random.below(2 ** fraction);
    },
    { dtype, still: true },
  );
/** Operands of five rows of 64 numbers in codes. */
const codes = (form: Codes): Operand[] => [
  form.bits === 8 && form.layout === "cpu"
    ? signed(5, 64)
    : bits("uint8", 256, 5, 64 / form.group, (form.group * form.bits) / 8),
  still(positive(5, 64 / form.group)),
  ...(form.minimums ? [still(any(5, 64 / form.group, 1))] : []),
];
const codeForms = ([16, 32] as const).flatMap((group) =>
  ([4, 8] as const).flatMap((width) =>
    [false, true].map((minimums) => ({ kind: "codes", bits: width, group, minimums }) as const),
  ),
);
const ids = () => integers("int32", 5, 7);
const widened = (operands: Operand[], form: Exclude<Form, { kind: "float32" }>): Example[] =>
  [false, true].map((gathered) =>
    example("widen", gathered ? [...operands, ids()] : operands, { ...form, columns: 64, gathered }),
  );

/** What every primitive is tried with; a new primitive without examples does not compile. */
export const cases: { readonly [P in PrimitiveName]: readonly Example[] } = {
  abs: unary("abs", clear),
  add: binary("add", any, any),
  codesProduct: codeForms
    .filter(({ group }) => group === 32)
    .flatMap((form) =>
      [1, 3].map((rows) => ({
        ...example("codesProduct", [any(rows, 64), ...codes({ ...form, layout: "webgpu" })], {
          ...form,
          alpha: rows,
        }),
        device: "webgpu" as const,
      })),
    ),
  concat: [
    example("concat", [any(2, 3), any(2, 1), any(2, 4)], { axis: 1 }),
    example("concat", [any(1, 2, 2), any(3, 2, 2)], { axis: 0 }),
  ],
  detach: [plain("detach", still(any())), plain("detach", still(any(2, 3)))],
  div: binary("div", any, clear),
  exp: unary("exp", any),
  expand: [
    example("expand", [any()], { shape: [2, 3] }),
    example("expand", [any(3)], { shape: [2, 3] }),
    example("expand", [any(2, 1, 4)], { shape: [2, 3, 4] }),
  ],
  gather: [
    plain("gather", any(5, 3), integers("int32", 5, 7)),
    plain("gather", any(4), integers("int32", 4, 2)),
    plain("gather", any(4, 2, 3), integers("int32", 4, 6)),
  ],
  gemm: [
    ...products("gemm", [[[], []]], 2, 4),
    ...products("gemm", [[[], []]], 5, 40),
    ...products("gemm", [[[], []]], 40, 2),
    example("gemm", [any(2, 3), any(3, 4), any(2, 4)], { transA: false, transB: false, alpha: 0.5 }),
    example("gemm", [any(3, 2), any(40, 3), any(2, 40)], { transA: true, transB: true, alpha: 2 }),
  ],
  greater: binary("greater", any, any),
  log: unary("log", positive),
  logSumExp: rowwise("logSumExp"),
  matmul: products(
    "matmul",
    [
      [[], []],
      [[2], [2]],
      [[2, 3], [1]],
      [
        [2, 1],
        [1, 3],
      ],
    ],
    2,
    4,
  ),
  max: reductions("max", apart),
  mul: binary("mul", any, any),
  neg: unary("neg", any),
  pad: [
    example("pad", [any(3)], { axis: 0, before: 2, after: 1 }),
    example("pad", [any(2, 3, 4)], { axis: 1, before: 0, after: 2 }),
  ],
  reciprocal: unary("reciprocal", clear),
  relu: unary("relu", clear),
  reshape: [
    example("reshape", [any(2, 6)], { shape: [3, 2, 2] }),
    example("reshape", [any(1)], { shape: [] }),
    example("reshape", [any()], { shape: [1, 1] }),
  ],
  rmsNorm: [
    example("rmsNorm", [any(3, 8), positive(8)], { epsilon: 1e-5 }),
    example("rmsNorm", [any(2, 3, 4), any(4)], { epsilon: 0.1 }),
  ],
  rotary: [
    example("rotary", [any(2, 3, 16), integers("int64", 6, 2, 3), still(any(6, 4)), still(any(6, 4))], {
      heads: 2,
      dims: 8,
    }),
    example("rotary", [any(1, 5, 48), integers("int64", 6, 1, 5), still(any(6, 4)), still(any(6, 4))], {
      heads: 3,
      dims: 8,
    }),
  ],
  scatterAdd: [
    example("scatterAdd", [any(6, 3), integers("int32", 4, 6)], { rows: 4 }),
    example("scatterAdd", [any(5), integers("int32", 3, 5)], { rows: 3 }),
    example("scatterAdd", [any(3, 2, 2), integers("int32", 7, 3)], { rows: 7 }),
  ],
  sigmoid: unary("sigmoid", any),
  silu: unary("silu", any),
  slice: [
    example("slice", [any(6)], { axis: 0, start: 1, end: 4 }),
    example("slice", [any(2, 5, 3)], { axis: 1, start: 2, end: 5 }),
  ],
  softmax: rowwise("softmax"),
  softplus: unary("softplus", any),
  sqrt: unary("sqrt", positive),
  sub: binary("sub", any, any),
  sum: reductions("sum", any),
  sumSquare: reductions("sumSquare", any),
  tanh: unary("tanh", any),
  transpose: [
    example("transpose", [any(2, 3)], { permutation: [1, 0] }),
    example("transpose", [any(2, 3, 4)], { permutation: [2, 0, 1] }),
  ],
  where: [
    plain("where", mask(2, 3), any(2, 3), any(2, 3)),
    plain("where", mask(3), any(2, 1), any()),
    plain("where", mask(2, 1, 1), any(3, 1), any(4)),
  ],
  widen: [
    ...codeForms.flatMap((form) =>
      (["cpu", "webgpu"] as const).flatMap((layout) =>
        widened(codes({ ...form, layout }), { ...form, layout }).map((each) => ({ ...each, device: layout })),
      ),
    ),
    // SwiftShader has no float16.
    ...[
      ...widened([halfBits("float16", [12, 13, 14, 15], 5, 64)], { kind: "float16", scaled: false }),
      ...widened([halfBits("float16", [12, 13, 14, 15], 5, 64), still(positive(1))], {
        kind: "float16",
        scaled: true,
      }),
      ...widened([halfBits("uint16", [124, 125, 126, 127], 5, 64)], { kind: "bfloat16" }),
    ].map((each) => ({ ...each, device: "cpu" as const })),
  ],
};

/** The elements of an operand, drawn. */
export function drawn(random: Random, { draw, shape }: Operand): number[] {
  return draw(random, size(shape));
}
