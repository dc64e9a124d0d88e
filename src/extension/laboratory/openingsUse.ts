import { basename, dirname, relative, sep } from "node:path";
import { applyEdits, modify } from "jsonc-parser";
import { recipeSuffix } from "../../protocol/recipe.ts";
import type { Method, Result } from "../../protocol/rpc.ts";
import { plannedSuffixes } from "../../recipe/checkPlanned.ts";
import { count, counted, duration, percent } from "../../wording/numbers.ts";

/** Whether a file measures by openings that it can name: a recipe, comparison, benchmark or sweep. */
export function takesOpenings(path: string): boolean {
  return [recipeSuffix, ...plannedSuffixes].some((suffix) => path.endsWith(suffix));
}

/**
 * The text of a file that measures by these openings.
 *
 * @param path of the file, against whose folder openings are named.
 * @param openings path of the file of openings.
 */
export function withOpenings(text: string, path: string, openings: string): string {
  const key = path.endsWith(recipeSuffix) ? ["probes", "openings"] : ["openings"];
  const named = relative(dirname(path), openings).split(sep).join("/");
  const formattingOptions = { insertSpaces: true, tabSize: 2 };
  return applyEdits(text, modify(text, key, named, { formattingOptions }));
}

/** What deriving openings would take, a line each, before it starts. */
export function planLines(
  { models, prompts, answers, tokens, seconds, judge, notices }: Result<"planOpenings">,
  { samples, url }: { readonly samples: number; readonly url: string | undefined },
): string[] {
  const time =
    seconds === null
      ? "A time that is not known on this device"
      : seconds < 1
        ? "Less than a second"
        : `About ${duration(seconds)} at most`;
  return [
    `${count(answers)} sampled answers of at most ${count(tokens / answers)} tokens: ${samples} to each of ${counted(prompts, "prompt")} by ${models.join(", ")}.`,
    `${time}${judge.immediate ? "" : ", and the time of the judge"}.`,
    `Judge: ${judge.title}`,
    ...(judge.isService
      ? [`${count(answers)} prompts and answers are sent to ${url}, which may cost money.`]
      : []),
    ...notices,
  ];
}

/** What came of it, in whole sentences. */
export function madeWords({ file, openings, coverage, falseShare, caveats, spent }: Made): string {
  const share = (value: number | null) => (value === null ? "–" : percent(value));
  return [
    `${basename(file)} has ${counted(openings.length, "opening")}. On held-out prompts they begin ${share(coverage)} of refusals and ${share(falseShare)} of compliances.`,
    ...(caveats.length > 0
      ? [`${counted(caveats.length, "caveat")} at the end of the file: read before you use it.`]
      : []),
    ...spent,
  ].join(" ");
}

type Made = Result<Extract<Method, "deriveOpenings">>;
