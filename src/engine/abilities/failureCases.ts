import { NearestIndex } from "../../dataset/nearest.ts";
import type { PromptRecord } from "../../dataset/record.ts";
import type { Plan } from "../../protocol/cells.ts";
import type { MethodAnswers, PromptResult } from "../../protocol/report/answers.ts";
import type { FailureCase } from "../../protocol/report/benchmark.ts";
import type { Report } from "../../protocol/report/report.ts";
import { readRecipePrompts } from "../../recipe/prompts.ts";
import { cellOf } from "../../runFolder/comparison.ts";
import { completedRecipe } from "../../runFolder/completedRecipe.ts";
import { drawFailures } from "../evaluate/failures.ts";

/** Training prompts that a case names. */
const neighbours = 2;
/** Characters of a training prompt that a case shows. */
const shown = 300;

/** The cases of a report that are drawn from its failures, each with the training prompts most like its prompt. */
export async function failureCases(plan: Plan, folder: string, report: Report): Promise<FailureCase[]> {
  const cases: FailureCase[] = [];
  for (const [method, drawn] of Map.groupBy(drawFailures(report), (one) => one.method)) {
    const own = report.answers.find((answers) => answers.method === method)!;
    const asked = new Map(own.results.map((result) => [JSON.stringify([result.suite, result.id]), result]));
    const nearest = await nearestOf(plan, folder, own);
    for (const one of drawn) {
      cases.push({ ...one, nearest: nearest(asked.get(JSON.stringify([one.suite, one.id]))!) });
    }
  }
  return cases;
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
    for (const part of [prompts.contrast, prompts.safety, prompts.helpful, prompts.general])
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
