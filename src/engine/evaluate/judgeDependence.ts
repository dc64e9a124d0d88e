import type { Comparison, Difference } from "../../protocol/report/comparison.ts";
import type { JudgeInfo } from "../../protocol/report/verdicts.ts";
import { POOLED } from "../../protocol/suite.ts";
import { signedEstimate } from "../../wording/numbers.ts";
import { allMeasures } from "./measures/measures.ts";

/**
 * Which differences of rates hang on the judge: another judge sees another sign, or an interval that holds zero where the first
 * judge's does not, or the reverse. Said of all suites together, or of the one there is.
 */
export function judgeDependence(
  comparisons: readonly Comparison[],
  judges: readonly JudgeInfo[],
  nameOf: (method: string) => string,
): string[] {
  const titleOf = (id: string | undefined) => judges.find((judge) => judge.id === id)?.title ?? id;
  const words = (one: Difference) => `${signedEstimate(one.difference, "points")} by ${titleOf(one.judge)}`;
  const found = comparisons.flatMap(({ first, second, differences, otherJudges = [] }) => {
    const suites = new Set(differences.map(({ suite }) => suite));
    return differences.flatMap((one) => {
      if (one.judge === undefined || (suites.has(POOLED) && one.suite !== POOLED)) return [];
      const others = otherJudges.filter(
        (other) => other.measure === one.measure && other.suite === one.suite && other.group === one.group,
      );
      const contrary = others.filter((other) => conclusion(other) !== conclusion(one));
      if (contrary.length === 0) return [];
      const { title } = allMeasures.find(({ definition }) => definition.id === one.measure)!.definition;
      return [
        `${title}, ${nameOf(second)} minus ${nameOf(first)}: ${[one, ...contrary].map(words).join(", ")}`,
      ];
    });
  });
  // The title of a judge may end in a full stop: "et al."
  const listed = found.join("; ").replace(/\.$/, "");
  return found.length === 0 ? [] : [`Conclusions that hang on the judge: ${listed}.`];
}

/** Which way a difference points: 0 where its interval holds zero. */
function conclusion({ difference: { lower, upper } }: Difference): -1 | 0 | 1 {
  return lower > 0 ? 1 : upper < 0 ? -1 : 0;
}
