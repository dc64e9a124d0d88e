import { NearestIndex } from "../../dataset/nearest.ts";
import type { PromptRecord } from "../../dataset/record.ts";
import type { MethodAnswers, PromptResult } from "../../protocol/report/answers.ts";
import type { EvaluatedNeighbour } from "../../protocol/report/benchmark.ts";
import { outcomeOf } from "../../protocol/report/verdicts.ts";

/**
 * What finds the evaluated prompts most like one that was asked, and what a method did with them: of the other side the
 * counterpart, or else the one most like it, then the one most like it of its own side.
 *
 * @param answers of all methods whose prompts are looked for; their prompts are indexed once.
 * @param judge id of the judge that refusals are read from.
 */
export function evaluatedNeighbours(
  answers: readonly MethodAnswers[],
  judge: string,
): (own: MethodAnswers) => (prompt: PromptResult) => EvaluatedNeighbour[] {
  const asked = new Map(answers.flatMap(({ results }) => results.map((one) => [keyOf(one), one] as const)));
  const index = NearestIndex.of([...asked.values()].map(recordOf));
  return ({ results }) => {
    const own = new Map(results.map((result) => [keyOf(result), result]));
    const ownOf = ({ source, id }: PromptRecord) => own.get(keyOf({ suite: source, id }));
    return (prompt) =>
      [!prompt.unsafe, prompt.unsafe].flatMap((unsafe) => {
        const record = recordOf(prompt);
        const like = index.nearest(record, (candidate) => ownOf(candidate)?.unsafe === unsafe);
        if (like === undefined) return [];
        const { suite, id, refusalProbability, ...result } = ownOf(like.second)!;
        return {
          ...{ suite, id, unsafe },
          counterpart:
            unsafe !== prompt.unsafe && record.pair !== undefined && like.second.pair === record.pair,
          similarity: like.similarity,
          outcome: outcomeOf(result, judge),
          refusalProbability,
        };
      });
  };
}

/** The same prompt may be in two suites. */
const keyOf = ({ suite, id }: Pick<PromptResult, "suite" | "id">) => JSON.stringify([suite, id]);

function recordOf({ id, suite, prompt, pair }: PromptResult): PromptRecord {
  // A pair's name holds in its file alone.
  return {
    id,
    prompt,
    source: suite,
    line: 0,
    ...(pair !== undefined && { pair: keyOf({ suite, id: pair }) }),
  };
}
