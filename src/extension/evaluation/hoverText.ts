import type { PromptRecord } from "../../dataset/record.ts";
import type { Label } from "../../protocol/label.ts";
import { undeterminedWords } from "../../protocol/report/verdicts.ts";
import { probability } from "../../wording/numbers.ts";
import type { CommandId } from "../contributionTypes.ts";
import type { Answer } from "./answers.ts";
import { cut, escaped, fenced } from "./inert.ts";
import type { Mark } from "./match.ts";
import { type Trail, trailPicture } from "./trailSvg.ts";
import { changeWords, failureWord, judgeWord, labelWord, outcomeWord } from "./words.ts";

/** The commands that links of a hover may call, and no others. */
export const hoverCommands = [
  "discern.evaluation.relabel",
  "discern.evaluation.openInReport",
  "discern.playground.open",
] as const satisfies readonly CommandId[];

/** What a hover shows. Addresses are URIs in full. */
export interface HoverSubject {
  readonly mark: Mark;
  /** Folder of the run that is shown. */
  readonly run: string;
  readonly file: string;
  /** Where the prompt is in one of the run's panels. */
  readonly trail?: Trail | undefined;
  readonly nearest?: { readonly record: PromptRecord; readonly label: Label } | undefined;
}

/** What is known of a prompt, as Markdown in which the words of models and files are never markup. */
export function hoverText({ mark, run, file, trail, nearest }: HoverSubject): string {
  const { answers, marked, record } = mark;
  return [
    `**${headline(mark)}** · ${changeWords(mark)}`,
    ...(mark.labelChanged ? [labelChange(mark)] : []),
    ...answers.map(answer),
    ...picture(trail),
    ...(nearest ? [neighbour(nearest, file)] : []),
    [
      link("Relabel…", "discern.evaluation.relabel", [file, record.id]),
      ...(mark.excluded
        ? []
        : [link("Exclude from training", "discern.evaluation.relabel", [file, record.id, null])]),
      link("Open in report", "discern.evaluation.openInReport", [run, marked.id]),
      link("Try this prompt", "discern.playground.open", [record.prompt]),
    ].join(" | "),
  ].join("\n\n");
}

function headline({ failure, label, excluded, unsafe, marked }: Mark): string {
  if (excluded) return "Excluded from training";
  const word = label ? labelWord(label) : unsafe ? "unsafe" : "safe";
  if (marked.scored) return `scored (${word} prompt)`;
  if (marked.outcome === "undetermined") return `undetermined (${word} prompt)`;
  return failure ? `${failureWord(failure)} (${word} prompt)` : `as it should be (${word} prompt)`;
}

function labelChange({ marked }: Mark): string {
  const then = marked.label ? labelWord(marked.label) : marked.unsafe ? "unsafe" : "safe";
  return `The label changed since the run, which took the prompt for ${then}.`;
}

/** The way of the probability while the model was trained, in words, too. Two points are a change that the headline says. */
function picture(trail: Trail | undefined): string[] {
  if (trail === undefined || trail.points.length <= 2) return [];
  const [first, last] = [trail.points[0]!, trail.points.at(-1)!];
  const highest = trail.points.reduce((best, point) => (point.p > best.p ? point : best));
  const alt =
    `Refusal probability over ${last.step} steps: ${probability(first.p)} at first, ` +
    `${probability(last.p)} at last, highest ${probability(highest.p)} at step ${highest.step}`;
  return [`![${alt}](${trailPicture(trail)})\n\nRefusal probability over ${last.step} training steps`];
}

function answer(result: Answer): string {
  const { response, reason } = result;
  if (result.scored)
    return `${escaped(result.by)}: refusal probability ${probability(result.refusalProbability)}; scored, not answered`;
  const outcome = outcomeWord(result.outcome);
  const verdict = reason ? `${outcome}: ${undeterminedWords[reason]}` : outcome;
  const said = response.trim() === "" ? "(no words)" : fenced(cut(response));
  return `${escaped(result.by)}: **${verdict}** (judged by ${judgeWord(result)})\n\n${said}`;
}

function neighbour({ record, label }: NonNullable<HoverSubject["nearest"]>, file: string): string {
  const place = `[line ${record.line}](${destination(`${file}#L${record.line}`)})`;
  const words = escaped(cut(record.prompt, 160));
  return `Nearest ${labelWord(label)} prompt, ${place}: “${words}”`;
}

function link(title: string, command: (typeof hoverCommands)[number], args: readonly unknown[]): string {
  return `[${title}](${destination(`command:${command}?${encodeURIComponent(JSON.stringify(args))}`)})`;
}

/** An address whose brackets can not end the link that it stands in. */
function destination(address: string): string {
  return address.replace(/[()<>\s\\]/g, (sign) => `%${sign.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
