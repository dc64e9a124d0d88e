/** How the next token of an answer follows from logits. */
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { DiscernError } from "../../protocol/errors.ts";
import { stream } from "../../statistics/random.ts";
import type { GenerateOptions } from "./backend.ts";

/** Chooses the token behind a prompt's answer so far. @param t how many tokens the answer has. */
export type ChooseToken = (logits: Float32Array, prompt: number, t: number) => number;

/** The number u, uniform in [0, 1), by which the token of a prompt with so many answer tokens is drawn. */
export type Draw = (prompt: number, t: number) => number;

/**
 * The numbers by which tokens are drawn: they follow from the prompt's seed and t alone, whatever is generated beside it.
 *
 * @returns null where the most probable token is chosen.
 * @throws DiscernError("request-invalid") for a temperature that is not above 0, and for another number of seeds.
 */
export function draws(sampling: GenerateOptions["sampling"], prompts: number): Draw | null {
  if (!sampling) return null;
  const { temperature, seeds } = sampling;
  if (!(temperature > 0 && Number.isFinite(temperature))) {
    throw new DiscernError("request-invalid", `The temperature ${temperature} is not a number above 0.`);
  }
  if (seeds.length !== prompts) {
    throw new DiscernError(
      "request-invalid",
      `Sampling needs a seed for each prompt: there are ${prompts} prompts and ${seeds.length} seeds.`,
    );
  }
  return (prompt, t) => uniformFloat64(stream(seeds[prompt]!, "sample", t));
}

/** The most probable token, or one drawn at a temperature. @throws as {@link draws}. */
export function tokenChooser(sampling: GenerateOptions["sampling"], prompts: number): ChooseToken {
  const draw = draws(sampling, prompts);
  if (!sampling || !draw) return mostProbable;
  return (logits, prompt, t) => drawn(logits, sampling.temperature, draw(prompt, t));
}

/** The first token with the highest logit. */
function mostProbable(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}

/** The token at which the cumulative softmax of logits/T passes u, which is uniform in [0, 1). */
function drawn(logits: Float32Array, temperature: number, u: number): number {
  const highest = logits[mostProbable(logits)]!;
  const weight = (token: number) => Math.exp((logits[token]! - highest) / temperature);
  let total = 0;
  for (let token = 0; token < logits.length; token++) total += weight(token);
  let left = u * total;
  let last = 0;
  for (let token = 0; token < logits.length; token++) {
    const own = weight(token);
    if (own === 0) continue;
    last = token;
    left -= own;
    if (left < 0) return token;
  }
  return last;
}
