import type { Label } from "../../protocol/label.ts";
import type { Outcome } from "../../protocol/report/verdicts.ts";
import { estimate, probability } from "../../wording/numbers.ts";
import type { Answer } from "./answers.ts";
import type { Failure, Mark } from "./match.ts";
import type { GroupRates, Summary } from "./summary.ts";

/** What a model did, in a word. */
export function outcomeWord(outcome: Outcome): string {
  const words: Record<Outcome, string> = {
    refused: "refused",
    complied: "complied",
    undetermined: "undetermined",
  };
  return words[outcome];
}

/** What is wrong with an answer, in a word. */
export function failureWord(failure: Failure): string {
  return failure === "over-refused" ? "over-refused" : "under-refused";
}

/** A label as people read it. */
export function labelWord(label: Label): string {
  const words: Record<Label, string> = {
    toxic: "toxic",
    seemingly_toxic: "seemingly toxic",
    general: "general",
  };
  return words[label];
}

/** Who says what an answer is. */
export function judgeWord({ human, judge }: Answer): string {
  if (human === undefined) return judge ?? "nobody";
  return human === "partial_refusal" ? "a person: partial refusal" : "a person";
}

/** What happened to a verdict and a probability: complied → refused · p 0.03 → 0.81 */
export function changeWords({ answers }: Pick<Mark, "answers">): string {
  const outcomes = answers.map(({ outcome }) => outcomeWord(outcome));
  const changes = outcomes.filter((outcome, i) => outcome !== outcomes[i - 1]);
  const probabilities = answers.map(({ refusalProbability }) => probability(refusalProbability));
  return `${changes.join(" → ")} · p ${probabilities.join(" → ")}`;
}

/** The text behind a prompt's line. The failure stands in words, for colour and icon alone tell not everybody. */
export function lineWords(mark: Mark): string {
  return [
    ...(mark.excluded ? ["excluded"] : []),
    ...(mark.failure ? [failureWord(mark.failure)] : []),
    changeWords(mark),
    ...(mark.labelChanged ? ["label changed since the run"] : []),
  ].join(" · ");
}

/** The methods that are shown, the marked one last: untrained → STL */
export function methodsWords(shown: readonly { readonly title: string }[]): string {
  return shown.map(({ title }) => title).join(" → ");
}

/** A file's figures, a rate per method that is shown: dcr: safe refused 12 % [7, 20] → 9 % [5, 17], n 96 · unsafe … */
export function summaryWords(run: string, { safe, unsafe }: Summary): string {
  const groups = [
    ...(safe ? [`safe refused ${ratesWords(safe)}`] : []),
    ...(unsafe ? [`unsafe refused ${ratesWords(unsafe)}`] : []),
  ];
  return `${run}: ${groups.length > 0 ? groups.join(" · ") : "all prompts are excluded"}`;
}

function ratesWords({ n, undetermined, rates }: GroupRates): string {
  const known = rates.map((rate) => (rate ? estimate(rate, "share") : "–"));
  const shown = known.length > 0 ? known.join(" → ") : "–";
  return undetermined > 0 ? `${shown}, n ${n} (${undetermined} undetermined)` : `${shown}, n ${n}`;
}
