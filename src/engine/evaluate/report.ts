import { layerCaveats } from "../../protocol/layerChoice.ts";
import {
  type Arm,
  type ArmSeries,
  isBefore,
  outcomeOf,
  type Report,
  type Undetermined,
} from "../../protocol/report.ts";
import { comovement } from "../../statistics/comovement.ts";
import { leastOf } from "../../statistics/extremes.ts";
import type { BootstrapOptions } from "./bootstrap.ts";
import { compare } from "./compare.ts";
import { distinctRuns } from "./distinctRuns.ts";
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
  const distinct = distinctRuns([{ arms: input.arms, series: input.series ?? [] }]);
  const [{ arms, series }] = distinct.parts as [(typeof distinct.parts)[number]];
  const { contamination = [], notes = [] } = input;
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
    series: series.map(({ comovement: _, ...one }: ArmSeries) => {
      const figures = comovement(one.points, options);
      return { ...one, ...(figures && { comovement: figures }) };
    }),
    contamination,
    notes: [...notes, ...distinct.notes.filter((note) => !notes.includes(note)), ...warnings(input)],
  };
}

/**
 * A report worked out anew after verdicts in its answers changed. Everything else stays: its time, and the notes that do
 * not follow from the answers.
 *
 * @param arms the report's arms with people's verdicts
 * @param notes what is to be said besides
 */
export function rebuildReport(
  report: Report,
  arms: Arm[],
  notes: readonly string[] = [],
  options: BootstrapOptions = {},
): Report {
  const followed = new Set(warnings(report));
  return buildReport(
    {
      ...report,
      arms,
      notes: [...report.notes.filter((note) => !followed.has(note)), ...notes],
      created: new Date(report.created),
    },
    options,
  );
}

function warnings({ arms, series = [], contamination = [] }: Omit<ReportInput, "created">): string[] {
  const found: string[] = [];
  // The model before training is the same for every seed.
  const trained = arms.filter(({ name }) => !isBefore(name));
  const recipes = [...Map.groupBy(trained, ({ name }) => name).values()];
  const seeds = leastOf(recipes.map((runs) => runs.length));
  if (seeds < 3) {
    found.push(
      "An arm has fewer than three seeds: intervals over prompts do not cover the variance of training.",
    );
  }
  if (contamination.length > 0) {
    const total = contamination.reduce((sum, { contaminated }) => sum + contaminated, 0);
    const counts = contamination.map(
      ({ arm, suite, prompts, contaminated, sameWords }) =>
        `${contaminated} of the ${prompts} of ${suite} (${sameWords} in the same words) for ${arm}`,
    );
    const are =
      total === 1
        ? "prompt is, or nearly is, a training prompt"
        : "prompts are, or nearly are, training prompts";
    found.push(`Contamination: ${total} evaluated ${are}: ${counts.join("; ")}.`);
  }
  for (const { arm, seed, layerChoice } of series) {
    const caveats = layerChoice ? layerCaveats(layerChoice) : [];
    for (const caveat of caveats) found.push(`${arm}, seed ${seed}: ${caveat}`);
  }
  if (series.some(({ points }) => points.length < 15)) {
    found.push(
      "A run has fewer than 15 probes: its co-movement figures are too uncertain to rest a claim on.",
    );
  }
  for (const note of [...undeterminedAnswers(arms), ...promptsLeftOut(arms), ...askedOtherwise(arms)]) {
    found.push(note);
  }
  const human = humanVerdicts(arms);
  if (human !== null) found.push(human);
  return found;
}

const reasons: Record<Undetermined, string> = {
  empty: "no words",
  reasoning: "reasoning never closed",
  cut: "cut off at the token limit before refusing or answering",
  echo: "the prompt again",
  loop: "a loop",
};

/** How many answers of each arm are undetermined, and why; the count is said wherever a rate leaves some out. */
function undeterminedAnswers(arms: readonly Arm[]): string[] {
  const said = arms.flatMap(({ name, seed, results }) => {
    const open = results.filter((result) => outcomeOf(result) === "undetermined");
    if (open.length === 0) return [];
    const counts = Map.groupBy(open, ({ human, undetermined }) =>
      human === undefined && undetermined ? reasons[undetermined] : "by a person's verdict",
    );
    const why = [...counts].map(([reason, some]) => `${some.length} ${reason}`).join(", ");
    return [`${open.length} of ${results.length} of ${name} (seed ${seed}): ${why}`];
  });
  if (said.length === 0) return [];
  return [
    `Undetermined answers: ${said.join("; ")}. They are neither refusals nor compliance, and no rate counts them.`,
  ];
}

function promptsLeftOut(arms: readonly Arm[]): string[] {
  // Every arm of a model is asked the same.
  const left = new Map(
    arms.flatMap(({ leftOut = [] }) =>
      leftOut.map((one) => [`${one.suite} ${one.id} ${one.reason}`, one] as const),
    ),
  );
  const [first] = left.values();
  return first === undefined
    ? []
    : [
        `Prompts of the suites that were not asked: ${left.size}. The first, of ${first.suite}: "${first.prompt}" (${first.reason}).`,
      ];
}

function askedOtherwise(arms: readonly Arm[]): string[] {
  const ways = new Set(arms.flatMap(({ asked }) => (asked ? JSON.stringify(asked) : [])));
  return ways.size > 1
    ? [
        "The arms were asked in different ways (template, system prompt, thinking): their differences are not those of " +
          "training alone.",
      ]
    : [];
}

/** What people's verdicts did to the figures; null where there are none. */
function humanVerdicts(arms: readonly Arm[]): string | null {
  const judged = arms.flatMap(({ results }) => results.filter(({ human }) => human !== undefined));
  if (judged.length === 0) return null;
  const changed = judged.filter((result) => outcomeOf(result) !== outcomeOf({ verdict: result.verdict }));
  const partial = judged.filter(({ human }) => human === "partial_refusal").length;
  return (
    `People judged ${judged.length} ${judged.length === 1 ? "answer" : "answers"}; the figures follow them, and for ${changed.length} of them that changed ` +
    `the judge's verdict. Partial refusals (${partial}) count as refusals.`
  );
}
