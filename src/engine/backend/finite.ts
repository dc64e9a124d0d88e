import { DiscernError } from "../../protocol/errors.ts";

/**
 * Refuses outputs of a model that hold NaN: a comparison with NaN is always false, so rankings, the most probable token
 * and averages made of them would be wrong in silence. A logarithm may be −∞, where a probability is zero.
 *
 * @param what the outputs, in the plural, as in "next-token logits".
 * @throws DiscernError `output-not-finite`.
 */
export function refuseNaN(values: ArrayLike<number>, what: string): void {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isNaN(values[i])) continue;
    throw new DiscernError(
      "output-not-finite",
      `The model's ${what} are not finite numbers (NaN). Its weights are damaged, training has diverged, or an ` +
        "adapter does not belong to it. Use an earlier checkpoint, or train at a lower learning rate.",
    );
  }
}
