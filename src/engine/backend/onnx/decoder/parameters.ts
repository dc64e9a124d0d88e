import type { Rows } from "../../../model/weights.ts";
import { ops } from "../graph/ops.ts";
import type { Shape } from "../graph/shape.ts";
import { type InputTensor, input, type Tensor } from "../graph/tensor.ts";

/** How one linear module is adapted: y = Wx + scale·B(Ax), A (r, in), B (out, r). */
export interface LoraSpec {
  readonly rank: number;
  /** α/r, or α/√r for rank-stabilised LoRA. */
  readonly scale: number;
}

/** Which modules are adapted, by full name ("model.layers.3.self_attn.q_proj"). */
export type LoraPlan = ReadonlyMap<string, LoraSpec>;

/** The names under which an adapter's two factors are fed, stored and exported. */
export const loraNames = (module: string): { a: string; b: string } => ({
  a: `${module}.lora_A.weight`,
  b: `${module}.lora_B.weight`,
});

const rowsName = (name: string, start: number, end: number) => `${name}[${start}:${end}]`;

/** What a name of {@link ParameterInputs.rows} means; null for other names. */
export function rowsOf(name: string): (Rows & { readonly name: string }) | null {
  const [, whole, from, to] = /^(.+)\[(\d+):(\d+)\]$/.exec(name) ?? [];
  return whole === undefined ? null : { name: whole, from: Number(from), to: Number(to) };
}

const gatheredName = (name: string, indices: string) => `${name}@${indices}`;

/** What a name of {@link ParameterInputs.gather} means: a parameter, and the feed that names rows; null for other names. */
export function gatheredOf(name: string): { name: string; indices: string } | null {
  const [, whole, indices] = /^(.+)@(.+)$/.exec(name) ?? [];
  return whole === undefined ? null : { name: whole, indices: indices! };
}

/**
 * The parameters a graph reads, as inputs of that graph. Each is declared the first time it is asked for, so
 * a graph that stops at layer ℓ neither declares nor feeds anything above it.
 */
export class ParameterInputs {
  private readonly shapes: ReadonlyMap<string, Shape>;
  readonly lora: LoraPlan;
  private readonly declared = new Map<string, InputTensor>();
  private readonly gathered: boolean;

  /** @param options.gathered whether rows that a feed names are fed themselves, so that no graph reads a whole table. */
  constructor(
    shapes: ReadonlyMap<string, Shape>,
    lora: LoraPlan = new Map(),
    { gathered = false }: { readonly gathered?: boolean } = {},
  ) {
    this.shapes = shapes;
    this.lora = lora;
    this.gathered = gathered;
  }

  has(name: string): boolean {
    return this.shapes.has(name);
  }

  /**
   * The parameter called `name`, in its Hugging Face layout.
   *
   * @throws Error when the architecture has no such parameter.
   */
  get(name: string): InputTensor {
    return this.inputOnce(name, this.shapeOf(name));
  }

  /** The rows of the parameter called `name` that `indices` (n) int32 names: (n, …). @throws as {@link get}. */
  gather(name: string, indices: Tensor): Tensor {
    if (!this.gathered || indices.op !== "input") return ops.gather(this.get(name), indices);
    const [, ...rest] = this.shapeOf(name);
    return this.inputOnce(gatheredName(name, indices.name), [...indices.shape, ...rest]);
  }

  /** Rows start ≤ i < end of the parameter called `name`, (end − start, …), as an input of their own. @throws as {@link get}. */
  rows(name: string, start: number, end: number): InputTensor {
    const [, ...rest] = this.shapeOf(name);
    return this.inputOnce(rowsName(name, start, end), [end - start, ...rest]);
  }

  /** The adapter of a module whose weight is (out, in): A (r, in) and B (out, r); null when it is not adapted. */
  adapter(module: string): { a: InputTensor; b: InputTensor; scale: number } | null {
    const spec = this.lora.get(module);
    if (!spec) return null;
    const [out, inside] = this.get(`${module}.weight`).shape;
    const names = loraNames(module);
    return {
      a: this.inputOnce(names.a, [spec.rank, inside]),
      b: this.inputOnce(names.b, [out, spec.rank]),
      scale: spec.scale,
    };
  }

  /** What the graph built so far reads, in order of first use. */
  all(): InputTensor[] {
    return [...this.declared.values()];
  }

  private shapeOf(name: string): Shape {
    const shape = this.shapes.get(name);
    if (!shape) throw new Error(`the architecture has no parameter "${name}"`);
    return shape;
  }

  private inputOnce(name: string, shape: Shape): InputTensor {
    let tensor = this.declared.get(name);
    if (!tensor) {
      tensor = input(name, shape);
      this.declared.set(name, tensor);
    }
    return tensor;
  }
}
