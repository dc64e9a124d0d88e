import type { Attributes } from "../../../src/engine/graph/primitive.ts";
import { at, build, type Reference } from "./reference_value.ts";

/**
 * Attention over a cache as `groupQueryAttention` promises it. When the longest length equals S it is the first
 * call: row b's tokens stand at positions 0 … S−1 and only those up to its last index are real. Later its S tokens end
 * at its last index. A token sees the cache up to itself, within the window. Results: y (B, S, H·D), and the caches
 * with the real tokens written at their positions; what lies behind, and y of padding, is unspecified (NaN).
 */
export function referenceAttention(
  inputs: readonly Reference[],
  { heads, kvHeads, scale, softcap, window }: Attributes["groupQueryAttention"],
): Reference {
  const [q, k, v, pastKey, pastValue, lastIndex, longest] = inputs;
  const [, tokens] = q.shape;
  const dim = q.shape[2] / heads;
  const last = (b: number) => at(lastIndex, [b, 0]);
  const first = (b: number) => (longest.data[0] === tokens ? 0 : last(b) - tokens + 1);

  const present = (now: Reference, past: Reference) =>
    build(past.shape, ([b, head, position, j]) => {
      if (position > last(b)) return Number.NaN;
      const token = position - first(b);
      return token >= 0 ? at(now, [b, token, head * dim + j]) : at(past, [b, head, position, j]);
    });
  const keys = present(k, pastKey);
  const values = present(v, pastValue);

  const y = build(q.shape, ([b, token, c]) => {
    const position = first(b) + token;
    if (position > last(b)) return Number.NaN;
    const head = Math.floor(c / dim);
    const group = Math.floor((head * kvHeads) / heads);
    const from = window < 0 ? 0 : Math.max(0, position - window + 1);
    const weights = Array.from({ length: position + 1 - from }, (_, i) => {
      let dot = 0;
      for (let j = 0; j < dim; j++) {
        dot += at(q, [b, token, head * dim + j]) * at(keys, [b, group, from + i, j]);
      }
      const score = scale * dot;
      return Math.exp(softcap > 0 ? softcap * Math.tanh(score / softcap) : score);
    });
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const mixed = weights.reduce(
      (sum, weight, i) => sum + weight * at(values, [b, group, from + i, c % dim]),
      0,
    );
    return mixed / total;
  });
  return { ...y, more: [keys, values] };
}
