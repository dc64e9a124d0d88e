import { resolve } from "node:path";
import { resolveModel } from "../../modelsHome/home.ts";
import type { Params } from "../../protocol/rpc.ts";
import { type Spent, spentSentence } from "../../protocol/spent.ts";
import { loadRecipe } from "../../recipe/loadRecipe.ts";
import { type AskOptions, generateAnswers, scorePrompts } from "../abilities/ask.ts";
import { compareRuns } from "../abilities/compare.ts";
import { startDetached } from "../abilities/detach.ts";
import { doctor } from "../abilities/doctor.ts";
import { compareWithEarlier } from "../abilities/earlier.ts";
import { exportRun } from "../abilities/export.ts";
import { exportReport, judgedReport, reportAs } from "../abilities/judged.ts";
import { deriveOpenings } from "../abilities/openings.ts";
import { planOpenings } from "../abilities/openingsPlan.ts";
import { placeOf } from "../abilities/place.ts";
import { exportProbe, measureProbe, planProbe, runStates } from "../abilities/probe.ts";
import { stopRun } from "../abilities/stop.ts";
import { fetchSuite } from "../abilities/suites.ts";
import { PromptTrial } from "../abilities/tryPrompt.ts";
import { usualDerivation } from "../evaluate/derivedOpenings.ts";
import { pullModel } from "../model/download/pull.ts";
import { inspectModel } from "../model/load.ts";
import { makeEnvironment, planEnvironment } from "../python/environment.ts";
import type { Asked, Handlers } from "../server/answer.ts";
import { say } from "./shell.ts";

/**
 * Everything a workbench asks of its engine: the abilities of the command line.
 *
 * @param program the program and arguments of Discern's command line, which runs are started with.
 */
export function workbenchHandlers(program: readonly [string, ...string[]]): Handlers {
  const trial = new PromptTrial();
  return {
    doctor: async () => ({ ...(await doctor()) }),
    planEnvironment: ({ build }) => planEnvironment({ build }),
    async makeEnvironment({ build }, { progress, signal }) {
      const plan = await planEnvironment({ build });
      const { executable } = await makeEnvironment(plan, {
        signal,
        // How many lines there will be nobody knows.
        onLine: (line) => progress(line)(0, 0),
      });
      return { folder: plan.folder, python: executable };
    },
    async pull({ name }, { progress, signal }) {
      const tell = progress(`Fetching ${name}`);
      const onProgress = ({ done, total }: { done: number; total: number | null }) =>
        tell(done, total ?? done + 1);
      return { ...(await pullModel(name, { onProgress, signal })) };
    },
    async fetchSuite({ suite, root }, { progress, signal }) {
      const tell = progress(`Fetching ${suite}`);
      const onProgress = ({ done, total }: { done: number; total: number | null }) =>
        tell(done, total ?? done + 1);
      const files = await fetchSuite(suite, { root, onProgress, signal });
      return { files: files.map(({ path }) => path) };
    },
    async inspect({ model, root }) {
      return { ...(await inspectModel(await resolveModel(model, [root]))) };
    },
    place: (question) => placeOf(question),
    generate: ({ prompts, maxNewTokens, ...ask }, { progress, signal }) =>
      generateAnswers(askOptions(ask, progress), prompts, maxNewTokens, {
        onProgress: progress("Answering"),
        signal,
      }),
    async score({ file, ...ask }, { progress, signal }) {
      const notices: string[] = [];
      const scores = await scorePrompts(
        { ...askOptions(ask, progress), onWarning: (warning) => notices.push(warning) },
        { file },
        {
          onProgress: progress("Scoring"),
          signal,
          onNotices(found) {
            for (const notice of found) notices.push(notice);
          },
        },
      );
      return { scores, notices };
    },
    tryPrompt(question, { progress, written, signal }) {
      const reading = progress("Reading the model");
      const told = {
        onProgress: ({ done, total }: { done: number; total: number }) => reading(done, total),
        onStatus: (status: string) => progress(status)(0, 0),
        onWarning: say,
      };
      return trial.ask(question, told, { onProgress: progress("Scoring"), onWritten: written, signal });
    },
    async releaseModels() {
      await trial.release();
      return null;
    },
    states: ({ run, probe }) => runStates(run, probe),
    planProbe: (ask) => planProbe(ask),
    async measureProbe({ ask, out }, { progress, signal }) {
      const reading = progress("Reading the model");
      const { file } = await measureProbe(ask, out, {
        onProgress: progress("Measuring"),
        signal,
        opening: {
          onProgress: ({ done, total }) => reading(done, total),
          onStatus: (status) => progress(status)(0, 0),
          onWarning: say,
        },
      });
      return { file };
    },
    planOpenings(request, { signal }) {
      const { models, prompts, ask, options } = openingsQuestion(request);
      return planOpenings(models, prompts, ask, { ...options, signal });
    },
    async deriveOpenings(request, { progress, signal }) {
      const { models, prompts, ask, options } = openingsQuestion(request);
      const reading = progress("Reading the model");
      const bars = new Map<string, (done: number, total: number) => void>();
      const tell = (title: string, done: number, total: number) => {
        const bar = bars.get(title) ?? progress(title);
        bars.set(title, bar);
        bar(done, total);
      };
      let spent: readonly Spent[] = [];
      const told = {
        onProgress: ({ done, total }: { done: number; total: number }) => reading(done, total),
        onStatus: (status: string) => progress(status)(0, 0),
        onWarning: say,
      };
      const made = await deriveOpenings(
        models,
        prompts,
        { ...ask, ...told },
        {
          ...{ ...options, seed: request.seed, batchSize: 16, signal },
          onProgress: (model, done, total) => tell(`Sampling ${model}`, done, total),
          onJudging: (judge, done, total) => tell(`Judging by ${judge}`, done, total),
          onSpent: (services) => (spent = services),
        },
      );
      return {
        file: resolve(ask.root, options.out),
        openings: made.openings.map(({ text }) => text),
        coverage: made.heldOut.coverage?.value ?? null,
        falseShare: made.heldOut.falseShare?.value ?? null,
        caveats: made.caveats,
        spent: spent.map((each) => spentSentence(each)),
      };
    },
    async exportProbe({ path, into }) {
      await exportProbe(path, into);
      return null;
    },
    recipe: ({ name, set, stlAlone }) => loadRecipe(name, { set, stlAlone }),
    start: (params) => startDetached(params, program),
    stop: ({ folder, keepBest }) => stopRun(folder, { keepBest }),
    compare: ({ runs }) => compareRuns(runs),
    report: ({ path }) => judgedReport(path),
    renderReport: async ({ path, format }) => reportAs(await judgedReport(path), format, path),
    compareEarlier: ({ path, earlier }) => compareWithEarlier(path, earlier),
    async exportReport({ path, format, into }) {
      await exportReport(path, format, into);
      return null;
    },
    async export({ run, into, merged }) {
      await exportRun(run, into, { merged });
      return null;
    },
  };
}

/** A request for openings as the abilities take it. */
function openingsQuestion(request: Params<"deriveOpenings">) {
  const { models, prompts, judge, samples, maxNewTokens, seed: _, out, ...ask } = request;
  const derivation = { ...usualDerivation, samples, maxNewTokens };
  return { models, prompts, ask, options: { judge, out, derivation, suites: [] } };
}

/** A request's model as an ability takes it. */
function askOptions(
  { model, threads, ...ask }: Omit<Params<"score">, "file">,
  progress: Asked["progress"],
): AskOptions {
  const tell = progress("Reading the model");
  return {
    ...ask,
    model: model.base,
    adapters: model.adapters,
    ...(threads === undefined ? {} : { threads }),
    onProgress: ({ done, total }) => tell(done, total),
    onStatus: (status) => progress(status)(0, 0),
    onWarning: say,
  };
}
