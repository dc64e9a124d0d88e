import { extname } from "node:path";
import { labelLogPath } from "./labels.ts";
import type { PromptRecord } from "./record.ts";
import type { Problem } from "./sink.ts";

/** Examples that a sentence gives of many. */
const EXAMPLES = 3;

/** A line of a file as an editor finds it; .json and .parquet count rows. */
export function placeOf(file: string, line: number): string {
  return [".json", ".parquet"].includes(extname(file).toLowerCase())
    ? `${file}, row ${line}`
    : `${file}:${line}`;
}

/** A count with its noun. */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Rows of a file that could not be read: how many, and why the first. */
export function leftOut(file: string, problems: readonly Problem[], rows: number): string[] {
  const [first] = problems;
  if (first === undefined) return [];
  return [
    `${problems.length} of the ${countOf(rows, "row")} of ${file} ${isOrAre(problems.length)} left out. The first: ` +
      `${placeOf(file, first.line)}: ${first.message}.`,
  ];
}

/** Lines of the label log beside a prompt file that are not decisions: what they decided is lost. */
export function lostDecisions(file: string, problems: readonly Problem[]): string[] {
  const [first] = problems;
  if (first === undefined) return [];
  const log = labelLogPath(file);
  return [
    `${countOf(problems.length, "line")} of the label log ${log} ${isOrAre(problems.length)} ignored. The first: ` +
      `${log}:${first.line}: ${first.message}. Label the prompts concerned again.`,
  ];
}

/** Prompts whose label in the file means none, and that nobody labelled. */
export function unknownLabels(file: string, records: readonly PromptRecord[]): string[] {
  const unknown = records.filter(({ label, labelText }) => label === undefined && labelText !== undefined);
  const [first] = unknown;
  if (first === undefined) return [];
  const counts = Map.groupBy(unknown, ({ labelText }) => labelText!);
  const words = [...counts].sort(([, a], [, b]) => b.length - a.length);
  const examples = words.slice(0, EXAMPLES).map(([word, { length }]) => `${shortened(word)} (${length})`);
  if (words.length > EXAMPLES) examples.push(`${words.length - EXAMPLES} others`);
  return [
    `${unknown.length} of the ${countOf(records.length, "prompt")} of ${file} ` +
      `${unknown.length === 1 ? "has a label that is not understood and counts" : "have labels that are not understood and count"} ` +
      `as unlabelled: ${examples.join(", ")}. The first: ${placeOf(file, first.line)}. Write toxic, seemingly_toxic or general, or give a source for each by "where" ` +
      'and "label".',
  ];
}

/** Prompts that carry the marks of a text that was decoded wrongly before. */
export function damagedText(file: string, records: readonly PromptRecord[]): string[] {
  const damaged = records.filter(({ prompt }) => /[\uFFFD\0]/.test(prompt) || !prompt.isWellFormed());
  const [first] = damaged;
  if (first === undefined) return [];
  return [
    `${countOf(damaged.length, "prompt")} of ${file} ${damaged.length === 1 ? "holds" : "hold"} U+FFFD, NUL or half a character, ` +
      `as text does that was decoded wrongly. The first: ${placeOf(file, first.line)}. Export the file again from its source.`,
  ];
}

/** A column that looks like a part of the prompt and is none. */
export function unusedContext(
  file: string,
  unused: { readonly column: string; readonly count: number; readonly line: number } | undefined,
): string[] {
  if (unused === undefined) return [];
  const { column, count, line } = unused;
  return [
    `${countOf(count, "prompt")} of ${file} ${count === 1 ? "has" : "have"} text in the column ${shortened(column)} that is not part of ` +
      `the prompt. The first: ${placeOf(file, line)}. Where it is, name the column under "columns": as "context" it stands ` +
      'before the prompt, as "input" below it.',
  ];
}

/** Prompts that name a counterpart which the file does not have. */
export function unpaired(file: string, problems: readonly Problem[] = []): string[] {
  const [first] = problems;
  if (first === undefined) return [];
  return [
    `${countOf(problems.length, "prompt")} of ${file} ${problems.length === 1 ? "names" : "name"} a counterpart that cannot be found and ` +
      `${problems.length === 1 ? "stays" : "stay"} without it. The first: ${placeOf(file, first.line)}: ${first.message}.`,
  ];
}

export function isOrAre(count: number): string {
  return count === 1 ? "is" : "are";
}

/** A text of a file, quoted, on one line and not long. */
export function shortened(text: string, most = 40): string {
  const line = text.replace(/\s+/g, " ").trim();
  return JSON.stringify(line.length > most ? `${line.slice(0, most - 1).toWellFormed()}…` : line);
}
