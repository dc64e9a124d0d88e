import type { Cell, Plan, PlannedBenchmark } from "../../protocol/cells.ts";
import type { BenchmarkRecord, SuiteOpenings, TuningRecord } from "../../protocol/report/benchmark.ts";
import type { Report } from "../../protocol/report/report.ts";
import { cellFolder } from "../../runFolder/comparison.ts";
import { criteriaChanges } from "../../runFolder/criteria.ts";
import { readOpenings, recordOpenings } from "../../runFolder/suiteOpenings.ts";
import { judgedTrials } from "../../runFolder/trials.ts";
import { failureCases } from "./failureCases.ts";
import { methodCosts } from "./methodCosts.ts";

/**
 * What the report of a benchmark has beside answers and measures. All cells have finished.
 *
 * @param folder folder of the plan.
 * @param report the answers of its methods.
 * @throws DiscernError `run-invalid` for a damaged run.
 */
export async function benchmarkRecord(
  plan: Plan,
  planned: PlannedBenchmark,
  folder: string,
  report: Report,
): Promise<BenchmarkRecord> {
  const { cells, name } = plan;
  const { margins, gates, missing } = planned;
  const rows = cells.filter(({ trial }) => trial === undefined);
  // A runner that was killed may have left some to be recorded.
  for (const cell of rows) await recordOpenings(folder, cell);
  return {
    ...{ name, margins, gates, missing },
    // An untrained model has no seed.
    seeds: [...new Set(rows.filter(isDrawn).map(({ seed }) => seed))].sort((a, b) => a - b),
    ...(planned.tuning && { tuning: await tuningRecord(plan, planned, planned.tuning, folder) }),
    criteriaChanges: await criteriaChanges(folder),
    openings: await suiteOpenings(rows, folder),
    costs: await methodCosts(plan, folder),
    failures: await failureCases(plan, folder, report),
  };
}

function isDrawn({ recipe, base, controls }: Cell): boolean {
  // A control has draws in place of seeds.
  if (controls !== undefined) return false;
  return recipe.stages.length > 0 || base !== undefined;
}

/** Every trial's settings and figures, by method; methods without settings to try have none. */
async function tuningRecord(
  { cells }: Plan,
  { methods }: PlannedBenchmark,
  { trials: budget, measure, suites }: NonNullable<PlannedBenchmark["tuning"]>,
  folder: string,
): Promise<TuningRecord> {
  const of = async (method: string): Promise<TuningRecord["methods"][number]> => {
    const trials = cells.filter((cell) => cell.method === method && cell.trial !== undefined);
    if (trials.length === 0) return { method, trials: [] };
    const { figures, best } = await judgedTrials(
      trials.map(({ name }) => ({ name, folder: cellFolder(folder, { name }) })),
      measure,
    );
    return {
      method,
      trials: trials.map(({ name, trial, seed }, i) => {
        const { higher: _, ...figure } = figures[i]!;
        return { settings: trial!.settings, seed, ...figure, chosen: name === best };
      }),
    };
  };
  return { budget, measure, suites, methods: await Promise.all(methods.map(of)) };
}

/** How often each test suite was opened, by its content: by the cells of the plan, and by others that this folder had before. */
async function suiteOpenings(rows: readonly Cell[], folder: string): Promise<SuiteOpenings[]> {
  const openings = await readOpenings(folder);
  // By names: a cell to whose recipe suites were added has another id, and the same run.
  const names = new Set(rows.map(({ name }) => name));
  const newest = new Map<string, string>();
  for (const { cell, run } of openings) if (run > (newest.get(cell) ?? "")) newest.set(cell, run);
  const isReported = ({ cell, run }: (typeof openings)[number]) =>
    names.has(cell) && newest.get(cell) === run;
  const bySuite = Map.groupBy(openings, ({ suite, sha256 }) => JSON.stringify([suite, sha256]));
  return [...bySuite.values()].map((some) => {
    const { suite, sha256, prompts } = some[0]!;
    return { suite, sha256, prompts, openings: some.length, reported: some.filter(isReported).length };
  });
}
