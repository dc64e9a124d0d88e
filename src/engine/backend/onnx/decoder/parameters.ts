import { type Form, partsOf } from "../../../model/forms.ts";
import type { Rows } from "../../../model/weights.ts";
import { apply, ops } from "../graph/ops.ts";
import type { Shape } from "../graph/shape.ts";
import { type DType, type InputTensor, input, type Tensor } from "../graph/tensor.ts";

/** How one linear module is adapted: y = Wx + scale·B(Ax), A (r, in), B (out, r). */
export interface LoraSpec {
  readonly rank: number;
  /** α/r, or α/√r for rank-stabilised LoRA. */
  readonly scale: number;
}

/** How the weights of a model lie where they are computed with. */
export type WeightForms = (name: string) => Form;

/** What a graph reads of the name under which a part of a weight is fed; null for other names. */
export function partOf(name: string): { readonly weight: string; readonly part: string } | null {
  const at = name.lastIndexOf("#");
  return at < 0 ? null : { weight: name.slice(0, at), part: name.slice(at + 1) };
}

/** The weight that a name of a part, or of rows, belongs to; other names as they are. */
export function weightOf(name: string): string {
  const called = partOf(name)?.weight ?? name;
  return rowsOf(called)?.name ?? called;
}

/** The name under which a part of a weight is fed. */
export const partName = (weight: string, part: string): string => `${weight}#${part}`;

const inFloat32: WeightForms = () => ({ kind: "float32" });

/** Which modules are adapted, by full name ("model.layers.3.self_attn.q_proj"). */
export type LoraPlan = ReadonlyMap<string, LoraSpec>;

/** The names under which an adapter's two factors are fed, stored and exported. */
export const loraNames = (module: string): { a: string; b: string } => ({
  a: `${module}.lora_A.weight`,
  b: `${module}.lora_B.weight`,
});

/** Those of the adapter that the finished stages make together. */
export const frozenNames = (module: string): { a: string; b: string } => {
  const { a, b } = loraNames(module);
  return { a: `frozen.${a}`, b: `frozen.${b}` };
};

/** An adapter in a graph. */
interface GraphAdapter {
  readonly a: InputTensor;
  readonly b: InputTensor;
  readonly scale: number;
}

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
  /** Adapters of finished stages, on weights that they are not merged into. */
  private readonly frozen: LoraPlan;
  private readonly forms: WeightForms;
  private readonly declared = new Map<string, InputTensor>();
  private readonly gathered: boolean;
  private readonly widened = new Map<string, Tensor>();

  /** @param options.gathered whether rows that a feed names are fed themselves, so that no graph reads a whole table. */
  constructor(
    shapes: ReadonlyMap<string, Shape>,
    lora: LoraPlan = new Map(),
    options: { readonly gathered?: boolean; readonly frozen?: LoraPlan; readonly forms?: WeightForms } = {},
  ) {
    this.shapes = shapes;
    this.lora = lora;
    this.gathered = options.gathered ?? false;
    this.frozen = options.frozen ?? new Map();
    this.forms = options.forms ?? inFloat32;
  }

  has(name: string): boolean {
    return this.shapes.has(name);
  }

  /**
   * The parameter called `name`, in its Hugging Face layout: an input, or widened from the parts it is stored as.
   *
   * @throws Error when the architecture has no such parameter.
   */
  get(name: string): Tensor {
    return this.weight(name, name, this.shapeOf(name));
  }

  /** The rows of the parameter called `name` that `indices` (n) int32 names: (n, …). @throws as {@link get}. */
  gather(name: string, indices: Tensor): Tensor {
    if (!this.gathered || indices.op !== "input") return ops.gather(this.get(name), indices);
    const [, ...rest] = this.shapeOf(name);
    return this.inputOnce(gatheredName(name, indices.name), [...indices.shape, ...rest]);
  }

  /** Rows start ≤ i < end of the parameter called `name`, (end − start, …), as an input of their own. @throws as {@link get}. */
  rows(name: string, start: number, end: number): Tensor {
    const [, ...rest] = this.shapeOf(name);
    return this.weight(name, rowsName(name, start, end), [end - start, ...rest]);
  }

  /** The adapter of a module whose weight is (out, in): A (r, in) and B (out, r); null when it is not adapted. */
  adapter(module: string): GraphAdapter | null {
    return this.adapterOf(module, this.lora.get(module), loraNames(module));
  }

  /** The same of finished stages. */
  frozenAdapter(module: string): GraphAdapter | null {
    return this.adapterOf(module, this.frozen.get(module), frozenNames(module));
  }

  private adapterOf(
    module: string,
    spec: LoraSpec | undefined,
    names: { a: string; b: string },
  ): GraphAdapter | null {
    if (!spec) return null;
    const [out, inside] = this.shapeOf(`${module}.weight`) as [number, number];
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

  /** A weight, or rows of it: an input of the name it is `called` by, or widened from such inputs. */
  private weight(name: string, called: string, shape: Shape): Tensor {
    const form = this.forms(name);
    if (form.kind === "float32") return this.inputOnce(called, shape);
    let tensor = this.widened.get(called);
    if (!tensor) {
      const parts = partsOf(form, shape).map(({ part, dtype, shape: own }) =>
        this.inputOnce(partName(called, part), own, dtype),
      );
      tensor = apply("widen", parts, { ...form, columns: shape[1]!, gathered: false });
      this.widened.set(called, tensor);
    }
    return tensor;
  }

  private shapeOf(name: string): Shape {
    const shape = this.shapes.get(name);
    if (!shape) throw new Error(`the architecture has no parameter "${name}"`);
    return shape;
  }

  private inputOnce(name: string, shape: Shape, dtype?: DType): InputTensor {
    let tensor = this.declared.get(name);
    if (!tensor) {
      tensor = input(name, shape, dtype);
      this.declared.set(name, tensor);
    }
    return tensor;
  }
}
