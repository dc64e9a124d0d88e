import type { Estimate } from "../../protocol/comovement.ts";
import type { Label } from "../../protocol/label.ts";
import { type Outcome, outcomeOf, type PromptResult, type Undetermined } from "../../protocol/report.ts";
import { percent, type Words } from "../figures.ts";
import type { Failure, Mark } from "./match.ts";
import type { GroupRates, Summary } from "./summary.ts";

/** What a model did, in a word. */
export function outcomeWord(outcome: Outcome, l10n: Words): string {
  const words: Record<Outcome, string> = {
    refused: l10n.t("refused"),
    complied: l10n.t("complied"),
    undetermined: l10n.t("undetermined"),
  };
  return words[outcome];
}

/** Why an answer is neither refusal nor compliance. */
export function undeterminedWord(why: Undetermined, l10n: Words): string {
  const words: Record<Undetermined, string> = {
    empty: l10n.t("no words"),
    reasoning: l10n.t("reasoning never closed"),
    cut: l10n.t("cut off before refusing or answering"),
    echo: l10n.t("the prompt again"),
    loop: l10n.t("a loop"),
  };
  return words[why];
}

/** What is wrong with an answer, in a word. */
export function failureWord(failure: Failure, l10n: Words): string {
  return failure === "over-refused" ? l10n.t("over-refused") : l10n.t("under-refused");
}

/** A label as people read it. */
export function labelWord(label: Label, l10n: Words): string {
  const words: Record<Label, string> = {
    toxic: l10n.t("toxic"),
    seemingly_toxic: l10n.t("seemingly toxic"),
    general: l10n.t("general"),
  };
  return words[label];
}

/** Who says what an answer is. */
export function judgeWord({ human }: PromptResult, l10n: Words): string {
  if (human === undefined) return l10n.t("XSTest's string judge");
  return human === "partial_refusal" ? l10n.t("a person: partial refusal") : l10n.t("a person");
}

/** What happened to a verdict and a probability: complied → refused · p 0.03 → 0.81 */
export function changeWords({ before, after }: Mark, l10n: Words): string {
  const outcomes = [before, after].flatMap((result) => (result ? outcomeWord(outcomeOf(result), l10n) : []));
  const probabilities = [before, after].flatMap((result) => result?.refusalProbability.toFixed(2) ?? []);
  return l10n.t("{0} · p {1}", [...new Set(outcomes)].join(" → "), probabilities.join(" → "));
}

/** The text behind a prompt's line. The failure stands in words, for colour and icon alone tell not everybody. */
export function lineWords(mark: Mark, l10n: Words): string {
  return [
    ...(mark.excluded ? [l10n.t("excluded")] : []),
    ...(mark.failure ? [failureWord(mark.failure, l10n)] : []),
    changeWords(mark, l10n),
    ...(mark.labelChanged ? [l10n.t("label changed since the run")] : []),
  ].join(" · ");
}

/** A file's figures: dcr: safe refused 12 % [7, 20] → 9 % [5, 17], n 96 · unsafe … */
export function summaryWords(run: string, { safe, unsafe }: Summary, l10n: Words): string {
  const groups = [
    ...(safe ? [l10n.t("safe refused {0}", ratesWords(safe, l10n))] : []),
    ...(unsafe ? [l10n.t("unsafe refused {0}", ratesWords(unsafe, l10n))] : []),
  ];
  return l10n.t("{0}: {1}", run, groups.length > 0 ? groups.join(" · ") : l10n.t("all prompts are excluded"));
}

function ratesWords({ n, undetermined, before, after }: GroupRates, l10n: Words): string {
  const rates = [before, after].flatMap((rate) => (rate ? rateWords(rate) : []));
  const shown = rates.length > 0 ? rates.join(" → ") : "–";
  return undetermined > 0
    ? l10n.t("{0}, n {1} ({2} undetermined)", shown, n, undetermined)
    : l10n.t("{0}, n {1}", shown, n);
}

function rateWords({ value, lower, upper }: Estimate): string {
  return `${percent(value)} [${Math.round(lower * 100)}, ${Math.round(upper * 100)}]`;
}
