import type { AddProducts } from "../../../gradientSums.ts";
import { areMultiplied } from "../../../gradientTexts.ts";
import { ops } from "../../graph/ops.ts";
import { input, type Tensor } from "../../graph/tensor.ts";
import type { Device } from "../../runtime/device.ts";
import type { Program } from "../../runtime/program.ts";
import { floats, type GradientBatch } from "./batch.ts";

/**
 * The factors of a gradient of a matrix: it is Σ_t δ_t ⊗ a_t over n tokens of a text. The same a serve all scalars of a text.
 */
export interface Factors {
  readonly batch: GradientBatch;
  /** n, alike for all texts of the batch. */
  readonly length: number;
  /** a: (B·n, in). */
  readonly inputs: Float32Array;
  /** δ: (B·k·n, out). */
  readonly cotangents: Float32Array;
}

/** Bytes of what lies between the two products of a ghost product: it stays in the processor's cache. */
const cacheBytes = 4 << 20;
/** Bytes of gradients that are formed at a time. */
const formedBytes = 256 << 20;
/** Ghost products are small ones: measured, they run at half the rate of one large product. */
const ghostRate = 0.5;

/** Inner products of gradients of matrices, given their factors. */
export class Products {
  private readonly device: Device;
  private readonly programs = new Map<string, Promise<Program>>();

  constructor(device: Device) {
    this.device = device;
  }

  /**
   * Inner products of the gradients of one matrix for pairs of batches; a batch with itself gives every pair of its texts
   * once. Either by ghost products, 2·T²·(in + k·out) + 2·T·k²·out operations a pair of texts of T tokens and k scalars, or with
   * the gradients formed, 2·T·k·in·out a text and 2·k²·in·out a pair: whichever takes less time.
   */
  async ofMatrix(pairs: readonly (readonly [Factors, Factors])[], add: AddProducts): Promise<void> {
    if (pairs.length === 0) return;
    let [ghost, formed] = [0, 0];
    for (const factors of new Set(pairs.flat())) {
      const { rows, inside, outside } = extents(factors);
      formed += 2 * rows * factors.length * inside * outside;
    }
    for (const [a, b] of pairs) {
      const { inside, outside } = extents(a);
      const [m, n] = [a.batch.texts.length, b.batch.texts.length];
      const [k, l] = [a.batch.times, b.batch.times];
      const count = a === b ? (m * (m + 1)) / 2 : m * n;
      const each = b.length * inside + l * b.length * outside + k * l * outside;
      ghost += 2 * count * a.length * each;
      formed += 2 * m * k * n * l * inside * outside;
    }
    if (ghost / ghostRate <= formed) {
      for (const [a, b] of pairs) await this.ghost(a, b, add);
    } else {
      await this.formed(pairs, add);
    }
  }

  /** Inner products of vectors, (B·k, D) of each batch. */
  async ofVectors(
    pairs: readonly (readonly [GradientBatch, GradientBatch])[],
    vectors: ReadonlyMap<GradientBatch, Float32Array>,
    add: AddProducts,
  ): Promise<void> {
    for (const [a, b] of pairs) {
      const [x, y] = [vectors.get(a)!, vectors.get(b)!];
      const [rows, columns] = [a.texts.length * a.times, b.texts.length * b.times];
      const width = x.length / rows;
      const program = await this.program(`vectors ${rows} ${columns} ${width}`, () =>
        ops.gemm(input("y", [columns, width]), input("x", [rows, width]), { transB: true }),
      );
      const { out } = await program.run({ x: floats(x, rows, width), y: floats(y, columns, width) });
      for (const [i, one] of a.texts.entries()) {
        for (const [j, other] of b.texts.entries()) {
          if (a === b && j < i) continue;
          if (areMultiplied(one, other))
            add(one, other, cell(out!.data, rows, j * b.times, i * a.times, b.times, a.times));
        }
      }
    }
  }

  /**
   * Products of what reads of one text's head cotangents tokens of another's: Σ_{m,t} g^a_m[id_t]·⟨h_m, δ^b_t⟩, which is the cross
   * term of the two uses of a tied embedding.
   *
   * @param picked g^a_m[id_t] of the text, (k, T·M) for each text of b.
   * @param h of the text, (M, C).
   * @param deltas of b, (B·k·T, C).
   */
  async cross(
    text: number,
    a: GradientBatch,
    b: GradientBatch,
    { picked, h, deltas }: { picked: Float32Array; h: Float32Array; deltas: Float32Array },
    add: AddProducts,
  ): Promise<void> {
    const [n, k, l, m, t] = [b.texts.length, a.times, b.times, a.places, b.layout.length];
    const width = h.length / m;
    const program = await this.program(`cross ${n} ${k} ${l} ${m} ${t} ${width}`, () => {
      const along = ops.gemm(input("deltas", [n * l * t, width]), input("h", [m, width]), { transB: true });
      return ops.matmul(ops.reshape(along, [n, l, t * m]), input("picked", [n, k, t * m]), { transB: true });
    });
    const { out } = await program.run({
      deltas: floats(deltas, n * l * t, width),
      h: floats(h, m, width),
      picked: floats(picked, n, k, t * m),
    });
    for (const [j, other] of b.texts.entries()) {
      add(a.texts[text]!, other, out!.data, j * l * k);
      // A text's two uses meet twice; those of two texts are asked for in either order.
      if (other === a.texts[text]) add(other, other, transposed(out!.data, j * l * k, l, k));
    }
  }

  async dispose(): Promise<void> {
    for (const program of this.programs.values()) await (await program).dispose();
  }

  /** Σ_{t,t'} (δ_t·δ'_t')(a_t·a'_t') for one text of `a` and some of `b` at a time: ⟨Δ, (A·A'ᵀ)·Δ'⟩. */
  private async ghost(a: Factors, b: Factors, add: AddProducts): Promise<void> {
    const { inside, outside } = extents(a);
    const [k, l] = [a.batch.times, b.batch.times];
    const between = 4 * l * a.length * outside;
    const atOnce = Math.max(1, Math.min(b.batch.texts.length, Math.floor(cacheBytes / between)));
    for (const [i, one] of a.batch.texts.entries()) {
      const x = floats(part(a.inputs, i, a.batch.texts.length), a.length, inside);
      const dx = floats(part(a.cotangents, i, a.batch.texts.length), k, a.length * outside);
      for (let start = 0; start < b.batch.texts.length; start += atOnce) {
        const others = b.batch.texts.slice(start, start + atOnce);
        const isNew = (j: number) => a !== b || start + j >= i;
        if (!others.some((other, j) => isNew(j) && areMultiplied(one, other))) continue;
        const n = others.length;
        const program = await this.program(
          `ghost ${inside} ${outside} ${a.length} ${b.length} ${k} ${l} ${n}`,
          () => ghostProduct({ inside, outside, k, l, n, t: a.length, u: b.length }),
        );
        const size = b.batch.texts.length;
        const { out } = await program.run({
          x,
          dx,
          y: floats(part(b.inputs, start, size, n), n, b.length, inside),
          dy: floats(part(b.cotangents, start, size, n), n, l, b.length, outside),
        });
        for (const [j, other] of others.entries()) {
          if (isNew(j) && areMultiplied(one, other)) add(one, other, out!.data, j * l * k);
        }
      }
    }
  }

  /** The gradients themselves, some rows of the matrix at a time, and their products. */
  private async formed(pairs: readonly (readonly [Factors, Factors])[], add: AddProducts): Promise<void> {
    const all = [...new Set(pairs.flat())];
    const { inside, outside } = extents(all[0]!);
    const rows = all.reduce((sum, factors) => sum + extents(factors).rows, 0);
    const atOnce = Math.max(1, Math.min(outside, Math.floor(formedBytes / (4 * rows * inside))));
    const batches = pairs.map(([a, b]) => [a.batch, b.batch] as const);
    for (let start = 0; start < outside; start += atOnce) {
      const count = Math.min(atOnce, outside - start);
      const gradients = new Map<GradientBatch, Float32Array>();
      for (const factors of all) gradients.set(factors.batch, await this.form(factors, start, count));
      await this.ofVectors(batches, gradients, add);
    }
  }

  /** Rows `start` ≤ o < `start + count` of the gradients of a batch, (B·k, count·in). */
  private async form(factors: Factors, start: number, count: number): Promise<Float32Array> {
    const { batch, length, inputs, cotangents } = factors;
    const { inside, outside } = extents(factors);
    const n = batch.texts.length;
    const program = await this.program(`form ${n} ${batch.times} ${length} ${count} ${inside}`, () => {
      const d = input("d", [n, batch.times, length, count]);
      return ops.matmul(d, input("a", [n, 1, length, inside]), { transA: true });
    });
    const d = new Float32Array(n * batch.times * length * count);
    for (let row = 0; row * count < d.length; row++) {
      d.set(cotangents.subarray(row * outside + start, row * outside + start + count), row * count);
    }
    const fed = { d: floats(d, n, batch.times, length, count), a: floats(inputs, n, 1, length, inside) };
    return (await program.run(fed)).out!.data;
  }

  private program(key: string, build: () => Tensor): Promise<Program> {
    const known = this.programs.get(key);
    if (known) return known;
    const compiled = this.device.compile({ out: build() });
    this.programs.set(key, compiled);
    return compiled;
  }
}

/** (n·l, k) of `x` (t, in) and `dx` (k, t·out) of one text, and `y` (n, u, in) and `dy` (n, l, u, out) of n others. */
function ghostProduct(extent: Record<"inside" | "outside" | "k" | "l" | "n" | "t" | "u", number>): Tensor {
  const { inside, outside, k, l, n, t, u } = extent;
  const likeness = ops.matmul(input("x", [t, inside]), input("y", [n, u, inside]), { transB: true });
  const moved = ops.matmul(ops.reshape(likeness, [n, 1, t, u]), input("dy", [n, l, u, outside]));
  return ops.gemm(ops.reshape(moved, [n * l, t * outside]), input("dx", [k, t * outside]), { transB: true });
}

function extents({ batch: { texts, times }, length, inputs, cotangents }: Factors) {
  const rows = texts.length * times;
  return {
    rows,
    inside: inputs.length / (texts.length * length),
    outside: cotangents.length / (rows * length),
  };
}

/** What `count` texts from the `start`th on have of an array over `of` texts. */
function part(data: Float32Array, start: number, of: number, count = 1): Float32Array {
  const each = data.length / of;
  return data.subarray(start * each, (start + count) * each);
}

/** A (rows, columns) matrix, from `offset` on, turned. */
function transposed(data: Float32Array, offset: number, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) turned[j * rows + i] = data[offset + i * columns + j]!;
  }
  return turned;
}

/** A rectangle of a matrix of rows of `width`. */
function cell(data: Float32Array, width: number, row: number, column: number, rows: number, columns: number) {
  const found = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    const from = (row + i) * width + column;
    found.set(data.subarray(from, from + columns), i * columns);
  }
  return found;
}
