import { type Arm, type ArmSeries, BEFORE, type Report } from "../../protocol/report.ts";
import { comovement } from "../../statistics/comovement.ts";
import type { BootstrapOptions } from "./bootstrap.ts";
import { compare } from "./compare.ts";
import { discernments, overSeeds, summariseSuites } from "./summary.ts";

export interface ReportInput {
  model: Report["model"];
  run?: Report["run"];
  /** In the order in which they are to be shown; arms with one name are one recipe with several seeds. */
  arms: Arm[];
  /** Probes during training, by arm and seed. */
  series?: Omit<ArmSeries, "comovement">[];
  contamination?: Report["contamination"];
  notes?: string[];
  /** Time of the report; now where it is left out. */
  created?: Date;
}

/**
 * Works out a report from answers: summaries, discernment, co-movement, and a comparison of every earlier arm with
 * every later one.
 *
 * @throws DiscernError "request-invalid" when two arms have no prompt in common.
 */
export function buildReport(input: ReportInput, options: BootstrapOptions = {}): Report {
  const { arms, series = [], contamination = [], notes = [] } = input;
  const recipes = [...Map.groupBy(arms, ({ name }) => name).values()];
  const discernment = arms.flatMap((arm) => discernments(arm, options));
  return {
    format: 1,
    created: (input.created ?? new Date()).toISOString(),
    model: input.model,
    ...(input.run && { run: input.run }),
    arms,
    suites: arms.flatMap(summariseSuites),
    discernment,
    overSeeds: overSeeds(arms, discernment),
    comparisons: recipes.flatMap((before, i) =>
      recipes.slice(i + 1).map((after) => compare(before, after, options)),
    ),
    series: series.map(({ arm, seed, points, stages }) => {
      const figures = comovement(points, options);
      return { arm, seed, points, ...(stages && { stages }), ...(figures && { comovement: figures }) };
    }),
    contamination,
    notes: [...notes, ...warnings(input)],
  };
}

function warnings({ arms, series = [], contamination = [] }: ReportInput): string[] {
  const found: string[] = [];
  // The model before training is the same for every seed.
  const trained = arms.filter(({ name }) => name !== BEFORE);
  const recipes = [...Map.groupBy(trained, ({ name }) => name).values()];
  const seeds = Math.min(...recipes.map((runs) => runs.length));
  if (seeds < 3) {
    found.push(
      "An arm has fewer than three seeds: intervals over prompts do not cover the variance of training.",
    );
  }
  if (contamination.length > 0) {
    const prompts = new Set(contamination.map(({ evaluation }) => evaluation)).size;
    found.push(`Contamination: ${prompts} evaluated prompts are, or nearly are, training prompts.`);
  }
  if (series.some(({ points }) => points.length < 15)) {
    found.push(
      "A run has fewer than 15 probes: its co-movement figures are too uncertain to rest a claim on.",
    );
  }
  return found;
}
