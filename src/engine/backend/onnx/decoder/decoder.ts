import type { Architecture } from "../../../model/architecture.ts";
import { ops } from "../graph/ops.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Attention } from "./attention.ts";
import { Head } from "./head.ts";
import { type Hook, noHook, type Place } from "./hook.ts";
import type { ParameterInputs } from "./parameters.ts";

/** Masks for the input of an adapter's A, given the module's input (N, in); the identity where there is no dropout. */
export type LoraDropout = (x: Tensor, name: string) => Tensor;

/** What a graph adds to the plain decoder. */
export interface DecoderOptions {
  readonly dropout?: LoraDropout;
  readonly hook?: Hook;
  /** Rows of the head that are multiplied at a time; all where left out. */
  readonly headRows?: number;
}

/**
 * The decoder writes the graph of a transformer: embedding, blocks, final norm and head, as tensors of `../graph`, which
 * are differentiated, folded and compiled afterwards. There is one for every architecture: what differs between them is in
 * `Architecture`, as data. All tokens of a graph stand in one matrix (N, C), a shared prefix first and then row by row;
 * only attention (`attention.ts`) knows which token belongs to which row and what it sees. Parameters are inputs of the
 * graph under their Hugging Face names (`parameters.ts`), adapters are added inside their linear module, and a hook
 * (`hook.ts`) is asked at every place where interventions act and taps read.
 */
export class Decoder {
  readonly architecture: Architecture;
  /** Where a graph may be cut into parts (`graph/cut.ts`), in order: what each block reads, and what the last hands on. */
  readonly cuts: Tensor[] = [];
  private readonly parameters: ParameterInputs;
  private readonly dropout: LoraDropout;
  private readonly hook: Hook;
  private readonly headRows: number;

  constructor(architecture: Architecture, parameters: ParameterInputs, options: DecoderOptions = {}) {
    this.architecture = architecture;
    this.parameters = parameters;
    this.dropout = options.dropout ?? ((x) => x);
    this.hook = options.hook ?? noHook;
    this.headRows = options.headRows ?? architecture.vocabSize;
  }

  /** Token embeddings as block 0 reads them: ids (N) int32 → (N, C). `hidden_states[0]` in Hugging Face's counting. */
  embed(ids: Tensor): Tensor {
    const rows = this.parameters.gather("model.embed_tokens.weight", ids);
    return this.cut(this.blockInput(0, ops.mul(rows, this.architecture.embeddingScale)));
  }

  /**
   * Blocks from ≤ i < to: x (N, C) → (N, C). What is handed on is what block `to` reads, `hidden_states[to]`.
   *
   * @param rows the tokens (M) int32 whose features are wanted; the result is then (M, C), and the last block computes
   *   its output projection and its MLP for them alone.
   */
  blocks(x: Tensor, from: number, to: number, attention: Attention, rows?: Tensor): Tensor {
    if (from === to) return rows ? ops.gather(x, rows) : x;
    let hidden = x;
    for (let layer = from; layer < to; layer++) {
      const asked = layer === to - 1 ? rows : undefined;
      // A hook is shown all tokens.
      const whole = this.hook.touches(layer);
      const output = this.block(hidden, layer, attention, whole ? undefined : asked);
      hidden = this.cut(this.blockInput(layer + 1, output));
      if (whole && asked) hidden = ops.gather(hidden, asked);
    }
    return hidden;
  }

  /** The norm before the head: (N, C) → (N, C). Hugging Face's last hidden state is after it. */
  finalNorm(x: Tensor): Tensor {
    return this.norm(x, "model.norm");
  }

  /** The output head; its weight is the input embedding where the two are tied. */
  head(): Head {
    const name = this.architecture.tiedEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight";
    const { vocabSize } = this.architecture;
    const rows = this.headRows;
    const count = Math.ceil(vocabSize / rows);
    // One piece is the whole: what is declared here is among the parameters that the graph reads.
    const pieces =
      count === 1
        ? null
        : Array.from({ length: count }, (_, i) =>
            this.parameters.rows(name, i * rows, Math.min(vocabSize, (i + 1) * rows)),
          );
    const weight = {
      whole: () => this.parameters.get(name),
      rows: (tokens: Tensor) => this.parameters.gather(name, tokens),
      pieces,
      cut: (x: Tensor) => this.cut(x),
    };
    return new Head(weight, this.architecture.logits);
  }

  /**
   * Logits that the final norm and a head read from features h (M, C) → (M, V), without the blocks between (a logit
   * lens). Norm and head are constants in the backward pass: only h gets a gradient.
   *
   * @param weight output embedding (V, C); the model's own where it is left out.
   */
  lens(h: Tensor, weight?: Tensor): Tensor {
    const { epsilon } = this.architecture.norm;
    const normed = ops.rmsNorm(h, ops.detach(this.normWeight("model.norm")), epsilon);
    const head = weight ? Head.of(weight, this.architecture.logits) : this.head();
    return head.constant().logits(normed);
  }

  private cut(x: Tensor): Tensor {
    if (!this.cuts.includes(x)) this.cuts.push(x);
    return x;
  }

  /** What block `layer` reads of the residual stream. Behind the last block there is none. */
  private blockInput(layer: number, x: Tensor): Tensor {
    return layer < this.architecture.layers ? this.hook.at({ at: "block-input", layer }, x) : x;
  }

  private block(x: Tensor, layer: number, attention: Attention, rows?: Tensor): Tensor {
    const {
      norm: { placement },
      residualScale,
    } = this.architecture;
    const name = `model.layers.${layer}`;
    const norm = (y: Tensor, which: string) => this.norm(y, `${name}.${which}`);
    const before = (y: Tensor, which: string) => (placement === "post" ? y : norm(y, which));
    const after = (y: Tensor, which: string) => (placement === "pre" ? y : norm(y, which));
    const [beforeMlp, afterMlp] =
      placement === "pre"
        ? ["post_attention_layernorm", ""]
        : ["pre_feedforward_layernorm", "post_feedforward_layernorm"];
    const seen = this.attend(before(x, "input_layernorm"), layer, attention);
    const chosen = (y: Tensor) => (rows ? ops.gather(y, rows) : y);
    const added = (at: Place["at"], y: Tensor) => this.hook.at({ at, layer }, ops.mul(y, residualScale));
    const [mixed] = this.linear(chosen(seen), layer, ["self_attn.o_proj"]);
    const attended = ops.add(chosen(x), added("attention-output", after(mixed, "post_attention_layernorm")));
    const answered = this.mlp(before(attended, beforeMlp), layer);
    return ops.add(attended, added("mlp-output", after(answered, afterMlp)));
  }

  /** What the tokens take from each other, before the output projection: (N, C) → (N, H·D). */
  private attend(x: Tensor, layer: number, attention: Attention): Tensor {
    const { heads, kvHeads, headDim, fusedQkv, qkNorm, norm } = this.architecture;
    const name = `model.layers.${layer}.self_attn`;
    const [q, k, v] = fusedQkv
      ? pieces(this.linear(x, layer, ["self_attn.qkv_proj"])[0], [
          heads * headDim,
          kvHeads * headDim,
          kvHeads * headDim,
        ])
      : this.linear(x, layer, ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]);
    const normed = (y: Tensor, which: string): Tensor => {
      if (qkNorm === "none") return y;
      const weight = this.parameters.get(`${name}.${which}.weight`);
      const perHead = [(y.shape[0] * y.shape[1]) / headDim, headDim];
      const rows = qkNorm === "head" ? ops.reshape(y, perHead) : y;
      const scaled = ops.rmsNorm(rows, weight, norm.epsilon);
      this.hook.normed?.(`${name}.${which}`, rows, scaled);
      return ops.reshape(scaled, y.shape);
    };
    return attention.attend(layer, { q: normed(q, "q_norm"), k: normed(k, "k_norm"), v });
  }

  /** down(act(gate(x))∘up(x)). */
  private mlp(x: Tensor, layer: number): Tensor {
    const { fusedGateUp, intermediateSize, activation } = this.architecture;
    const [gate, up] = fusedGateUp
      ? pieces(this.linear(x, layer, ["mlp.gate_up_proj"])[0], [intermediateSize, intermediateSize])
      : this.linear(x, layer, ["mlp.gate_proj", "mlp.up_proj"]);
    const activated = activation === "silu" ? ops.silu(gate) : geluTanh(gate);
    return this.linear(ops.mul(activated, up), layer, ["mlp.down_proj"])[0];
  }

  /** Linear modules of a block that share the input x (N, in), unless a hook gives some of them another: (N, out_m) each. */
  private linear(x: Tensor, layer: number, names: readonly string[]): Tensor[] {
    const reads = names.map((module) => this.hook.at({ at: "linear-input", layer, module }, x));
    const outputs = new Map<string, Tensor>();
    for (const input of new Set(reads)) {
      const own = names.filter((_, i) => reads[i] === input);
      const products = this.products(
        input,
        own.map((module) => `model.layers.${layer}.${module}`),
      );
      for (const [i, module] of own.entries()) outputs.set(module, products[i]);
    }
    return names.map((module) =>
      this.hook.at({ at: "linear-output", layer, module }, outputs.get(module) as Tensor),
    );
  }

  /**
   * The linear modules that read x (N, in): y_m = x·W_mᵀ (+ bias) (+ s_m·(x·A_mᵀ)·B_mᵀ), (N, out_m) each, with the adapter that is
   * trained and that of finished stages, which knows no dropout.
   */
  private products(x: Tensor, modules: readonly string[]): Tensor[] {
    const frozen = updates(
      () => x,
      modules,
      (module) => this.parameters.frozenAdapter(module),
    );
    const trained = updates(
      () => this.dropout(x, modules[0]),
      modules,
      (module) => this.parameters.adapter(module),
    );
    return modules.map((module) => {
      const product = ops.gemm(x, this.parameters.get(`${module}.weight`), { transB: true });
      const bias = `${module}.bias`;
      const base = this.parameters.has(bias) ? ops.add(product, this.parameters.get(bias)) : product;
      const added = [frozen.get(module), trained.get(module)].filter((update) => update !== undefined);
      return added.reduce((sum, update) => ops.add(sum, update), base);
    });
  }

  private norm(x: Tensor, name: string): Tensor {
    const y = ops.rmsNorm(x, this.normWeight(name), this.architecture.norm.epsilon);
    this.hook.normed?.(name, x, y);
    return y;
  }

  private normWeight(name: string): Tensor {
    const { offset } = this.architecture.norm;
    const weight = this.parameters.get(`${name}.weight`);
    return offset ? ops.add(weight, offset) : weight;
  }
}

/**
 * What adapters add to the modules that read x (N, in): s_m·(x·A_mᵀ)·B_mᵀ, (N, out_m). Their A are stacked, so x is read once for
 * all of them.
 */
function updates(
  x: () => Tensor,
  modules: readonly string[],
  adapterOf: (module: string) => { a: Tensor; b: Tensor; scale: number } | null,
): Map<string, Tensor> {
  const adapted = modules.flatMap((module) => {
    const adapter = adapterOf(module);
    return adapter ? [{ module, ...adapter }] : [];
  });
  const found = new Map<string, Tensor>();
  if (adapted.length === 0) return found;
  const stacked = ops.concat(
    adapted.map(({ a }) => a),
    0,
  );
  const inner = ops.gemm(x(), stacked, { transB: true });
  const ranks = adapted.map(({ a }) => a.shape[0]);
  pieces(inner, ranks).forEach((u, i) => {
    const { module, b, scale } = adapted[i];
    found.set(module, ops.mul(ops.gemm(u, b, { transB: true }), scale));
  });
  return found;
}

/**
 * Columns of x (N, Σ widths), cut into pieces of the given widths. Cut off one at a time: the cotangents of a piece
 * and of the rest then join in a single concatenation (see `fold.ts`).
 */
function pieces(x: Tensor, [width, ...others]: readonly number[]): Tensor[] {
  const piece = ops.slice(x, 1, 0, width);
  return others.length ? [piece, ...pieces(ops.slice(x, 1, width, x.shape[1]), others)] : [piece];
}

/** ½x(1 + tanh(√(2/π)(x + 0.044715x³))), Gemma's activation. */
function geluTanh(x: Tensor): Tensor {
  const cubed = ops.mul(ops.mul(ops.mul(x, x), x), 0.044715);
  const inner = ops.mul(ops.add(x, cubed), Math.sqrt(2 / Math.PI));
  return ops.mul(ops.mul(x, 0.5), ops.add(ops.tanh(inner), 1));
}
