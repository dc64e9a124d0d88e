import { DiscernError } from "../../protocol/errors.ts";
import type { SteeringGroup } from "../../protocol/steering.ts";
import type { SteeringRecord } from "../../protocol/steeringRecord.ts";
import { shuffled, stream } from "../../statistics/random.ts";
import type { Backend, Tokens } from "../backend/backend.ts";
import type { Intervention } from "../backend/interventions.ts";
import { chunks } from "../probe/meanActivations.ts";
import { logOdds } from "../probe/refusal.ts";
import type { FitContext } from "./method.ts";

/** The prompts of a group that a direction is taken from, and those that candidates are compared on. */
export interface Split {
  readonly train: readonly Tokens[];
  readonly validation: readonly Tokens[];
}

/** How many prompts of a group are wanted. */
type Wanted = Readonly<Record<"train" | "validation", number>>;

/**
 * Draws training and validation prompts of each group, without repeats. Where a group has too few for both, both shrink in their ratio.
 *
 * @throws DiscernError `group-too-small` for fewer than four prompts.
 */
export async function splitGroups<G extends SteeringGroup>(
  groups: readonly G[],
  wanted: Wanted,
  { prompts, encoder, seed }: Pick<FitContext, "prompts" | "encoder" | "seed">,
): Promise<Record<G, Split>> {
  const entries: [G, Split][] = [];
  for (const group of groups) {
    const drawn = shuffled([...new Set(prompts[group])], stream(seed, "steering", group));
    if (drawn.length < leastPrompts) {
      throw tooFew(
        group,
        `there are ${drawn.length} different prompts, and at least ${leastPrompts} are needed`,
      );
    }
    entries.push([group, await splitOf(drawn, wanted, encoder)]);
  }
  return Object.fromEntries(entries) as Record<G, Split>;
}

/** Prompts that can be split: two to fit on, and two to compare on. */
export const leastPrompts = 4;

/** The first of drawn prompts, for training and validation. @param drawn at least `leastPrompts` of them. */
export async function splitOf(
  drawn: readonly string[],
  wanted: Wanted,
  encoder: FitContext["encoder"],
): Promise<Split> {
  const { train, validation } = counts(drawn.length, wanted);
  const ids = await encoder.prompts(drawn.slice(0, train + validation));
  return { train: ids.slice(0, train), validation: ids.slice(train) };
}

function counts(n: number, wanted: Wanted): Wanted {
  const all = wanted.train + wanted.validation;
  if (n >= all) return wanted;
  const validation = Math.min(n - 2, Math.max(2, Math.round((n * wanted.validation) / all)));
  return { train: n - validation, validation };
}

/** What a report says of the prompts of each group. */
export function promptCounts(
  splits: Partial<Record<SteeringGroup, Split>>,
  prompts: FitContext["prompts"],
): SteeringRecord["prompts"] {
  return Object.fromEntries(
    Object.entries(splits).map(([group, { train, validation }]) => [
      group,
      { given: prompts[group as SteeringGroup].length, train: train.length, validation: validation.length },
    ]),
  );
}

/** @returns the error of a group that has too few prompts. */
export function tooFew(group: SteeringGroup, why: string): DiscernError {
  return new DiscernError(
    "group-too-small",
    `The steering cannot be fitted on its ${groupWords[group]} prompts: ${why}. Add prompts of that group by steering.data.${group}.`,
  );
}

const groupWords: Record<SteeringGroup, string> = {
  harmful: "harmful",
  harmless: "harmless",
  pseudoHarmful: "pseudo-harmful",
  refusals: "refusal",
  answers: "helpful-answer",
};

/** The distribution of the first answer token of each prompt, as log-probabilities (V), chunk by chunk. */
export async function* nextTokens(
  backend: Backend,
  prompts: readonly Tokens[],
  interventions: readonly Intervention[] = [],
): AsyncGenerator<Float32Array> {
  for (const chunk of chunks(prompts)) {
    const found = await backend.nextTokens(chunk, { interventions });
    for (const i of chunk.keys()) yield found.get(i)!;
  }
}

/** All of them at once, for as many prompts as fit in memory. */
export async function distributions(
  backend: Backend,
  prompts: readonly Tokens[],
  interventions: readonly Intervention[] = [],
): Promise<Float32Array[]> {
  const found: Float32Array[] = [];
  for await (const each of nextTokens(backend, prompts, interventions)) found.push(each);
  return found;
}

/**
 * The refusal score of each prompt: the log-odds of Σ_{t∈R} p(t) for the first answer token (Arditi et al. 2024, appendix B).
 *
 * @param tokens R.
 */
export async function refusalScores(
  backend: Backend,
  prompts: readonly Tokens[],
  tokens: readonly number[],
  interventions: readonly Intervention[] = [],
): Promise<number[]> {
  const scores: number[] = [];
  for await (const logits of nextTokens(backend, prompts, interventions)) {
    scores.push(refusalScore(logits, tokens));
  }
  return scores;
}

/** @param logProbabilities (V), in nats. */
export function refusalScore(logProbabilities: Float32Array, tokens: readonly number[]): number {
  return logOdds(tokens.reduce((sum, token) => sum + Math.exp(logProbabilities[token]!), 0));
}

/** Mean of numbers; NaN of none. */
export function meanOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
}
