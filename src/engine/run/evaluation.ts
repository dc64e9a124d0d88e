import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { NewRunEvent } from "../../protocol/events.ts";
import { layerChoiceSchema } from "../../protocol/layerChoice.ts";
import type { Manifest } from "../../protocol/manifest.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import {
  type Arm,
  BEFORE,
  type Report,
  type SuiteAnswers,
  suiteAnswersSchema,
} from "../../protocol/report.ts";
import { timeline } from "../../protocol/timeline.ts";
import { readEventLog } from "../../runFolder/eventLog.ts";
import { makePart, runPaths } from "../../runFolder/folder.ts";
import { writeAtomic } from "../../storage/atomic.ts";
import { answerSuites } from "../evaluate/answers.ts";
import { buildReport } from "../evaluate/report.ts";
import { reportHtml } from "../report/html.ts";
import { reportMarkdown } from "../report/markdown.ts";
import type { RunPrompts } from "./prompts.ts";
import type { Session } from "./session.ts";
import { openPart, partPath } from "./suitePart.ts";

/** Milliseconds between two events of progress. */
const progressEvery = 500;

/** What an evaluation works with. */
interface EvaluationContext {
  readonly folder: string;
  readonly recipe: Recipe;
  readonly session: Session;
  readonly prompts: RunPrompts;
  readonly emit: (event: NewRunEvent) => void;
}

/**
 * Has the model as it is now answer the suites of a recipe. Answers are kept in the run folder batch by batch, so that an
 * evaluation that was cut off is resumed with the batch it was at, and gives the same answers.
 */
export async function evaluateArm(
  arm: "before" | "after",
  { folder, recipe, session, prompts, emit }: EvaluationContext,
): Promise<SuiteAnswers> {
  const { maxNewTokens, batchSize } = recipe.evaluate;
  const place = join(runPaths(folder).evaluation, arm);
  await makePart(folder, place);
  const file = (suite: string) => join(place, `${suite}.json`);
  let last = 0;
  return answerSuites(session.backend, session.encoder, prompts.suites, {
    openings: recipe.probes.openings,
    maxNewTokens,
    batchSize,
    kept: (suite) => keptResults(file(suite)),
    async keep(suite, answers) {
      await writeAtomic(file(suite), `${JSON.stringify(answers)}\n`);
      await rm(partPath(place, suite), { force: true });
    },
    part: (suite) => openPart(partPath(place, suite)),
    onProgress(suite, done, total) {
      if (done < total && performance.now() - last < progressEvery) return;
      last = performance.now();
      const name = arm === "before" ? BEFORE : recipe.name;
      emit({ type: "evaluation-progress", arm: name, suite, done, total });
    },
  });
}

/** The answers of the model before training. Those that were lost cannot be given again: that model is gone. */
async function keptBefore({ folder, prompts, emit }: EvaluationContext): Promise<SuiteAnswers> {
  const place = join(runPaths(folder).evaluation, "before");
  const kept: SuiteAnswers = { results: [], leftOut: [] };
  for (const { name } of prompts.suites) {
    const file = join(place, `${name}.json`);
    const answered = await keptResults(file);
    if (answered === null) {
      emit({
        type: "warning",
        message: `${file} is missing or damaged: the report goes without the model before training.`,
      });
      return { results: [], leftOut: [] };
    }
    for (const result of answered.results) kept.results.push(result);
    for (const left of answered.leftOut) kept.leftOut.push(left);
  }
  return kept;
}

/** Answers kept earlier; null where there are none, or they are damaged and must be given again. */
async function keptResults(file: string): Promise<SuiteAnswers | null> {
  try {
    return suiteAnswersSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    return null;
  }
}

/**
 * Evaluates a trained model on the suites of its recipe and writes the report into the run folder, beside the model
 * before training where the recipe asks for it.
 *
 * @returns the path of report.json; null without suites.
 */
export async function evaluateRun(manifest: Manifest, context: EvaluationContext): Promise<string | null> {
  const { folder, recipe, prompts } = context;
  const after = await evaluateArm("after", context);
  if (after.results.length === 0) return null;
  const before = recipe.evaluate.before ? await keptBefore(context) : { results: [], leftOut: [] };
  const paths = runPaths(folder);
  const log = readEventLog(paths.events);
  const { probes, steps, stages, ends, choices } = timeline(log.events);
  const end = ends.at(-1);
  // A stage that was ended at its best state has later probes, of a model that is gone.
  const trained = probes.findLast(({ stage, step }) => stage === end?.stage && step === end.step);
  const { seed } = recipe;
  const asked = { template: context.session.template.name, ...recipe.chat };
  const arm = (name: string, answers: SuiteAnswers, generalLoss: number | null | undefined): Arm => ({
    name,
    seed,
    results: answers.results,
    ...(answers.leftOut.length > 0 && { leftOut: answers.leftOut }),
    asked,
    ...(generalLoss == null ? {} : { generalLoss }),
  });
  const points = probes.map(({ globalStep, toxic, seeminglyToxic, general }) => ({
    step: globalStep,
    toxic: toxic.mean ?? 0,
    seeminglyToxic: seeminglyToxic.mean ?? 0,
    general: general.mean ?? 0,
  }));
  const begun = stages.map(({ stage, kind }) => {
    const first = steps.find((step) => step.stage === stage);
    return { kind, step: first ? first.globalStep - first.step : 0 };
  });
  const choice = layerChoiceSchema.optional().parse(choices.at(-1));
  const untrained = probes.find(({ globalStep }) => globalStep === 0);
  const report = buildReport({
    model: { name: manifest.model.name },
    run: { name: recipe.name, seed, device: manifest.device },
    notes: [
      ...context.session.template.warnings,
      ...(end?.reason === "kept-best"
        ? [
            `Stopped by hand: stage ${end.stage + 1} ended with the state of its step ${end.step}, the best on the ` +
              "panels, and later stages were left out.",
          ]
        : []),
      ...(log.damaged.length > 0
        ? [
            `${log.damaged.length} of the lines of ${paths.events} are damaged and not in the figures of training. The first is ` +
              `line ${log.damaged[0]}.`,
          ]
        : []),
      ...prompts.notices,
    ],
    arms: [
      ...(before.results.length ? [arm(BEFORE, before, untrained?.generalLoss)] : []),
      arm(recipe.name, after, (trained ?? probes.at(-1))?.generalLoss),
    ],
    series: [{ arm: recipe.name, seed, points, stages: begun, ...(choice && { layerChoice: choice }) }],
    contamination: prompts.contamination.suites,
  });
  await writeReport(report, paths);
  return paths.report;
}

/** Writes a report as JSON, Markdown and one HTML page. */
export async function writeReport(
  report: Report,
  paths: { report: string; reportMarkdown: string; reportPage: string },
): Promise<void> {
  await writeAtomic(paths.report, `${JSON.stringify(report)}\n`);
  await writeAtomic(paths.reportMarkdown, reportMarkdown(report));
  await writeAtomic(paths.reportPage, await reportHtml(report));
}
