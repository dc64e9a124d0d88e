/** CAST's behaviour: the directions that are added, and the texts that they are taken from. */
import type { SteeringOf } from "../../protocol/steering.ts";
import type { Backend, Tokens } from "../backend/backend.ts";
import type { FitContext } from "./method.ts";
import { type PrincipalDirection, pairwiseDirection } from "./principalDirection.ts";
import { meanVector, rowsOf } from "./vectors.ts";

/** A refusal and the beginning of a helpful answer, as tokens. */
export interface SuffixPair {
  readonly refusal: Tokens;
  readonly answer: Tokens;
}

/** The texts that a behaviour is taken from. */
export async function suffixPairs(
  { suffixes, suffixTokens }: SteeringOf<"cast">,
  { prompts, encoder }: Pick<FitContext, "prompts" | "encoder">,
): Promise<{ pairs: SuffixPair[]; notes: string[] }> {
  const count = Math.min(suffixes, prompts.refusals.length, prompts.answers.length);
  const tokens = async (texts: readonly string[]) =>
    (await encoder.openings(texts.slice(0, count))).map((ids) => ids.slice(0, suffixTokens));
  const [refusals, helpful] = [await tokens(prompts.refusals), await tokens(prompts.answers)];
  return {
    pairs: refusals.map((refusal, i) => ({ refusal, answer: helpful[i]! })),
    notes:
      count < suffixes
        ? [`There were ${count} pairs of a refusal and a helpful answer, and suffixes asks for ${suffixes}.`]
        : [],
  };
}

/**
 * Behaviour directions at the outputs of blocks: every question followed by every refusal and by the answer at its side, mean over
 * the tokens of the latter.
 *
 * @returns for each block.
 */
export async function behaviourDirections(
  backend: Backend,
  questions: readonly Tokens[],
  pairs: readonly SuffixPair[],
  blocks: readonly number[],
): Promise<PrincipalDirection[]> {
  const layers = blocks.map((block) => block + 1);
  const means = async (suffixOf: (pair: SuffixPair) => Tokens) => {
    const rows = questions.flatMap((question) =>
      pairs.map((pair) => ({ ids: [...question, ...suffixOf(pair)], start: question.length })),
    );
    const positions = rows.map(({ ids, start }) => ids.map((_, t) => t).slice(start));
    const found = await backend.features(
      rows.map(({ ids }) => ids),
      { layers, pooling: { positions } },
    );
    return layers.map((layer) => {
      const tokens = rowsOf(found.get(layer)!);
      return positions.map(({ length }) => meanVector(tokens.splice(0, length)));
    });
  };
  const refusing = await means(({ refusal }) => refusal);
  const answering = await means(({ answer }) => answer);
  return refusing.map((of, i) => pairwiseDirection(of, answering[i]!));
}
