import { describe, expect, it } from "vitest";
import { gradients } from "../../../../../src/engine/backend/onnx/graph/autodiff.ts";
import { fold } from "../../../../../src/engine/backend/onnx/graph/fold.ts";
import { ops } from "../../../../../src/engine/backend/onnx/graph/ops.ts";
import {
  type InputTensor,
  input,
  type Tensor,
  topological,
} from "../../../../../src/engine/backend/onnx/graph/tensor.ts";
import { Random } from "./random.ts";
import { evaluate } from "./reference.ts";
import { build } from "./referenceValue.ts";
import { relativeError } from "./trial.ts";

const many = 40;
const x = input("x", [many, 3]);
const few = input("few", [2, 3]);
const w = input("w", [many, 3]);
const c = input("c", [many, many]);
const bias = input("bias", [many]);
const random = new Random();

const computed = (outputs: readonly Tensor[]) =>
  topological(outputs).filter(({ op }) => op !== "input" && op !== "constant");
const operators = (outputs: readonly Tensor[]) => computed(outputs).map(({ op }) => op);

/** Folds, and checks that the values stay. */
function folded(...outputs: Tensor[]): Tensor[] {
  const after = fold(outputs);
  const inputs = topological(outputs).filter((tensor): tensor is InputTensor => tensor.op === "input");
  const feeds = Object.fromEntries(
    inputs.map(({ name, shape }) => [name, build(shape, () => random.between(-1, 1))]),
  );
  const [old, now] = [evaluate(outputs, feeds), evaluate(after, feeds)];
  old.forEach(({ shape, data }, i) => {
    expect(now[i].shape).toEqual(shape);
    expect(after[i].shape).toEqual(shape);
    expect(relativeError(now[i].data, data), `DISCERN_TEST_SEED=${random.seed}`).toBeLessThan(1e-6);
  });
  return after;
}

describe("fold", () => {
  const product = () => ops.gemm(x, w, { transB: true });

  it.each([
    ["a product added on the right", () => ops.add(c, product()), ["gemm"]],
    ["a product added on the left", () => ops.add(product(), c), ["gemm"]],
    ["a product scaled", () => ops.mul(product(), 0.3), ["gemm"]],
    ["a product scaled from the left", () => ops.mul(0.3, product()), ["gemm"]],
    ["a product scaled twice", () => ops.mul(ops.mul(product(), 0.3), 2), ["gemm"]],
    ["LoRA's scaled sum", () => ops.add(product(), ops.mul(product(), 0.5)), ["gemm", "gemm"]],
  ])("%s", (_, make, expected) => {
    const before = make();
    const after = folded(before);
    expect(operators(after)).toEqual(expected);
    expect(computed(after).length).toBeLessThan(computed([before]).length);
  });

  it("keeps a product that has two readers", () => {
    const shared = product();
    expect(operators(folded(ops.add(c, shared), ops.tanh(shared)))).toEqual(["gemm", "add", "tanh"]);
    expect(operators(folded(ops.add(shared, shared)))).toEqual(["gemm", "add"]);
  });

  it("keeps a product that is an output itself", () => {
    const shared = product();
    expect(operators(folded(ops.mul(shared, 2), shared))).toEqual(["gemm", "mul"]);
  });

  it("adds nothing that would have to be stretched, and scales by nothing but a number", () => {
    expect(operators(folded(ops.add(product(), bias)))).toEqual(["gemm", "add"]);
    expect(operators(folded(ops.mul(product(), bias)))).toEqual(["gemm", "mul"]);
    expect(operators(folded(ops.mul(product(), input("k", []))))).toEqual(["gemm", "mul"]);
  });

  it("scales before it adds: k·(a·b + c) keeps its factor outside", () => {
    expect(operators(folded(ops.mul(ops.add(product(), c), 2)))).toEqual(["gemm", "mul"]);
  });

  it.each([
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ])("turns a product with few rows round (transA %s, transB %s)", (transA, transB) => {
    const a = transA ? input("a", [3, 2]) : few;
    const b = transB ? w : input("b", [3, many]);
    expect(operators(folded(ops.gemm(a, b, { transA, transB, alpha: 0.7 })))).toEqual(["gemm", "transpose"]);
  });

  it("does not turn a product that is small on both sides", () => {
    expect(operators(folded(ops.gemm(few, few, { transB: true })))).toEqual(["gemm"]);
  });

  it("folding twice changes no value", () => {
    const addend = input("addend", [2, many]);
    const once = folded(ops.add(addend, ops.gemm(few, w, { transB: true })), ops.add(c, product()));
    folded(...once);
  });

  it("joins the cotangents of a cut in one concatenation", () => {
    const [left, right] = [ops.slice(x, 1, 0, 1), ops.slice(x, 1, 1, 3)];
    const loss = ops.add(ops.sum(ops.tanh(left), [0, 1]), ops.sum(ops.exp(right), [0, 1]));
    const [dx] = gradients(loss, [x]) as [Tensor];
    expect(operators([dx])).toContain("pad");
    const after = operators(folded(dx));
    expect(after).toContain("concat");
    expect(after).not.toContain("pad");
  });

  it.each([
    ["overlapping", ops.add(ops.pad(x, 1, 0, 2), ops.pad(x, 1, 2, 0))],
    ["with a gap", ops.add(ops.pad(x, 1, 0, 4), ops.pad(x, 1, 4, 0))],
    ["stretched", ops.add(ops.pad(input("row", [1, 3]), 1, 0, 3), ops.pad(x, 1, 3, 0))],
    [
      "along different axes",
      ops.add(ops.pad(input("a", [1, 2]), 0, 0, 1), ops.pad(input("b", [2, 1]), 1, 1, 0)),
    ],
  ])("leaves padded operands alone that are %s", (_, sum) => {
    expect(operators(folded(sum))).toEqual(operators([sum]));
  });

  it("returns an untouched graph itself", () => {
    const y = ops.tanh(ops.add(x, w));
    expect(fold([y])[0]).toBe(y);
  });

  it("folds a gradient graph to the same values", () => {
    const hidden = ops.silu(ops.add(product(), ops.mul(product(), 0.5)));
    const loss = ops.sum(ops.logSumExp(hidden), [0, 1]);
    const found = gradients(loss, [x, w]) as Tensor[];
    const after = folded(loss, ...found);
    expect(computed(after).length).toBeLessThan(computed([loss, ...found]).length);
  });
});
