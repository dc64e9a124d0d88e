import type { Attributes } from "../attributes.ts";
import { broadcastShapes } from "../broadcast.ts";
import type { Primitive } from "../primitive.ts";
import { sameShape } from "../shape.ts";
import { scalar, type Tensor } from "../tensor.ts";

type Product = Attributes["gemm"];

/** Extents (M, K) of an operand's last two axes as the product sees them. */
function oriented({ shape }: Tensor, transposed: boolean): [number, number] {
  const [rows, columns] = shape.slice(-2);
  return transposed ? [columns, rows] : [rows, columns];
}

function productShape(name: string, a: Tensor, b: Tensor, { transA, transB }: Product): [number, number] {
  const [m, k] = oriented(a, transA);
  const [k2, n] = oriented(b, transB);
  if (k !== k2) {
    throw new RangeError(
      `${name}: [${a.shape.join(", ")}]${transA ? "ᵀ" : ""} · [${b.shape.join(", ")}]${transB ? "ᵀ" : ""} do not chain`,
    );
  }
  return [m, n];
}

/**
 * The two cotangents of y = α·op(a)·op(b), where op transposes or not. They are products again, with the
 * transposes moved about, so no transpose is ever carried out.
 */
function productGradients(
  product: (a: Tensor, b: Tensor, attributes: Product) => Tensor,
  [a, b]: readonly Tensor[],
  dy: Tensor,
  { transA, transB, alpha }: Product,
): [Tensor, Tensor] {
  const da = transA
    ? product(b, dy, { transA: transB, transB: true, alpha })
    : product(dy, b, { transA: false, transB: !transB, alpha });
  const db = transB
    ? product(dy, a, { transA: true, transB: transA, alpha })
    : product(a, dy, { transA: !transA, transB: false, alpha });
  return [da, db];
}

/**
 * y[M,N] = α·op(a)·op(b) (+ c[M,N]). The third operand is never written by hand: `fold.ts` puts a following
 * addition there, so that adding costs no pass of its own.
 */
export const gemm: Primitive<Product> = {
  shape: ([a, b, c], attributes) => {
    if (a.shape.length !== 2 || b.shape.length !== 2) throw new RangeError("gemm: operands must be matrices");
    const shape = productShape("gemm", a, b, attributes);
    if (c && !sameShape(c.shape, shape)) throw new RangeError(`gemm: c is [${c.shape.join(", ")}]`);
    return { shape, dtype: a.dtype };
  },
  vjp: ({ inputs, dy, attributes, ops }) => [
    ...productGradients(ops.gemm, inputs, dy, attributes),
    ...(inputs.length > 2 ? [dy] : []),
  ],
  onnx: (builder, inputs, { transA, transB, alpha }) =>
    builder.node("Gemm", inputs, { transA: Number(transA), transB: Number(transB), alpha: { float: alpha } }),
};

/** The permutation that exchanges the last two of `rank` axes. */
const exchanged = (rank: number) => [...Array(rank - 2).keys(), rank - 1, rank - 2];

/**
 * y[…,M,N] = α·op(a[…])·op(b[…]), leading axes broadcast.
 *
 * On the CPU one FusedMatMul reads transposed operands as they lie. WebGPU has no kernel for it, so there the
 * transposes and the factor are nodes of their own.
 */
export const matmul: Primitive<Product> = {
  shape: ([a, b], attributes) => ({
    shape: [
      ...broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2)),
      ...productShape("matmul", a, b, attributes),
    ],
    dtype: a.dtype,
  }),
  vjp: ({ inputs, dy, attributes, ops }) => productGradients(ops.matmul, inputs, dy, attributes),
  onnx: (builder, [a, b], { transA, transB, alpha }, { inputs: [left, right] }) => {
    if (!transA && !transB && alpha === 1) return builder.node("MatMul", [a, b]);
    if (builder.target === "cpu") {
      const attributes = { transA: Number(transA), transB: Number(transB), alpha: { float: alpha } };
      return builder.node("FusedMatMul", [a, b], attributes, "com.microsoft");
    }
    const turn = (name: string, operand: Tensor, transposed: boolean) =>
      transposed ? builder.node("Transpose", [name], { perm: exchanged(operand.shape.length) }) : name;
    const product = builder.node("MatMul", [turn(a, left, transA), turn(b, right, transB)]);
    return alpha === 1 ? product : builder.node("Mul", [product, builder.constant(scalar(alpha))]);
  },
};
