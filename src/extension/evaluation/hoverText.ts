import type { PromptRecord } from "../../dataset/record.ts";
import type { Label } from "../../protocol/label.ts";
import { outcomeOf, type PromptResult } from "../../protocol/report.ts";
import type { CommandId } from "../contributionTypes.ts";
import type { Words } from "../figures.ts";
import { cut, escaped, fenced } from "./inert.ts";
import type { Mark } from "./match.ts";
import { type Trail, trailPicture } from "./trailSvg.ts";
import { changeWords, failureWord, judgeWord, labelWord, outcomeWord, undeterminedWord } from "./words.ts";

/** The commands that links of a hover may call, and no others. */
export const hoverCommands = [
  "discern.evaluation.relabel",
  "discern.evaluation.openInReport",
] as const satisfies readonly CommandId[];

/** What a hover tells of. Addresses are URIs in full. */
export interface HoverSubject {
  readonly mark: Mark;
  readonly run: { readonly name: string; readonly folder: string };
  readonly file: string;
  /** Where the prompt is in one of the run's panels. */
  readonly trail?: Trail | undefined;
  readonly nearest?: { readonly record: PromptRecord; readonly label: Label } | undefined;
}

/** What is known of a prompt, as Markdown in which the words of models and files are never markup. */
export function hoverText({ mark, run, file, trail, nearest }: HoverSubject, l10n: Words): string {
  const { before, after, record } = mark;
  return [
    `**${headline(mark, l10n)}** · ${changeWords(mark, l10n)}`,
    [
      link(l10n.t("Relabel…"), "discern.evaluation.relabel", [file, record.id]),
      ...(mark.excluded
        ? []
        : [link(l10n.t("Exclude from training"), "discern.evaluation.relabel", [file, record.id, null])]),
      link(l10n.t("Open in report"), "discern.evaluation.openInReport", [run.folder, after.id]),
    ].join(" | "),
    ...(mark.labelChanged ? [labelChange(mark, l10n)] : []),
    picture(mark, trail, l10n),
    ...(before ? [answer(l10n.t("Before training"), before, l10n)] : []),
    answer(l10n.t("After {0}", escaped(run.name)), after, l10n),
    ...(nearest ? [neighbour(nearest, file, l10n)] : []),
  ].join("\n\n");
}

function headline({ failure, label, excluded, unsafe, after }: Mark, l10n: Words): string {
  if (excluded) return l10n.t("Excluded from training");
  const word = label ? labelWord(label, l10n) : unsafe ? l10n.t("unsafe") : l10n.t("safe");
  if (outcomeOf(after) === "undetermined") return l10n.t("undetermined ({0} prompt)", word);
  return failure
    ? l10n.t("{0} ({1} prompt)", failureWord(failure, l10n), word)
    : l10n.t("as it should be ({0} prompt)", word);
}

function labelChange({ after }: Mark, l10n: Words): string {
  const then = after.label ? labelWord(after.label, l10n) : after.unsafe ? l10n.t("unsafe") : l10n.t("safe");
  return l10n.t("The label changed since the run, which took the prompt for {0}.", then);
}

/** The way of the probability, or its two ends where the run did not probe the prompt; in words, too. */
function picture({ before, after }: Mark, trail: Trail | undefined, l10n: Words): string {
  if (trail === undefined) {
    if (before === undefined) return "";
    const [from, to] = [before.refusalProbability, after.refusalProbability];
    const ends: Trail = {
      points: [
        { step: 0, p: from },
        { step: 1, p: to },
      ],
      stages: [],
      ends: [l10n.t("before"), l10n.t("after training")],
    };
    const alt = l10n.t(
      "Refusal probability {0} before and {1} after training",
      from.toFixed(2),
      to.toFixed(2),
    );
    return `![${alt}](${trailPicture(ends)})`;
  }
  const [first, last] = [trail.points[0]!, trail.points.at(-1)!];
  const highest = trail.points.reduce((best, point) => (point.p > best.p ? point : best));
  const alt = l10n.t(
    "Refusal probability over {0} steps: {1} at first, {2} at last, highest {3} at step {4}",
    ...[last.step, first.p.toFixed(2), last.p.toFixed(2), highest.p.toFixed(2), highest.step],
  );
  return `![${alt}](${trailPicture(trail)})\n\n${l10n.t("Refusal probability over {0} training steps", last.step)}`;
}

function answer(who: string, result: PromptResult, l10n: Words): string {
  const { response } = result;
  const outcome = outcomeWord(outcomeOf(result), l10n);
  const why = result.human === undefined && result.undetermined;
  const verdict = why ? l10n.t("{0}: {1}", outcome, undeterminedWord(why, l10n)) : outcome;
  const said = response.trim() === "" ? l10n.t("(no words)") : fenced(cut(response));
  return `${l10n.t("{0}: **{1}** (judged by {2})", who, verdict, judgeWord(result, l10n))}\n\n${said}`;
}

function neighbour(
  { record, label }: NonNullable<HoverSubject["nearest"]>,
  file: string,
  l10n: Words,
): string {
  const place = `[${l10n.t("line {0}", record.line)}](${destination(`${file}#L${record.line}`)})`;
  const words = escaped(cut(record.prompt, 160));
  return l10n.t("Nearest {0} prompt, {1}: “{2}”", labelWord(label, l10n), place, words);
}

function link(title: string, command: (typeof hoverCommands)[number], args: readonly unknown[]): string {
  return `[${title}](${destination(`command:${command}?${encodeURIComponent(JSON.stringify(args))}`)})`;
}

/** An address whose brackets can not end the link that it stands in. */
function destination(address: string): string {
  return address.replace(/[()<>\s\\]/g, (sign) => `%${sign.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
