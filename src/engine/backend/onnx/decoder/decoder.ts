import type { Architecture } from "../../../model/architecture.ts";
import { ops } from "../graph/ops.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Attention } from "./attention.ts";
import { Head } from "./head.ts";
import type { ParameterInputs } from "./parameters.ts";

/** Masks for the input of an adapter's A, given the module's input (N, in); the identity where there is no dropout. */
export type LoraDropout = (x: Tensor, name: string) => Tensor;

/**
 * One decoder for every architecture: what differs between them is in `Architecture`, as data. Activations are
 * (N, C) with N = B·T tokens; parameters carry their Hugging Face names.
 */
export class Decoder {
  readonly architecture: Architecture;
  private readonly parameters: ParameterInputs;
  private readonly dropout: LoraDropout;

  constructor(architecture: Architecture, parameters: ParameterInputs, dropout: LoraDropout = (x) => x) {
    this.architecture = architecture;
    this.parameters = parameters;
    this.dropout = dropout;
  }

  /** Token embeddings: ids (N) int32 → (N, C). `hidden_states[0]` in Hugging Face's counting. */
  embed(ids: Tensor): Tensor {
    return ops.mul(
      ops.gather(this.parameters.get("model.embed_tokens.weight"), ids),
      this.architecture.embeddingScale,
    );
  }

  /**
   * Blocks from ≤ i < to: x (N, C) → (N, C). The input of block ℓ is `hidden_states[ℓ]`.
   *
   * @param rows the tokens (M) int32 whose features are wanted; the result is then (M, C), and the last block computes
   *   its output projection and its MLP for them alone.
   */
  blocks(x: Tensor, from: number, to: number, attention: Attention, rows?: Tensor): Tensor {
    if (from === to) return rows ? ops.gather(x, rows) : x;
    let hidden = x;
    for (let layer = from; layer < to; layer++) {
      hidden = this.block(hidden, layer, attention, layer === to - 1 ? rows : undefined);
    }
    return hidden;
  }

  /** The norm before the head: (N, C) → (N, C). Hugging Face's last hidden state is after it. */
  finalNorm(x: Tensor): Tensor {
    return this.norm(x, "model.norm");
  }

  /** The output head; its weight is the input embedding where the two are tied. */
  head(): Head {
    return new Head(this.headWeight(), this.architecture.logits);
  }

  /**
   * Logits that the final norm and a head read from features h (M, C) → (M, V), without the blocks between (a logit
   * lens). Norm and head are constants in the backward pass: only h gets a gradient.
   *
   * @param weight output embedding (V, C); the model's own where it is left out.
   */
  lens(h: Tensor, weight: Tensor = this.headWeight()): Tensor {
    const { epsilon } = this.architecture.norm;
    const normed = ops.rmsNorm(h, ops.detach(this.normWeight("model.norm")), epsilon);
    return new Head(ops.detach(weight), this.architecture.logits).logits(normed);
  }

  private headWeight(): Tensor {
    return this.parameters.get(
      this.architecture.tiedEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight",
    );
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
    const mixed = this.linear(chosen(seen), [`${name}.self_attn.o_proj`])[0];
    const attended = ops.add(chosen(x), ops.mul(after(mixed, "post_attention_layernorm"), residualScale));
    const answered = after(this.mlp(before(attended, beforeMlp), layer), afterMlp);
    return ops.add(attended, ops.mul(answered, residualScale));
  }

  /** What the tokens take from each other, before the output projection: (N, C) → (N, H·D). */
  private attend(x: Tensor, layer: number, attention: Attention): Tensor {
    const { heads, kvHeads, headDim, fusedQkv, qkNorm, norm } = this.architecture;
    const name = `model.layers.${layer}.self_attn`;
    const [q, k, v] = fusedQkv
      ? pieces(this.linear(x, [`${name}.qkv_proj`])[0], [
          heads * headDim,
          kvHeads * headDim,
          kvHeads * headDim,
        ])
      : this.linear(x, [`${name}.q_proj`, `${name}.k_proj`, `${name}.v_proj`]);
    const normed = (y: Tensor, which: string): Tensor => {
      if (qkNorm === "none") return y;
      const weight = this.parameters.get(`${name}.${which}.weight`);
      const perHead = [(y.shape[0] * y.shape[1]) / headDim, headDim];
      const rows = qkNorm === "head" ? ops.reshape(y, perHead) : y;
      return ops.reshape(ops.rmsNorm(rows, weight, norm.epsilon), y.shape);
    };
    return attention.attend(layer, { q: normed(q, "q_norm"), k: normed(k, "k_norm"), v });
  }

  /** down(act(gate(x))∘up(x)). */
  private mlp(x: Tensor, layer: number): Tensor {
    const { fusedGateUp, intermediateSize, activation } = this.architecture;
    const name = `model.layers.${layer}.mlp`;
    const [gate, up] = fusedGateUp
      ? pieces(this.linear(x, [`${name}.gate_up_proj`])[0], [intermediateSize, intermediateSize])
      : this.linear(x, [`${name}.gate_proj`, `${name}.up_proj`]);
    const activated = activation === "silu" ? ops.silu(gate) : geluTanh(gate);
    return this.linear(ops.mul(activated, up), [`${name}.down_proj`])[0];
  }

  /**
   * The linear modules that share the input x (N, in): y_m = x·W_mᵀ (+ bias) (+ s_m·(x·A_mᵀ)·B_mᵀ), (N, out_m) each.
   * Their A are stacked, so x is read once for all of them; each B is added inside its own product.
   */
  private linear(x: Tensor, modules: readonly string[]): Tensor[] {
    const adapted = modules.flatMap((module) => {
      const adapter = this.parameters.adapter(module);
      return adapter ? [{ module, ...adapter }] : [];
    });
    const updates = new Map<string, Tensor>();
    if (adapted.length) {
      const stacked = ops.concat(
        adapted.map(({ a }) => a),
        0,
      );
      const inner = ops.gemm(this.dropout(x, modules[0]), stacked, { transB: true });
      const ranks = adapted.map(({ a }) => a.shape[0]);
      pieces(inner, ranks).forEach((u, i) => {
        const { module, b, scale } = adapted[i];
        updates.set(module, ops.mul(ops.gemm(u, b, { transB: true }), scale));
      });
    }
    return modules.map((module) => {
      const product = ops.gemm(x, this.parameters.get(`${module}.weight`), { transB: true });
      const bias = `${module}.bias`;
      const base = this.parameters.has(bias) ? ops.add(product, this.parameters.get(bias)) : product;
      const update = updates.get(module);
      return update ? ops.add(base, update) : base;
    });
  }

  private norm(x: Tensor, name: string): Tensor {
    return ops.rmsNorm(x, this.normWeight(name), this.architecture.norm.epsilon);
  }

  private normWeight(name: string): Tensor {
    const { offset } = this.architecture.norm;
    const weight = this.parameters.get(`${name}.weight`);
    return offset ? ops.add(weight, offset) : weight;
  }
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
