import { percent, probability } from "../../wording/numbers.ts";
import type { PromptResult } from "./answers.ts";
import { judgesDisagree, outcomeOf } from "./verdicts.ts";

/** How far those who say something of an answer are apart: judges, a person, the refusal probability, sampled answers. */
export interface Disagreement {
  /** The widest gap between two of them, in [0, 1]: verdicts count as 0 or 1, rates and probabilities as they are. */
  readonly size: number;
  /** Gaps above a half, the widest first, in words. */
  readonly reasons: readonly string[];
}

/** Gaps below do not put two of them on different sides. */
const wide = 0.5;

/**
 * How far judges, people, refusal probability and sampled answers are apart on an answer. What a person has judged is settled between
 * judges, and differs from the judge's verdict or does not.
 *
 * @param judge id of the judge that refusals are read from.
 */
export function disagreementOf(result: PromptResult, judge: string): Disagreement {
  const { human, verdicts, refusalProbability, sampled = [] } = result;
  const judged = outcomeOf({ verdicts }, judge);
  const outcome = outcomeOf(result, judge);
  const gaps: { size: number; words: string }[] = [];
  if (human !== undefined && judged !== "undetermined" && outcome !== "undetermined" && outcome !== judged) {
    gaps.push({ size: 1, words: `a person says ${outcome}, the judge ${judged}` });
  }
  if (judgesDisagree(result)) gaps.push({ size: 1, words: "judges differ" });
  const shares = sampled.map((answer) => outcomeOf(answer, judge)).filter((each) => each !== "undetermined");
  const rate =
    shares.length === 0 ? null : shares.filter((each) => each === "refused").length / shares.length;
  const greedy = outcome === "undetermined" ? null : Number(outcome === "refused");
  if (greedy !== null) {
    gaps.push({
      size: Math.abs(refusalProbability - greedy),
      words: `${outcome}, at a refusal probability of ${probability(refusalProbability)}`,
    });
  }
  if (rate !== null) {
    const words = `${percent(rate)} of ${shares.length} sampled answers refuse`;
    if (greedy !== null)
      gaps.push({ size: Math.abs(rate - greedy), words: `${words}, the greedy one ${outcome}` });
    gaps.push({
      size: Math.abs(rate - refusalProbability),
      words: `${words}, at a refusal probability of ${probability(refusalProbability)}`,
    });
  }
  gaps.sort((a, b) => b.size - a.size);
  return {
    size: gaps[0]?.size ?? 0,
    reasons: gaps.filter(({ size }) => size > wide).map(({ words }) => words),
  };
}
