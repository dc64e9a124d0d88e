/**
 * The head in pieces: how scalars depend on the logits z of the places they are made of, and how those depend on the normed hidden
 * states h and the head's weight W. With x = h·Wᵀ and z = softcap(scale·x), a scalar's cotangent of x at a token v is
 * (w_v − c·p_v)·dz/dx, where c is the sum of its weights for log-probabilities and 0 for logits.
 */

import { greatestOf } from "../../../../../statistics/extremes.ts";
import { softcapped } from "../../decoder/head.ts";
import type { LiveModel } from "../../decoder/liveModel.ts";
import { ops } from "../../graph/ops.ts";
import { input, type Tensor } from "../../graph/tensor.ts";
import type { StepProgram } from "../../runtime/stepProgram.ts";
import { indexVector } from "../packing.ts";
import { floats, type GradientBatch } from "./batch.ts";

/** Elements of cotangents of x that are there at a time, for one batch. */
const elementsAtOnce = 4e6;

/** The head over one batch: normed hidden states of the places that are read, and the logsumexp of their logits. */
export interface ReadHead {
  readonly batch: GradientBatch;
  /** (B·M, C). */
  readonly hidden: Float32Array;
  /** (B·M); zeros where scalars are logits. */
  readonly logSums: Float32Array;
}

/** Runs the head for some tokens at a time. */
export class HeadPieces {
  private readonly model: LiveModel;
  private readonly programs = new Map<string, Promise<StepProgram>>();

  constructor(model: LiveModel) {
    this.model = model;
  }

  /** The name of the head's weight. */
  get weight(): string {
    return this.model.architecture.tiedEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight";
  }

  /** Tokens that have a cotangent at the head in one of these batches, in pieces. */
  pieces(batches: readonly GradientBatch[]): number[][] {
    const { vocabSize } = this.model.architecture;
    const texts = batches.flatMap((batch) => batch.texts);
    const dense = texts.some(
      ({ normalised, scalars }) => normalised || scalars.some(({ all }) => all !== null),
    );
    const tokens = dense
      ? Array.from({ length: vocabSize }, (_, token) => token)
      : [
          ...new Set(
            texts.flatMap(({ scalars }) =>
              scalars.flatMap(({ entries }) => entries.map(([, token]) => token)),
            ),
          ),
        ];
    const rows = greatestOf(batches.map(({ texts: own, times, places }) => own.length * times * places));
    const size = Math.max(64, Math.min(8192, Math.floor(elementsAtOnce / rows)));
    return Array.from({ length: Math.ceil(tokens.length / size) }, (_, i) =>
      tokens.slice(i * size, (i + 1) * size),
    );
  }

  /** Log Σ exp of all logits of each place, (B·M). */
  async logSums(batch: GradientBatch, hidden: Float32Array): Promise<Float32Array> {
    const rows = batch.texts.length * batch.places;
    if (!batch.texts.some(({ normalised }) => normalised)) return new Float32Array(rows);
    const { vocabSize, hiddenSize } = this.model.architecture;
    const sums = new Float64Array(rows).fill(Number.NEGATIVE_INFINITY);
    const size = 8192;
    for (let start = 0; start < vocabSize; start += size) {
      const tokens = Array.from({ length: Math.min(size, vocabSize - start) }, (_, i) => start + i);
      const program = await this.program(`sums ${rows} ${tokens.length}`, (parts) => ({
        y: ops.logSumExp(this.logits(parts, rows, tokens.length).z),
      }));
      const { y } = await this.model.run(program, {
        h: floats(hidden, rows, hiddenSize),
        tokens: indexVector(tokens),
      });
      for (let row = 0; row < rows; row++) {
        const [a, b] = [sums[row]!, y!.data[row]!];
        sums[row] = Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
      }
    }
    return Float32Array.from(sums);
  }

  /** Cotangents of x at some tokens, (B·k·M, tokens), and what they add to those of h, (B·k·M, C). */
  async cotangents(
    { batch, hidden, logSums }: ReadHead,
    tokens: readonly number[],
  ): Promise<{ x: Float32Array; hidden: Float32Array }> {
    const { texts, times, places } = batch;
    const [rows, n, count] = [texts.length * places, texts.length, tokens.length];
    const { hiddenSize } = this.model.architecture;
    const normalised = texts.some((text) => text.normalised);
    const program = await this.program(`back ${n} ${times} ${places} ${count} ${normalised}`, (parts) => {
      const { z, slope, weight } = this.logits(parts, rows, count);
      const apart = (y: Tensor) => ops.reshape(y, [n, 1, places, count]);
      let outer: Tensor = input("weights", [n, times, places, count]);
      if (normalised) {
        const p = ops.exp(ops.sub(z, input("logSums", [rows, 1])));
        outer = ops.sub(outer, ops.mul(input("totals", [n, times, places, 1]), apart(p)));
      }
      const x = ops.reshape(slope === null ? outer : ops.mul(outer, apart(slope)), [rows * times, count]);
      const scaled = ops.mul(x, this.model.architecture.logits.scale);
      return { x: scaled, hidden: ops.gemm(scaled, weight) };
    });
    const { weights, totals } = factors(batch, tokens);
    const out = await this.model.run(program, {
      h: floats(hidden, rows, hiddenSize),
      tokens: indexVector(tokens),
      weights: floats(weights, n, times, places, count),
      logSums: floats(logSums, rows, 1),
      totals: floats(totals, n, times, places, 1),
    });
    return { x: out.x!.data, hidden: out.hidden!.data };
  }

  /** Logits (rows, tokens), and dz/dx over the factor `scale`; null where it is 1. */
  private logits(rowsOf: (indices: Tensor) => Tensor, rows: number, count: number) {
    const { scale, softcap } = this.model.architecture.logits;
    const weight = rowsOf(input("tokens", [count], "int32"));
    const x = ops.gemm(input("h", [rows, weight.shape[1]!]), weight, { transB: true });
    const z = softcapped(ops.mul(x, scale), softcap);
    const share = softcap === null ? null : ops.mul(z, 1 / softcap);
    return { z, weight, slope: share && ops.sub(1, ops.mul(share, share)) };
  }

  private program(
    key: string,
    build: (rowsOf: (indices: Tensor) => Tensor) => Record<string, Tensor>,
  ): Promise<StepProgram> {
    const known = this.programs.get(key);
    if (known) return known;
    const made = this.model.step((_decoder, parameters) =>
      build((indices) => parameters.gather(this.weight, indices)),
    );
    this.programs.set(key, made);
    return made;
  }
}

/** w (B, k, M, tokens), and c (B, k, M). */
function factors({ texts, times, places }: GradientBatch, tokens: readonly number[]) {
  const count = tokens.length;
  const weights = new Float32Array(texts.length * times * places * count);
  const totals = new Float32Array(texts.length * times * places);
  const at = new Map(tokens.map((token, i) => [token, i]));
  for (const [b, { scalars, normalised }] of texts.entries()) {
    for (const [s, { entries, all }] of scalars.entries()) {
      const row = (b * times + s) * places;
      for (const [place, token, weight] of entries) {
        if (normalised) totals[row + place]! += weight;
        const i = at.get(token);
        if (i !== undefined) weights[(row + place) * count + i]! += weight;
      }
      if (all) for (const [i, token] of tokens.entries()) weights[row * count + i]! += all[token]!;
    }
  }
  return { weights, totals };
}
