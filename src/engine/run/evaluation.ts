import { readFile } from "node:fs/promises";
import { setImmediate as breathe } from "node:timers/promises";
import type { NewRunEvent } from "../../protocol/events.ts";
import type { Manifest } from "../../protocol/manifest.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import type { Arm, PromptResult, Report } from "../../protocol/report.ts";
import { timeline } from "../../protocol/timeline.ts";
import { answerSuite } from "../evaluate/answers.ts";
import { reportHtml } from "../evaluate/html.ts";
import { reportMarkdown } from "../evaluate/markdown.ts";
import { buildReport } from "../evaluate/report.ts";
import { writeAtomic } from "../storage/atomic.ts";
import { chartSource } from "./chart_source.ts";
import { readEvents } from "./event_log.ts";
import { runPaths } from "./folder.ts";
import type { RunPrompts } from "./prompts.ts";
import type { Session } from "./session.ts";
import type { StopToken } from "./stop.ts";

/** Milliseconds between two events of progress. */
const progressEvery = 500;

/**
 * Evaluates a trained model on the suites of its recipe and writes the report into the run folder.
 *
 * @returns the path of report.json; null without suites, or when it was stopped.
 */
export async function evaluateRun(
  folder: string,
  recipe: Recipe,
  manifest: Manifest,
  { live, encoder }: Session,
  prompts: RunPrompts,
  emit: (event: NewRunEvent) => void,
  stop: StopToken,
): Promise<string | null> {
  const { maxNewTokens, batchSize } = recipe.evaluate;
  const results: PromptResult[] = [];
  for (const suite of prompts.suites) {
    await breathe();
    if (stop.requested) return null;
    let last = 0;
    const answered = await answerSuite(live, encoder, suite, {
      openings: recipe.probes.openings,
      maxNewTokens,
      batchSize,
      onProgress: (done, total) => {
        if (done < total && performance.now() - last < progressEvery) return;
        last = performance.now();
        emit({ type: "evaluation-progress", suite: suite.name, done, total });
      },
    });
    results.push(...answered);
  }
  if (results.length === 0) return null;
  const { probes } = timeline(readEvents(runPaths(folder).events));
  const generalLoss = probes.at(-1)?.generalLoss;
  const arm: Arm = {
    name: recipe.name,
    seed: recipe.seed,
    results,
    ...(generalLoss == null ? {} : { generalLoss }),
  };
  const points = probes.map(({ globalStep, toxic, seeminglyToxic, general }) => ({
    step: globalStep,
    toxic: toxic.mean ?? 0,
    seeminglyToxic: seeminglyToxic.mean ?? 0,
    general: general.mean ?? 0,
  }));
  const report = buildReport({
    model: { name: manifest.model.name },
    run: { name: recipe.name, seed: recipe.seed, device: manifest.device },
    arms: [arm],
    series: [{ arm: arm.name, seed: arm.seed, points }],
  });
  const paths = runPaths(folder);
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
  await writeAtomic(paths.reportPage, reportHtml(report, await readFile(chartSource(), "utf8")));
}
