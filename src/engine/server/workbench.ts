import { resolve } from "node:path";
import { generateAnswers, scoreFile } from "../abilities/ask.ts";
import { compareRuns } from "../abilities/compare.ts";
import { startDetached } from "../abilities/detach.ts";
import { doctor } from "../abilities/doctor.ts";
import { evaluateModel } from "../abilities/evaluate.ts";
import { exportRun } from "../abilities/export.ts";
import { loadRecipe } from "../abilities/recipe.ts";
import { stopRun } from "../abilities/stop.ts";
import { resolveModel } from "../model/home.ts";
import { inspectModel } from "../model/load.ts";
import { pullModel } from "../model/pull.ts";
import type { Handlers } from "./answer.ts";

/**
 * Everything a workbench asks of its engine: the abilities of the command line.
 *
 * @param program the program and arguments of Discern's command line, which runs and devices are tried with.
 */
export function workbenchHandlers(program: readonly [string, ...string[]]): Handlers {
  return {
    doctor: async () => ({ ...(await doctor([...program, "try-device"])) }),
    async pull({ name }, progress) {
      const tell = progress(`Fetching ${name}`);
      return {
        ...(await pullModel(name, { onProgress: ({ done, total }) => tell(done, total ?? done + 1) })),
      };
    },
    async inspect({ model, root }) {
      return { ...(await inspectModel(await resolveModel(model, [root]))) };
    },
    generate: ({ prompts, maxNewTokens, ...ask }, progress) =>
      generateAnswers(asked(ask), prompts, maxNewTokens, progress("Answering")),
    score: ({ file, ...ask }, progress) =>
      scoreFile(asked(ask), resolve(ask.root, file), progress("Scoring")),
    evaluate({ name, suites, out, maxNewTokens, batchSize, ...ask }, progress) {
      const bars = new Map(suites.map((suite) => [suite.name, progress(`Evaluating ${suite.name}`)]));
      return evaluateModel(asked(ask), {
        name,
        suites,
        out: resolve(ask.root, out),
        maxNewTokens,
        batchSize,
        onProgress: (suite, done, total) => bars.get(suite)?.(done, total),
      });
    },
    recipe: ({ name, set, stlAlone }) => loadRecipe(name, { set, stlAlone }),
    start: (params) => startDetached(params, program),
    stop: ({ folder }) => stopRun(folder),
    compare: ({ runs }) => compareRuns(runs),
    async export({ run, into, merged }) {
      await exportRun(run, into, merged);
      return null;
    },
  };
}

/** Leaves out the optional keys that a request did not set. */
function asked<A extends { adapter?: string | undefined; threads?: number | undefined }>({
  adapter,
  threads,
  ...ask
}: A) {
  return {
    ...ask,
    ...(adapter === undefined ? {} : { adapter }),
    ...(threads === undefined ? {} : { threads }),
  };
}
