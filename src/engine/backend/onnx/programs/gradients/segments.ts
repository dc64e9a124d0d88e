/**
 * The pieces a model is taken back through: embedding, each block, the final norm. A piece runs forward once for each text, and
 * back with a cotangent for each scalar; on the way back it gives what its linear modules read and the cotangents of what they
 * give, of which gradients of weights are made, and the gradients of its norms and biases themselves.
 */
import { type Architecture, linearModules } from "../../../../model/architecture.ts";
import { treeAttention } from "../../decoder/attention.ts";
import type { Decoder } from "../../decoder/decoder.ts";
import type { Hook, Place } from "../../decoder/hook.ts";
import type { LiveModel } from "../../decoder/liveModel.ts";
import { pullBack } from "../../graph/autodiff.ts";
import { ops } from "../../graph/ops.ts";
import { readOnce } from "../../graph/repeat.ts";
import { constant, input, type Tensor } from "../../graph/tensor.ts";
import type { StepProgram } from "../../runtime/stepProgram.ts";
import { type GradientBatch, repeatedLayout } from "./batch.ts";

/** What of a piece is in scope. */
export interface Wanted {
  readonly linears: boolean;
  readonly biases: boolean;
  readonly norms: boolean;
  /** Of adapted modules of this piece, the rank; their factors are fed as `lora.a.<module>` (r, in) and `lora.b.<module>` (out, r). */
  readonly ranks: ReadonlyMap<string, number>;
  /** Whether the cotangent of what it reads is. */
  readonly below: boolean;
}

/** A piece of the model: a block by its number, or the norm behind the last. */
export type Segment = number | "final-norm";

/** x (N, C) of ids: what the first block reads. */
export function embedProgram(model: LiveModel, tokens: number): Promise<StepProgram> {
  return model.step((decoder) => ({ y: decoder().embed(input("ids", [tokens], "int32")) }));
}

/** `y` of `x`, (N, C) each. */
export function forwardProgram(
  model: LiveModel,
  segment: Segment,
  batch: GradientBatch,
): Promise<StepProgram> {
  return model.step((decoder) => {
    return { y: written(decoder(), segment, batch, batch.layout.batch).y };
  });
}

/**
 * Of `x` (N, C) and `dy` (kN, C): `dx` (kN, C); of each linear module m in scope `a.<m>` (N, in), one for those that read the same,
 * and `d.<m>` (kN, out), or of an adapted one also `u.<m>` (N, r) and `v.<m>` (kN, r); `biases` and `norms` (B·k, their length),
 * one after the other.
 */
export function backwardProgram(
  model: LiveModel,
  segment: Segment,
  batch: GradientBatch,
  wanted: Wanted,
): Promise<StepProgram> {
  const { layout, times } = batch;
  return model.step((decoder) => {
    const [narrow, wide] = [new Recorder(), new Recorder()];
    const once = written(decoder({ hook: narrow }), segment, batch, layout.batch);
    const each =
      times === 1 ? once : written(decoder({ hook: wide }), segment, batch, repeatedLayout(batch).batch);
    const seen = times === 1 ? narrow : wide;
    const linears = wanted.linears || wanted.ranks.size > 0;
    const modules = [...seen.outputs.keys()].filter(
      (module) => wanted.linears || wanted.biases || wanted.ranks.has(module),
    );
    const normed = wanted.norms ? [...seen.norms] : [];
    const wrt = [
      ...modules.map((module) => seen.outputs.get(module)!),
      ...normed.map(([, { y }]) => y),
      ...(wanted.below ? [each.x] : []),
    ];
    const dy = input("dy", each.y.shape);
    const found = pullBack(new Map([[each.y, dy]]), wrt) as Tensor[];
    const rows = layout.batch * times;
    const outputs: Record<string, Tensor> = {};
    if (linears) for (const [module, x] of distinct(narrow.inputs, modules)) outputs[`a.${module}`] = x;
    for (const [i, module] of modules.entries()) {
      if (linears) outputs[`d.${module}`] = found[i]!;
      const rank = wanted.ranks.get(module);
      if (rank !== undefined)
        Object.assign(outputs, adapted(module, rank, narrow.inputs.get(module)!, found[i]!));
    }
    if (wanted.biases) {
      const biased = biasedModules(model.architecture).filter((module) => modules.includes(module));
      const sums = biased.map((module) => perRow(found[modules.indexOf(module)]!, rows));
      if (sums.length > 0) outputs.biases = ops.concat(sums, 1);
    }
    if (normed.length > 0) {
      const { epsilon } = model.architecture.norm;
      const gradients = normed.map(([, { x }], i) => {
        const ones = constant(new Float32Array(x.shape.at(-1)!).fill(1), [x.shape.at(-1)!]);
        return perRow(ops.mul(found[modules.length + i]!, ops.rmsNorm(x, ones, epsilon)), rows);
      });
      outputs.norms = ops.concat(gradients, 1);
    }
    if (wanted.below) outputs.dx = found.at(-1)!;
    const names = Object.keys(outputs);
    const repeated = { once: [once.y], each: [each.y], rows: layout.batch, times };
    const read = times === 1 ? Object.values(outputs) : readOnce(Object.values(outputs), repeated);
    return Object.fromEntries(names.map((name, i) => [name, read[i]!]));
  });
}

/** Linear modules of a block that have a bias. */
export const biasedModules = (a: Architecture): string[] =>
  linearModules(a).flatMap(({ name, bias }) => (bias ? [name] : []));

/** For each module the first of those that read the same tensor. */
export function sharedInputs(a: Architecture): ReadonlyMap<string, string> {
  const first = (names: readonly string[]) => names.map((name): [string, string] => [name, names[0]!]);
  const attention = a.fusedQkv
    ? ["self_attn.qkv_proj"]
    : ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"];
  const up = a.fusedGateUp ? ["mlp.gate_up_proj"] : ["mlp.gate_proj", "mlp.up_proj"];
  return new Map([attention, up, ["self_attn.o_proj"], ["mlp.down_proj"]].flatMap(first));
}

function written(decoder: Decoder, segment: Segment, batch: GradientBatch, rows: number) {
  const { hiddenSize } = decoder.architecture;
  const { length } = batch.layout;
  if (segment === "final-norm") {
    const x = input("x", [rows * batch.places, hiddenSize]);
    return { x, y: decoder.finalNorm(x) };
  }
  const x = input("x", [rows * length, hiddenSize]);
  const attention = treeAttention(decoder.architecture, { ...batch.layout, batch: rows }, length);
  return { x, y: decoder.blocks(x, segment, segment + 1, attention) };
}

/** One of each tensor, under the name of the first module that reads it. */
function distinct(inputs: ReadonlyMap<string, Tensor>, modules: readonly string[]): [string, Tensor][] {
  const first = new Map<Tensor, string>();
  for (const [module, x] of inputs) if (!first.has(x)) first.set(x, module);
  const wanted = new Set(modules.map((module) => inputs.get(module)!));
  return [...wanted].map((x) => [first.get(x)!, x]);
}

/** What the factors of an adapted module read, and the cotangents of what they give: B reads u = A·a, and A gives to Bᵀ·δ. */
function adapted(module: string, rank: number, a: Tensor, d: Tensor): Record<string, Tensor> {
  const [A, B] = [
    input(`lora.a.${module}`, [rank, a.shape[1]!]),
    input(`lora.b.${module}`, [d.shape[1]!, rank]),
  ];
  const scale = input(`lora.scale.${module}`, []);
  return {
    [`u.${module}`]: ops.mul(ops.gemm(a, A, { transB: true }), scale),
    [`v.${module}`]: ops.mul(ops.gemm(d, B), scale),
  };
}

/** Sums over what stands in one row: (rows·n, D) → (rows, D). */
function perRow(x: Tensor, rows: number): Tensor {
  const width = x.shape.at(-1)!;
  return ops.sum(
    ops.reshape(x, [rows, x.shape.reduce((product, extent) => product * extent, 1) / (rows * width), width]),
    [1],
  );
}

/** Keeps what linear modules read and give, and what norms do. */
class Recorder implements Hook {
  readonly inputs = new Map<string, Tensor>();
  readonly outputs = new Map<string, Tensor>();
  readonly norms = new Map<string, { x: Tensor; y: Tensor }>();

  at({ at, module }: Place, x: Tensor): Tensor {
    if (at === "linear-input") this.inputs.set(module!, x);
    if (at === "linear-output") this.outputs.set(module!, x);
    return x;
  }

  touches(): boolean {
    return false;
  }

  normed(module: string, x: Tensor, y: Tensor): void {
    this.norms.set(module, { x, y });
  }
}
