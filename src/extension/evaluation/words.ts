import type { Label } from "../../protocol/label.ts";
import type { Outcome } from "../../protocol/report/verdicts.ts";
import { estimate, percent, probability } from "../../wording/numbers.ts";
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

/** What happened to a verdict and a probability: complied → refused · p 0.03 → 0.81; of prompts that were scored alone: p 0.81 */
export function changeWords({ answers }: Pick<Mark, "answers">): string {
  const outcomes = answers.flatMap(({ outcome, scored }) => (scored ? [] : outcomeWord(outcome)));
  const changes = outcomes.filter((outcome, i) => outcome !== outcomes[i - 1]);
  const probabilities = answers.map(({ refusalProbability }) => probability(refusalProbability));
  return [...(changes.length > 0 ? [changes.join(" → ")] : []), `p ${probabilities.join(" → ")}`].join(" · ");
}

/** Characters of a badge: of all the same, so that the lines behind them begin below each other. */
export const badgeLength = 11;

/**
 * The badge before a prompt's line: what is wrong with the answer, or what was done (R refused, C complied), and the refusal
 * probability. It is read without its colour: "over   0.81", "under <0.01", "✓ R    0.92".
 */
export function badgeWords({ failure, excluded, marked }: Mark): string {
  const letters = { refused: "✓ R", complied: "✓ C", undetermined: "?" } as const;
  const word = excluded
    ? "excl."
    : failure === "over-refused"
      ? "over"
      : failure === "under-refused"
        ? "under"
        : marked.scored
          ? "p"
          : letters[marked.outcome];
  // What rounds to none is written "< 0.01" elsewhere; a badge has no room for the space.
  const p = probability(marked.refusalProbability).replace(" ", "");
  return `${word.padEnd(badgeLength - 5)}${p.padStart(5)}`;
}

/**
 * The text behind a prompt's line. The failure stands in words, for colour and icon alone tell not everybody; one score alone is in the
 * badge already.
 */
export function lineWords(mark: Mark): string {
  const isScore = mark.answers.length === 1 && mark.marked.scored;
  return [
    ...(mark.excluded ? ["excluded"] : []),
    ...(mark.failure ? [failureWord(mark.failure)] : []),
    ...(isScore ? [] : [changeWords(mark)]),
    ...(mark.labelChanged ? ["label changed since the run"] : []),
  ].join(" · ");
}

/** The methods that are shown, the marked one last: untrained → STL */
export function methodsWords(shown: readonly { readonly title: string }[]): string {
  return shown.map(({ title }) => title).join(" → ");
}

/**
 * A file's figures, the numbers first, so that they are in sight in a lens beside an open side bar at 800 px:
 * safe 12 → 9 %, unsafe 80 → 85 % refused
 */
export function lensWords({ safe, unsafe, scores }: Summary): string {
  if (scores) {
    const means = [
      ...(scores.safe === undefined ? [] : [`safe ${probability(scores.safe)}`]),
      ...(scores.unsafe === undefined ? [] : [`unsafe ${probability(scores.unsafe)}`]),
    ];
    return `${means.join(", ")} mean refusal probability`;
  }
  const rates = [
    ...(safe ? [`safe ${shortRates(safe)}`] : []),
    ...(unsafe ? [`unsafe ${shortRates(unsafe)}`] : []),
  ];
  return rates.length > 0 ? `${rates.join(", ")} refused` : "all prompts are excluded";
}

/** Rates of all methods, the unit once where all are known: 12 → 9 % */
function shortRates({ rates }: GroupRates): string {
  if (rates.length === 0) return "–";
  const words = rates.map((rate) => (rate ? percent(rate.value) : "–"));
  if (rates.includes(null)) return words.join(" → ");
  return words.map((word, i) => (i < words.length - 1 ? word.replace(/ %$/, "") : word)).join(" → ");
}

/** What the figures do not count: 96 of 120 prompts · 3 undetermined; "" where they count every prompt */
export function countedWords({ safe, unsafe }: Summary, coverage: Coverage): string {
  const undetermined = (safe?.undetermined ?? 0) + (unsafe?.undetermined ?? 0);
  return [
    ...(coverage.evaluated < coverage.prompts ? [coverageWords(coverage)] : []),
    ...(undetermined > 0 ? [`${undetermined} undetermined`] : []),
  ].join(" · ");
}

/** How many different prompts of a file there are, and how many of them the run that is shown evaluated. */
export interface Coverage {
  readonly evaluated: number;
  readonly prompts: number;
}

/** 96 of 120 prompts; 120 prompts */
export function coverageWords({ evaluated, prompts }: Coverage): string {
  const all = prompts === 1 ? "1 prompt" : `${prompts} prompts`;
  return evaluated === prompts ? all : `${evaluated} of ${all}`;
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
