import { promptId } from "../../dataset/record.ts";
import { type MethodAnswers, mainAnswers, type PromptResult } from "../../protocol/report/answers.ts";
import { isUntrained, methodName } from "../../protocol/report/methods.ts";
import type { Report } from "../../protocol/report/report.ts";
import {
  type JudgeInfo,
  type Outcome,
  outcomeOf,
  refusalJudge,
  type Undetermined,
} from "../../protocol/report/verdicts.ts";

/** An answer to a prompt, and what it counts as. */
export interface Answer extends PromptResult {
  /** Who answered: the method, with its seed where the report has several of it. */
  readonly by: string;
  readonly outcome: Outcome;
  /** Why the judge calls it undetermined, where no person judged. */
  readonly reason?: Undetermined;
  /** Who says so: the title of the judge; undefined where a person does. */
  readonly judge: string | undefined;
  /** Whether the prompt was scored alone: there is a refusal probability, no answer, and nothing to judge. */
  readonly scored?: true;
}

/** The answers of one method and seed of a report. */
export interface ShownMethod {
  /** Id of the method. */
  readonly method: string;
  readonly seed: number;
  /** The method, with its seed where the report has several of it. */
  readonly title: string;
}

/** What the methods of a report that are shown answered. */
export interface Answers {
  /** In the order of the report; the last is the one whose failures are marked. Empty for a report without answers. */
  readonly shown: readonly (ShownMethod & {
    /** By `keyOf`. */
    readonly answers: ReadonlyMap<string, Answer>;
  })[];
  /** All methods and seeds of the report. */
  readonly choices: readonly ShownMethod[];
}

/** A method and seed that a person chose to be shown. */
export type MethodChoice = Pick<ShownMethod, "method" | "seed">;

type Evaluated = Pick<Report, "methods" | "answers" | "judges">;

/**
 * The answers of some methods of a report. A prompt that is evaluated in several suites is known by its answer in the first:
 * the words of the prompt and the model are the same, and so is the answer.
 *
 * @param chosen methods to show, the marked one last; those that the report lacks are left out. The untrained model and the
 *   report's last method where nothing is chosen or left.
 */
export function answersOf(report: Evaluated, chosen: readonly MethodChoice[] = []): Answers {
  const choices = report.answers.map(({ method, seed }): ShownMethod => {
    const several = report.answers.filter((other) => other.method === method).length > 1;
    const name = methodName(report.methods, method);
    return { method, seed, title: several ? `${name}, seed ${seed}` : name };
  });
  const found = chosen.flatMap((one) => choices.findIndex((each) => isSame(each, one))).filter((i) => i >= 0);
  const shown = found.length > 0 ? found : usual(report);
  return {
    choices,
    shown: shown.map((i) => ({
      ...choices[i]!,
      answers: byKey(report.answers[i]!, choices[i]!.title, report.judges),
    })),
  };
}

/** Whether two say the same method and seed. */
export function isSame(one: MethodChoice, other: MethodChoice): boolean {
  return one.method === other.method && one.seed === other.seed;
}

/** Places of the answers of the untrained model and of the report's last method. */
function usual(report: Evaluated): number[] {
  const main = mainAnswers(report);
  if (main === undefined) return [];
  const untrained = new Set(report.methods.filter(isUntrained).map(({ id }) => id));
  const first = report.answers.findIndex(({ method }) => untrained.has(method));
  const last = report.answers.indexOf(main);
  return first < 0 || untrained.has(main.method) ? [last] : [first, last];
}

function byKey(
  answers: MethodAnswers,
  by: string,
  judges: readonly JudgeInfo[],
): ReadonlyMap<string, Answer> {
  const id = refusalJudge(judges);
  const title = judges.find((judge) => judge.id === id)?.title;
  const found = new Map<string, Answer>();
  for (const result of answers.results) {
    const key = keyOf(result);
    if (found.has(key)) continue;
    const reason = result.human === undefined ? result.verdicts[id]?.reason : undefined;
    found.set(key, {
      ...result,
      by,
      outcome: outcomeOf(result, id),
      ...(reason && { reason }),
      ...(answers.scored && { scored: true as const }),
      judge: result.human === undefined ? title : undefined,
    });
  }
  return found;
}

/**
 * What answers to a prompt are found by: its id, as if all of its lines ended alike. An editor gives all lines of a text the
 * same ends, also those within a prompt, so that a file's prompt and the editor's may differ in them.
 */
export function keyOf({ id, prompt }: { id: string; prompt: string }): string {
  return prompt.includes("\r") ? promptId(prompt.replace(/\r\n?/g, "\n")) : id;
}
