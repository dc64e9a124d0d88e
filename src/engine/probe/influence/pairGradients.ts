import type { Backend, Example, GradientRow, ParameterScope } from "../../backend/backend.ts";
import { logProbabilities, type PreferenceKeys, preferenceLoss } from "../preferenceLoss.ts";
import type { DrawnPair, Interval } from "./intervals.ts";

/** What a pair's loss does to the losses of its answers: L's derivative by each answer's loss. */
interface AnswerFactors {
  readonly preferred: number;
  /** 0 where the pair has one answer. */
  readonly rejected: number;
}

/**
 * ⟨∇RS(x′), ∇L(pair)⟩, by prompt and pair. The loss of a pair with one answer is that of the answer's labelled tokens, summed. That of a
 * preference pair is `preferenceLoss` of Δ, so its gradient is that of the two answers' losses, each times the derivative of L by it: −slope
 * of the preferred answer's log-probability is the factor of its loss, and slope that of the rejected one's.
 *
 * @param factors by pair, as {@link answerFactors} found them.
 */
export async function gradientsMet(
  backend: Backend,
  left: readonly GradientRow[],
  pairs: readonly DrawnPair[],
  factors: readonly AnswerFactors[],
  scope: ParameterScope,
  onProgress?: (share: number) => void,
): Promise<number[][]> {
  const right = lossRows(pairs);
  const options = { scope, sums: "margins" as const, ...(onProgress && { onProgress }) };
  const { sums } = await backend.gradientProducts(left, right, options);
  const layers = sums.filter(({ part }) => part === "all");
  return left.map((_, i) => {
    const of = (row: number) =>
      layers.reduce((sum, { products }) => sum + products[i * right.length + row]!, 0);
    let row = 0;
    return pairs.map(({ against }, j) => {
      const { preferred, rejected } = factors[j]!;
      const product = preferred * of(row++);
      return against ? product + rejected * of(row++) : product;
    });
  });
}

/** The factors of each pair of an interval, with the model as it is. Cost: a forward pass of each answer of a preference pair. */
export async function answerFactors(
  backend: Backend,
  { pairs, preference }: Interval,
): Promise<AnswerFactors[]> {
  if (preference === undefined) return pairs.map(() => ({ preferred: 1, rejected: 0 }));
  const answers = pairs.map(({ example, against }) => ({ chosen: example, rejected: against!.example }));
  const now = await logProbabilities(backend, answers);
  return pairs.map(({ against }, i) => factorsAt(now[i]!, against!.reference, preference));
}

function factorsAt(
  now: { readonly chosen: number; readonly rejected: number },
  reference: { readonly chosen: number; readonly rejected: number },
  preference: PreferenceKeys,
): AnswerFactors {
  const delta = now.chosen - reference.chosen - (now.rejected - reference.rejected);
  const { slope } = preferenceLoss(delta, preference);
  return { preferred: -slope, rejected: slope };
}

/** The texts that gradients of pairs are taken of: of each pair its answer, then its rejected answer where it has one. */
export function lossRows(pairs: readonly DrawnPair[]): GradientRow[] {
  return pairs.flatMap(({ example, against }) =>
    [example, ...(against ? [against.example] : [])].map((each) => ({
      ...each,
      scalar: { type: "answer-loss" as const },
    })),
  );
}

/** A pair with the answers of another one. */
export function withAnswers(pair: DrawnPair, answered: DrawnPair, limit: number): DrawnPair {
  const { against } = pair;
  const other = answered.against?.example ?? answered.example;
  return {
    ...pair,
    example: withAnswer(pair.example, answered.example, limit),
    ...(against && { against: { ...against, example: withAnswer(against.example, other, limit) } }),
  };
}

function withAnswer(prompt: Example, answered: Example, limit: number): Example {
  const ids = [...prompt.ids.slice(0, prompt.promptLength), ...answered.ids.slice(answered.promptLength)];
  return { ids: ids.slice(0, limit), promptLength: prompt.promptLength };
}
