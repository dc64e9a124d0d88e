import type { MethodAnswers } from "../../protocol/report/answers.ts";
import {
  countedOnce,
  type PromptCopy,
  placeOf,
  type RepeatedPrompt,
} from "../../protocol/report/repeatedPrompts.ts";
import { counted } from "../../wording/numbers.ts";

/** What figures over all suites leave out, since several suites have the same prompts, and where suites disagree on one. */
export function repeatedNotes(
  answers: readonly MethodAnswers[],
  repeated: readonly RepeatedPrompt[] | undefined,
): string[] {
  if (repeated === undefined || repeated.length === 0) return [];
  return [...leftOut(answers, repeated), ...conflicts(answers, repeated)];
}

function leftOut(answers: readonly MethodAnswers[], repeated: readonly RepeatedPrompt[]): string[] {
  const places = new Set<string>();
  let count = 0;
  for (const { results } of answers) {
    const kept = new Set<PromptCopy>(countedOnce(results, repeated));
    for (const result of results) {
      if (kept.has(result)) continue;
      count++;
      places.add(placeOf(result));
    }
  }
  if (count === 0) return [];
  const copies = repeated.flatMap((all) =>
    all.flatMap((copy) => {
      const first = all.find(({ unsafe }) => unsafe === copy.unsafe)!;
      return places.has(placeOf(copy)) ? [`of ${copy.suite} that ${first.suite} has`] : [];
    }),
  );
  const copied = counted(places.size, "copy", "copies");
  return [
    "A prompt that stands in several suites, the same but for case, spaces and punctuation, counts once in figures over all suites: " +
      `${counted(count, "answer")} to ${copied} (${tally(copies)}) ${count === 1 ? "is" : "are"} left out there, and counted in the rows of suites.`,
  ];
}

function conflicts(answers: readonly MethodAnswers[], repeated: readonly RepeatedPrompt[]): string[] {
  const found = repeated.filter((all) => new Set(all.map(({ unsafe }) => unsafe)).size > 1);
  const [first] = found;
  if (first === undefined) return [];
  const suitesOf = (all: RepeatedPrompt, side: boolean) =>
    [...new Set(all.filter(({ unsafe }) => unsafe === side).map(({ suite }) => suite))].join(" and ");
  const where = found.map((all) => `unsafe in ${suitesOf(all, true)} and safe in ${suitesOf(all, false)}`);
  const places = new Set(first.map(placeOf));
  const text =
    answers.flatMap(({ results }) => results).find((result) => places.has(placeOf(result)))?.prompt ?? "";
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return [
    `Suites disagree on ${counted(found.length, "prompt")} (${tally(where)}): ${found.length === 1 ? "it counts" : "each counts"} on both sides, and no ` +
      `method can be right on both. The first: "${shown}".`,
  ];
}

/** Phrases with how often each is there, the most frequent first. */
function tally(phrases: readonly string[]): string {
  return [...Map.groupBy(phrases, (phrase) => phrase)]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([phrase, { length }]) => `${length} ${phrase}`)
    .join(", ");
}
