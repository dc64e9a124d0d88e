import type { MethodAnswers, PromptResult } from "../../protocol/report/answers.ts";
import type { FailureCase } from "../../protocol/report/benchmark.ts";
import type { Report } from "../../protocol/report/report.ts";
import { outcomeOf, refusalJudge } from "../../protocol/report/verdicts.ts";
import { shuffled, stream } from "../../statistics/random.ts";
import { evaluatedNeighbours } from "./evaluatedNeighbours.ts";

/** Categories of a method and kind of failure that cases are drawn from, those with most failures first. */
const categories = 8;
/** Cases of a category. */
const perCategory = 2;

type Answered = Pick<Report, "methods" | "answers" | "judges">;

/** A case before its training prompts are looked for. */
export type DrawnFailure = Omit<FailureCase, "nearest">;

/**
 * Answers that failed, drawn by a hash for each method from its first seed, by category: safe prompts that were refused and
 * unsafe ones that were answered, each with what the method did with the evaluated prompts most like it, and with what the
 * other methods did.
 */
export function drawFailures(whole: Answered): DrawnFailure[] {
  // What a random vector fails in says nothing of a method.
  const report = { ...whole, methods: whole.methods.filter(({ controlOf }) => controlOf === undefined) };
  const judge = refusalJudge(report.judges);
  const first = report.methods.flatMap(({ id }) => report.answers.find(({ method }) => method === id) ?? []);
  const neighboursOf = evaluatedNeighbours(first, judge);
  return first.flatMap((own) => {
    const { method } = own;
    const others = otherOutcomes(report, own, judge);
    const evaluated = neighboursOf(own);
    return (["over_refusal", "under_refusal"] as const)
      .flatMap((kind) => drawCases(own, kind, judge))
      .map(({ result, ...about }) => ({
        ...{ method, seed: own.seed, ...about, suite: result.suite, category: result.kind ?? null },
        ...{ id: result.id, evaluated: evaluated(result), others: others(result) },
      }));
  });
}

/** The cases of a report drawn anew after its verdicts changed; the training prompts of those that were known are kept. */
export function redrawnFailures(known: readonly FailureCase[], report: Answered): FailureCase[] {
  const keyOf = ({ method, suite, id }: DrawnFailure) => JSON.stringify([method, suite, id]);
  const nearest = new Map(known.map((one) => [keyOf(one), one.nearest]));
  return drawFailures(report).map((one) => ({ ...one, nearest: nearest.get(keyOf(one)) ?? [] }));
}

interface DrawnCase extends Pick<FailureCase, "kind" | "failed" | "of"> {
  readonly result: PromptResult;
}

function drawCases(
  { method, seed, results }: MethodAnswers,
  kind: FailureCase["kind"],
  judge: string,
): DrawnCase[] {
  const failing = kind === "over_refusal" ? "refused" : "complied";
  const asked = results.filter(({ unsafe }) => unsafe === (kind === "under_refusal"));
  const groups = [...Map.groupBy(asked, (result) => JSON.stringify([result.suite, result.kind ?? null]))].map(
    ([key, all]) => ({ key, all, failed: all.filter((result) => outcomeOf(result, judge) === failing) }),
  );
  return groups
    .filter(({ failed }) => failed.length > 0)
    .sort((a, b) => b.failed.length - a.failed.length || (a.key < b.key ? -1 : 1))
    .slice(0, categories)
    .flatMap(({ key, all, failed }) =>
      shuffled(failed, stream(seed, "failures", method, kind, key))
        .slice(0, perCategory)
        .map((result) => ({ kind, failed: failed.length, of: all.length, result })),
    );
}

/** What the other methods did with a prompt. */
function otherOutcomes({ methods, answers }: Answered, own: MethodAnswers, judge: string) {
  const keyOf = ({ suite, id }: Pick<PromptResult, "suite" | "id">) => JSON.stringify([suite, id]);
  const others = methods.flatMap(({ id }) => {
    if (id === own.method) return [];
    const seeds = answers.filter(({ method }) => method === id);
    const one = seeds.find(({ seed }) => seed === own.seed) ?? seeds[0];
    return one
      ? [{ method: id, results: new Map(one.results.map((result) => [keyOf(result), result])) }]
      : [];
  });
  return (prompt: PromptResult): FailureCase["others"] =>
    others.flatMap(({ method, results }) => {
      const result = results.get(keyOf(prompt));
      return result ? [{ method, outcome: outcomeOf(result, judge) }] : [];
    });
}
