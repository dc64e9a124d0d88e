import type { AdamWSpec } from "../../backend.ts";
import { ops } from "../graph/ops.ts";
import { scalar, type Tensor } from "../graph/tensor.ts";

/** What changes from step to step. */
export interface UpdateStep {
  readonly rate: number;
  /** Multiplies every gradient: the factor that clips. */
  readonly scale: number;
  /** 1-based count of updates, for the bias correction. */
  readonly t: number;
}

/** How a parameter moves by its gradient. */
export interface UpdateRule {
  /** The numbers of one step that the rule reads, by name. */
  numbers(step: UpdateStep): Record<string, number>;
  /** @param number gives the tensor of a number by its name; what is made of numbers alone is made once for all parameters. */
  over(
    number: (name: string) => Tensor,
  ): (
    parameter: Tensor,
    gradient: Tensor,
    moments: readonly Tensor[],
  ) => { readonly parameter: Tensor; readonly moments: readonly Tensor[] };
}

/** Plain stochastic gradient descent, p′ = p − η·g: no momentum, no decay. */
export const sgd: UpdateRule = {
  numbers: ({ rate, scale }) => ({ rate: rate * scale }),
  over(number) {
    const rate = number("rate");
    return (p, g) => ({ parameter: ops.sub(p, ops.mul(g, rate)), moments: [] });
  },
};

/**
 * AdamW with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2): m′ = β₁m + (1−β₁)g, v′ = β₂v + (1−β₂)g²,
 * p′ = p·(1 − ηλ) − η/(1−β₁ᵗ) · m′/(√v′/√(1−β₂ᵗ) + ε).
 */
export function adamW({ betas: [beta1, beta2], epsilon, weightDecay }: AdamWSpec): UpdateRule {
  return {
    numbers: ({ rate, scale, t }) => ({
      scale,
      decay: 1 - rate * weightDecay,
      rate: rate / (1 - beta1 ** t),
      root: 1 / Math.sqrt(1 - beta2 ** t),
    }),
    over(number) {
      const [scale, decay, rate, root] = ["scale", "decay", "rate", "root"].map(number) as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
      ];
      const first = ops.mul(scale, 1 - beta1);
      const second = ops.mul(ops.mul(scale, scale), 1 - beta2);
      const [keep1, keep2, tiny] = [scalar(beta1), scalar(beta2), scalar(epsilon)];
      return (p, g, [m, v]) => {
        const m2 = ops.add(ops.mul(m!, keep1), ops.mul(g, first));
        const v2 = ops.add(ops.mul(v!, keep2), ops.mul(ops.mul(g, g), second));
        const step = ops.div(ops.mul(m2, rate), ops.add(ops.mul(ops.sqrt(v2), root), tiny));
        return { parameter: ops.sub(ops.mul(p, decay), step), moments: [m2, v2] };
      };
    },
  };
}
