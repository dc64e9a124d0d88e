import { leastOf } from "../../statistics/extremes.ts";
import type { Backend } from "../backend/backend.ts";
import type { PromptEncoder } from "../chat/encoding.ts";
import {
  type AskedPrompt,
  type OwnAnswer,
  type OwnAnswersOptions,
  ownAnswers,
  ownOutcome,
} from "./ownAnswers.ts";

/** Why none of a prompt's answers is kept. */
export type LeftOutReason = "refused" | "undetermined" | "not ended" | "too long";

/** What became of a prompt: the answer that is kept, or why none is, with the first answer. */
export type Distilled<P extends AskedPrompt> = { readonly asked: P } & (
  | { readonly kept: OwnAnswer }
  | { readonly reason: LeftOutReason; readonly first?: OwnAnswer }
);

/**
 * Self-distils helpful answers: the model's own answers to prompts, of which those are kept that ended, that the judge finds to
 * comply, and that fit the limit with their prompt, so that the token that ends them is learned. Of several the one with the
 * highest mean log-probability per token.
 */
export async function distilHelpful<P extends AskedPrompt>(
  backend: Backend,
  encoder: PromptEncoder,
  prompts: readonly P[],
  options: OwnAnswersOptions,
): Promise<Distilled<P>[]> {
  const answers = await ownAnswers(backend, encoder, prompts, options);
  const results: Distilled<P>[] = [];
  for (const [i, asked] of prompts.entries()) {
    const given = answers[i]!;
    const complying = given.filter((one) => one.ended && ownOutcome(one) === "complied");
    const pairs = await encoder.pairs(
      complying.map(({ response }) => ({ prompt: asked.prompt, answer: response })),
    );
    const fitting = complying
      .map((answer, at) => ({ answer, example: pairs[at]! }))
      .filter(({ example }) => example.ids.length <= options.limit);
    const examples = fitting.map(({ example }) => example);
    if (fitting.length > 1) options.onTokens?.(examples.reduce((sum, { ids }) => sum + ids.length, 0));
    const best = fitting.length < 2 ? fitting[0] : fitting[await mostProbable(backend, examples)];
    results.push(
      best === undefined
        ? { asked, reason: reasonOf(given, complying.length > 0), ...(given[0] && { first: given[0] }) }
        : { asked, kept: best.answer },
    );
  }
  return results;
}

/** The example with the lowest loss per token; the first of equals. */
async function mostProbable(backend: Backend, examples: Parameters<Backend["losses"]>[0]): Promise<number> {
  const losses = await backend.losses(examples);
  const means = losses.map(({ loss, tokens }) => loss / tokens);
  return means.indexOf(leastOf(means));
}

/** Why nothing of the answers is kept: the mildest of the reasons, since the other answers had further ones. */
function reasonOf(answers: readonly OwnAnswer[], complied: boolean): LeftOutReason {
  if (complied || answers.length === 0) return "too long";
  const outcomes = answers.map(ownOutcome);
  if (outcomes.includes("complied")) return "not ended";
  return outcomes.includes("refused") ? "refused" : "undetermined";
}
