import { NearestIndex } from "../../dataset/nearest.ts";
import type { PromptRecord } from "../../dataset/record.ts";
import type { Plan } from "../../protocol/cells.ts";
import type { MethodAnswers, PromptResult } from "../../protocol/report/answers.ts";
import type { FailureCase } from "../../protocol/report/benchmark.ts";
import type { Report } from "../../protocol/report/report.ts";
import { outcomeOf, refusalJudge } from "../../protocol/report/verdicts.ts";
import { readRecipePrompts } from "../../recipe/prompts.ts";
import { cellOf, completedRecipe } from "../../runFolder/completedRecipe.ts";
import { shuffled, stream } from "../../statistics/random.ts";

/** Categories of a method and kind of failure that cases are drawn from, those with most failures first. */
const categories = 8;
/** Cases of a category. */
const perCategory = 2;
/** Training prompts that a case names. */
const neighbours = 2;
/** Characters of a training prompt that a case shows. */
const shown = 300;

/**
 * Answers that failed, drawn by a hash for each method from its first seed, by category: safe prompts that were refused and unsafe ones
 * that were answered, each with the training prompts most like it and what the other methods did.
 */
export async function failureCases(plan: Plan, folder: string, report: Report): Promise<FailureCase[]> {
  const judge = refusalJudge(report.judges);
  const cases: FailureCase[] = [];
  for (const { id: method } of report.methods) {
    const own = report.answers.find((answers) => answers.method === method);
    if (own === undefined) continue;
    const others = otherOutcomes(report, own, judge);
    const drawn = (["over_refusal", "under_refusal"] as const).flatMap((kind) => drawCases(own, kind, judge));
    const nearest = await nearestOf(plan, folder, own);
    for (const one of drawn) {
      const { result, ...about } = one;
      cases.push({
        ...{ method, seed: own.seed, ...about, suite: result.suite, category: result.kind ?? null },
        ...{ id: result.id, nearest: nearest(result), others: others(result) },
      });
    }
  }
  return cases;
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
function otherOutcomes({ methods, answers }: Report, own: MethodAnswers, judge: string) {
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

/** What finds the training prompts most like a prompt: those of the run and of all that it is on. */
async function nearestOf(plan: Plan, folder: string, { method, seed }: MethodAnswers) {
  const cell = plan.cells.find(
    (one) => one.method === method && one.seed === seed && one.trial === undefined,
  );
  const records: PromptRecord[] = [];
  for (let next = cell; next; next = next.base === undefined ? undefined : cellOf(plan, next.base)) {
    const recipe = await completedRecipe(plan, folder, next);
    const { prompts } = await readRecipePrompts(
      { ...recipe, evaluate: { ...recipe.evaluate, suites: [] } },
      { root: plan.root },
    );
    for (const part of [prompts.contrast, prompts.safety, prompts.general])
      for (const record of part) records.push(record);
  }
  const once = [...new Map(records.map((record) => [record.id, record])).values()];
  const index = await NearestIndex.build(once);
  return (result: PromptResult): FailureCase["nearest"] => {
    const asked = { id: result.id, prompt: result.prompt, source: "", line: 0 };
    const found: FailureCase["nearest"] = [];
    const taken = new Set<string>();
    while (found.length < neighbours) {
      const like = index.nearest(asked, ({ id }) => !taken.has(id));
      if (like === undefined) break;
      taken.add(like.second.id);
      found.push({
        prompt: like.second.prompt.slice(0, shown).toWellFormed(),
        label: like.second.label ?? null,
        similarity: like.similarity,
      });
    }
    return found;
  };
}
