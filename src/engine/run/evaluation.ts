import { readFile, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { NewRunEvent } from "../../protocol/events.ts";
import { asFileName } from "../../protocol/fileName.ts";
import { layerChoiceSchema } from "../../protocol/layerChoice.ts";
import { madeSchema, madeSentence } from "../../protocol/made.ts";
import type { Manifest } from "../../protocol/manifest.ts";
import { openingTexts } from "../../protocol/openings.ts";
import { movedSentence } from "../../protocol/place.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import type { MethodAnswers } from "../../protocol/report/answers.ts";
import { heldOutLoss } from "../../protocol/report/coreMeasures.ts";
import type { Method } from "../../protocol/report/methods.ts";
import type { Report } from "../../protocol/report/report.ts";
import { type SuiteAnswers, suiteAnswersSchema } from "../../protocol/report/suiteAnswers.ts";
import { paidWorkSchema, spentSentence } from "../../protocol/spent.ts";
import { timeline } from "../../protocol/timeline.ts";
import { measuredBy } from "../../recipe/openings.ts";
import { forwardFlops } from "../../recipe/stageCost.ts";
import { reportAbout } from "../../runFolder/about.ts";
import { costParts } from "../../runFolder/costParts.ts";
import { readEventLog } from "../../runFolder/eventLog.ts";
import { makePart, runPaths } from "../../runFolder/folder.ts";
import { laboratoryMentions } from "../../runFolder/laboratoryMentions.ts";
import { writeAtomic } from "../../storage/atomic.ts";
import { sha256 } from "../../storage/hash.ts";
import {
  type AskedSuite,
  answerSuites,
  isAnswered,
  joinAnswers,
  methodAnswers,
} from "../evaluate/answers.ts";
import { questionsOf } from "../evaluate/choice.ts";
import { judgesOf } from "../evaluate/judges/judges.ts";
import { type JudgedAnswers, judgeAnswers } from "../evaluate/judging.ts";
import { buildReport } from "../evaluate/report.ts";
import { carriedResults } from "../report/carriedResults.ts";
import { reportHtml } from "../report/html.ts";
import { reportMarkdown } from "../report/markdown.ts";
import { modelSize, releaseModel, type Session } from "../session/session.ts";
import { watchPeak } from "./peakMemory.ts";
import type { RunPrompts } from "./prompts.ts";
import { type StartedSession, startMethod } from "./start.ts";
import { interventionOf, type SteeredSession } from "./steering.ts";
import { type StopToken, withStopSignal } from "./stop.ts";
import { openPart, partPath } from "./suitePart.ts";
import { DevicePeaks, peaksNow, peaksOf } from "./telemetry.ts";

/** Milliseconds between two events of progress. */
const progressEvery = 500;

/** What an evaluation works with. */
export interface EvaluationContext {
  readonly folder: string;
  readonly recipe: Recipe;
  readonly session: StartedSession;
  readonly prompts: RunPrompts;
  readonly emit: (event: NewRunEvent) => void;
  readonly stop: StopToken;
  /** The inference-time method that the finished model answers under; null where there is none, and before it is fitted. */
  readonly steered: (SteeredSession & { readonly heldOutLoss: number | null }) | null;
}

/** A method of a run, and where its answers are kept until the report is written. */
interface RunMethod {
  readonly method: Method;
  readonly place: string;
}

/** What a run evaluates: the method that its recipe describes, and those that are asked before training changes the model. */
async function methodsOf({
  folder,
  recipe,
  session,
  steered,
}: EvaluationContext): Promise<{ first: RunMethod[]; own: RunMethod }> {
  const asked = { template: session.template.name, ...recipe.chat };
  const begins = startMethod(session.starts, asked);
  const changes = recipe.stages.length > 0 || recipe.steering !== undefined;
  const how = recipe.stages.length > 0 ? "trained" : "steered";
  const own: Method = {
    ...begins,
    id: changes && recipe.name === begins.id ? `${recipe.name} (${how})` : recipe.name,
    name: recipe.name,
    interventions: steered ? [interventionOf(steered.record)] : [],
    stages: recipe.stages.map((stage) => ({
      type: stage.type,
      steps: stage.type === "contrastive" ? stage.steps : null,
    })),
  };
  const first = recipe.evaluate.before && changes ? [begins] : [];
  const root = runPaths(folder).evaluation;
  // The runs of 0.1 kept their answers under these names, and are resumed where they are.
  const placeOf = async (method: Method, i: number, older: string): Promise<RunMethod> => {
    const known = await stat(join(root, older)).catch(() => null);
    const name = known ? older : `${i}-${asFileName(method.id, "method")}`;
    return { method, place: join(root, name) };
  };
  return {
    first: await Promise.all(first.map((method, i) => placeOf(method, i, "before"))),
    own: await placeOf(own, first.length, "after"),
  };
}

/** Has the model answer for the methods that are the model as it is. Once it is trained, they cannot be asked any more. */
export async function evaluateBeforeTraining(context: EvaluationContext): Promise<void> {
  for (const one of (await methodsOf(context)).first)
    await evaluateMethod(one, { ...context, steered: null });
}

/**
 * Has the model as it is now answer the suites of a recipe. Answers are kept in the run folder batch by batch, so that an
 * evaluation that was cut off is resumed with the batch it was at, and gives the same answers.
 */
async function evaluateMethod(
  { method, place }: RunMethod,
  { folder, recipe, session, prompts, emit, steered }: EvaluationContext,
): Promise<SuiteAnswers> {
  const { maxNewTokens, batchSize, sampling, scoreOnly } = recipe.evaluate;
  await makePart(folder, place);
  const file = (suite: string) => join(place, `${suite}.json`);
  let peakBytes = watchPeak();
  let devices = new DevicePeaks();
  let last = 0;
  const suites = suitesOf(prompts);
  return answerSuites(session.backend, session.encoder, suites, {
    openings: openingTexts(recipe.probes.openings),
    maxNewTokens,
    batchSize,
    scoreOnly,
    ...(sampling && { sampling: { ...sampling, seed: recipe.seed } }),
    ...(steered && { steered: steered.backend }),
    kept: (suite) => keptResults(file(suite)),
    async keep(suite, answers) {
      await writeAtomic(file(suite), `${JSON.stringify(answers)}\n`);
      await rm(partPath(place, suite), { force: true });
      emit({
        ...{ type: "suite-answered", method: method.name, suite },
        prompts: answers.results.length + (answers.choices?.length ?? 0),
        flops: await answerFlops(suites.find(({ name }) => name === suite)!, answers, session),
        ...(await peaksNow(session.backend, peakBytes, devices)),
      });
    },
    part(suite) {
      peakBytes = watchPeak();
      devices = new DevicePeaks();
      const opened = suites.find(({ name }) => name === suite)!;
      const { length } = "items" in opened ? opened.items : opened.records;
      emit({
        ...{ type: "suite-opened", method: method.name, suite },
        ...{ prompts: length, sha256: suiteHash(opened) },
      });
      return openPart(partPath(place, suite));
    },
    onProgress(suite, done, total) {
      if (done < total && performance.now() - last < progressEvery) return;
      last = performance.now();
      emit({ type: "evaluation-progress", method: method.name, suite, done, total });
    },
  });
}

/**
 * Floating-point operations of a suite's answers, attention aside: a forward pass for each token of a prompt, which is scored
 * and answered, and for each token of its answer; or for each token of a question and its choices.
 */
async function answerFlops(suite: AskedSuite, { results }: SuiteAnswers, session: Session): Promise<number> {
  const { encoder, tokenizer } = session;
  let tokens = 0;
  for (const { context, answers } of "items" in suite ? questionsOf(suite) : []) {
    tokens += (await tokenizer.encode([context, ...answers].join(" "))).length;
  }
  for (const { prompt, reasoning = "", response } of results) {
    const [asked, answer] = [await encoder.prompt(prompt), await tokenizer.encode(`${reasoning}${response}`)];
    tokens += 2 * asked.length + answer.length;
  }
  return tokens * forwardFlops(modelSize(session));
}

/** All suites that a model is asked in a run. */
export function suitesOf({ suites, pairwise, choices }: RunPrompts): readonly AskedSuite[] {
  return [...suites, ...pairwise, ...choices];
}

/** The content of a suite as a hash: its prompts, in their order, and which of them should be refused, or its questions. */
function suiteHash(suite: AskedSuite): string {
  const content =
    "items" in suite
      ? [suite.shots, suite.items.map(({ id, answer }) => [id, answer])]
      : suite.records.map(({ id, label }) => [id, label === "toxic"]);
  return sha256(JSON.stringify(content));
}

/** The answers of a method that were kept before training. Those that were lost since cannot be given again: that model is gone. */
async function keptAnswers(
  { method, place }: RunMethod,
  { prompts, emit }: EvaluationContext,
): Promise<SuiteAnswers> {
  const kept: SuiteAnswers[] = [];
  for (const { name } of suitesOf(prompts)) {
    const file = join(place, `${name}.json`);
    const answered = await keptResults(file);
    if (answered === null) {
      emit({
        type: "warning",
        message: `${file} is missing or damaged: the report has no answers of the method "${method.name}".`,
      });
      return { results: [], leftOut: [] };
    }
    kept.push(answered);
  }
  return joinAnswers(kept);
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
 * Evaluates the method of a run on the suites of its recipe and writes the report into the run folder, beside those
 * that were evaluated before training.
 *
 * @returns the path of report.json; null without suites.
 */
export async function evaluateRun(manifest: Manifest, context: EvaluationContext): Promise<string | null> {
  const { folder, recipe, prompts } = context;
  const { first, own } = await methodsOf(context);
  const { id } = own.method;
  const last = { method: own.method, answers: await evaluateMethod(own, context) };
  if (!isAnswered(last.answers)) return null;
  const earlier = [];
  for (const one of first) earlier.push({ method: one.method, answers: await keptAnswers(one, context) });
  const answered = [...earlier.filter(({ answers }) => isAnswered(answers)), last];
  const paths = runPaths(folder);
  const { losses, series, notes } = whatTrainingSaid(paths.events, recipe.seed);
  const openings = measuredBy(recipe.probes.openings);
  const given = answered.map(({ method, answers }) => {
    const { steered } = context;
    const own = steered ? steered.heldOutLoss : losses.trained;
    const loss = method.id === id ? own : losses.untrained;
    const values = loss == null ? {} : { [heldOutLoss.id]: loss };
    return methodAnswers(method.id, recipe.seed, answers, values, openings.hash);
  });
  const judged = await judgeRun(manifest, given, context);
  const costs = costParts(readEventLog(paths.events).events);
  const report = buildReport({
    model: { name: manifest.model.name },
    run: { name: recipe.name, seed: recipe.seed, device: manifest.device, backend: manifest.backend, costs },
    notes: [
      ...context.session.template.warnings,
      ...notes,
      ...prompts.notices,
      ...(context.steered?.notes ?? []),
      ...costs.flatMap(({ part, services = [] }) =>
        services.map((spent) => spentSentence(spent, paidWorkSchema.parse(part))),
      ),
      ...judged.notes,
    ],
    methods: answered.map(({ method }) => method),
    judges: judged.judges,
    answers: judged.answers,
    // Nothing moves where nothing is trained: one probe is no series.
    series: recipe.stages.length > 0 ? [{ method: id, ...series }] : [],
    openings: [openings],
    contamination: prompts.contamination.map((suite) => ({ method: id, ...suite })),
    missing: prompts.missing,
    laboratory: (await laboratoryMentions(folder)) ?? [],
  });
  await writeReport(report, paths);
  return paths.report;
}

/**
 * Has the judges of a run read the answers of all its methods. The model has given its last answer and makes room where a judge
 * brings a model of its own.
 */
async function judgeRun(
  manifest: Manifest,
  answers: readonly MethodAnswers[],
  { recipe, session, emit, stop }: EvaluationContext,
): Promise<JudgedAnswers> {
  const { threads } = recipe;
  if (recipe.evaluate.scoreOnly) return { answers: [...answers], judges: [], notes: [] };
  const judges = await judgesOf(recipe.evaluate.judges, { root: manifest.recipe.root, threads });
  if (judges.every(({ immediate }) => immediate)) return judgeAnswers(answers, judges);
  await releaseModel(session);
  let last = 0;
  let flops: number | undefined;
  const [peakBytes, peaks] = [watchPeak(), new DevicePeaks()];
  return withStopSignal(stop, (signal) =>
    judgeAnswers(answers, judges, {
      signal,
      onUsed: (judge, used) => emit({ type: "service-used", service: judge, work: "judging", ...used }),
      onComputed(found, use) {
        flops = (flops ?? 0) + found;
        peaks.add(use);
      },
      onKnown: (judge, known, count) => emit({ type: "verdicts-known", judge, known, answers: count }),
      onProgress(judge, done, total) {
        if (done < total && performance.now() - last < progressEvery) return;
        last = performance.now();
        const computed = { ...(flops !== undefined && { flops }), ...peaksOf(peakBytes, peaks) };
        emit({ type: "judging-progress", judge, done, total, ...computed });
        flops = undefined;
      },
    }),
  );
}

/** What a report takes from the log of a run: losses at either end of training, the probes, and what is to be said of them. */
function whatTrainingSaid(path: string, seed: number) {
  const log = readEventLog(path);
  const moved = movedSentence(log.events);
  const { probes, steps, stages, ends, choices, made } = timeline(log.events);
  const end = ends.at(-1);
  // A stage that was ended at its best state has later probes, of a model that is gone.
  const trained = probes.findLast(({ stage, step }) => stage === end?.stage && step === end.step);
  const choice = layerChoiceSchema.optional().parse(choices.at(-1));
  return {
    losses: {
      untrained: probes.find(({ globalStep }) => globalStep === 0)?.generalLoss,
      trained: (trained ?? probes.at(-1))?.generalLoss,
    },
    series: {
      seed,
      points: probes.map(({ globalStep, toxic, seeminglyToxic, general }) => ({
        step: globalStep,
        toxic: toxic.mean ?? 0,
        seeminglyToxic: seeminglyToxic.mean ?? 0,
        general: general.mean ?? 0,
      })),
      stages: stages.map(({ stage, kind }) => {
        const first = steps.find((step) => step.stage === stage);
        return { kind, step: first ? first.globalStep - first.step : 0 };
      }),
      ...(choice && { layerChoice: choice }),
      ...(made.length > 0 && { made: made.map((one) => madeSchema.parse(one)) }),
    },
    notes: [
      ...made.map(madeSentence),
      ...(moved === null ? [] : [moved]),
      ...(end?.reason === "kept-best"
        ? [
            `Stopped by hand: stage ${end.stage + 1} ended with the state of its step ${end.step}, the best on the ` +
              "panels, and later stages were left out.",
          ]
        : []),
      ...(log.damaged.length > 0
        ? [
            `${log.damaged.length} of the lines of ${path} are damaged and not in the figures of training. The first is ` +
              `line ${log.damaged[0]}.`,
          ]
        : []),
    ],
  };
}

/** Writes a report as JSON, Markdown and one HTML page; the latter two with what people say about the run by now, for they are not written again. */
export async function writeReport(
  report: Report,
  paths: { report: string; reportMarkdown: string; reportPage: string },
): Promise<void> {
  const about = await reportAbout(dirname(paths.report));
  const shown = { ...report, ...(about && { about }) };
  const results = await carriedResults(dirname(paths.report), shown.laboratory ?? []);
  await writeAtomic(paths.report, `${JSON.stringify({ ...report, about: undefined })}\n`);
  await writeAtomic(paths.reportMarkdown, reportMarkdown(shown));
  await writeAtomic(paths.reportPage, await reportHtml(shown, results));
}
