import type { Cell, Plan } from "../../protocol/cells.ts";
import type { StageRecipe } from "../../protocol/recipeStages.ts";
import { type Cost, type EvaluationCost, mostMemory } from "../../recipe/cost.ts";
import { laboratoryLines } from "../../recipe/laboratoryCost.ts";
import type { FitCost } from "../../recipe/steeringCost.ts";
import { byteSize, counted, duration, operations } from "../../wording/numbers.ts";
import type { CellState } from "../run/cells.ts";

/** What the plan of a benchmark or sweep says before it is run. */
export interface ShownPlan {
  readonly plan: Plan;
  readonly states: ReadonlyMap<string, CellState>;
  readonly costs: ReadonlyMap<string, Cost | null>;
  /** Whether a cell was asked for. */
  readonly isAsked: (cell: Cell) => boolean;
  /** Cells at work at a time. */
  readonly jobs: number;
}

/** The plan of a benchmark or sweep in lines: what each run does, needs and costs, what is shared, and what is missing. */
export function benchmarkPlanLines(shown: ShownPlan): string[] {
  const { plan, states, costs, isAsked } = shown;
  const rows = plan.cells.map((cell) => {
    const cost = costs.get(cell.name);
    const state = isAsked(cell) ? states.get(cell.name)! : "not asked for";
    return [
      cell.name,
      state,
      ...(cost
        ? [duration(cost.seconds), byteSize(cost.memoryBytes), byteSize(cost.diskBytes)]
        : ["–", "–", "–"]),
      whatItDoes(cell),
    ];
  });
  const header = ["run", "state", "time", "memory", "disk", "what it does"];
  return [
    ...aligned([header, ...rows]),
    "",
    ...totals(shown),
    ...sharing(plan),
    ...held(plan),
    ...searched(plan),
  ];
}

/** Cells of text under each other, the last one as long as it is. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) => rows.reduce((most, row) => Math.max(most, row[i]!.length), 0));
  return rows.map((row) =>
    `  ${row.map((text, i) => (i === row.length - 1 ? text : text.padEnd(widths[i]! + 2))).join("")}`.trimEnd(),
  );
}

function whatItDoes({ recipe, base, tuned, trial, promoted, controls }: Cell): string {
  const { stages, evaluate } = recipe;
  const { steering } = recipe;
  return [
    ...(base === undefined ? [] : [`on ${base}`]),
    ...(stages.length === 0 ? [] : [stages.map(stageWords).join(", then ")]),
    ...(steering ? [`${steering.type}${steering.control ? `, ${steering.control.type} control` : ""}`] : []),
    ...(trial?.varied || promoted ? [] : [counted(evaluate.suites.length, "suite")]),
    ...(promoted
      ? [
          `settings of place ${promoted.place + 1} of ${counted(promoted.trials.length, "trial")} of the rung before`,
        ]
      : trial
        ? [`trial ${settingsWords(trial.varied ?? trial.settings)}`]
        : []),
    ...(controls === undefined ? [] : [`draw of ${controls}, as it was tuned and fitted`]),
    ...(tuned ? [`settings of the best of ${tuned.trials.length} trials`] : []),
  ].join("; ");
}

function settingsWords(settings: Readonly<Record<string, unknown>>): string {
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(" ");
}

/** A stage in a few words: "supervised 120 steps". */
export function stageWords(stage: StageRecipe): string {
  return stage.type === "contrastive" || stage.steps !== undefined
    ? `${stage.type} ${stage.steps} steps`
    : `${stage.type} ${stage.epochs} ${stage.epochs === 1 ? "epoch" : "epochs"}`;
}

function totals({ plan, states, costs, isAsked, jobs }: ShownPlan): string[] {
  const left = plan.cells.filter((cell) => isAsked(cell) && states.get(cell.name) !== "finished");
  const known = left.flatMap(({ name }) => costs.get(name) ?? []);
  if (left.length === 0) return ["Everything has finished."];
  const unknown = left.length - known.length;
  if (known.length === 0) {
    return [
      `${counted(left.length, "run")} left. Their cost is unknown: the model cannot be read. Fetch it with discern pull.`,
    ];
  }
  const sum = (of: (cost: Cost) => number) => known.reduce((total, cost) => total + of(cost), 0);
  const most = known.map(({ memoryBytes }) => memoryBytes).sort((a, b) => b - a);
  const memory = most.slice(0, jobs).reduce((total, each) => total + each, 0);
  return [
    `${counted(left.length, "run")} left: about ${duration(sum(({ seconds }) => seconds))} of computing${jobs > 1 ? `, ${jobs} at a time` : ""}, ` +
      `up to ${byteSize(memory)} of ${mostMemory(known).memoryOf}, ${byteSize(sum(({ diskBytes }) => diskBytes))} of disk` +
      `${unknown === 0 ? "." : `; ${unknown} of unknown cost.`} Estimates are good to a factor of about two.`,
    ...fitLines(known.map(({ fit }) => fit)),
    ...judgingLines(known.map(({ evaluation }) => evaluation)),
    ...laboratoryLines(known.map(({ laboratory }) => laboratory)),
  ];
}

/** What fitting inference-time methods takes of the time. */
function fitLines(costs: readonly FitCost[]): string[] {
  const fits = costs.filter(({ flops }) => flops > 0);
  if (fits.length === 0) return [];
  const sum = (of: (cost: FitCost) => number) => fits.reduce((total, cost) => total + of(cost), 0);
  return [
    `Fits of inference-time methods: ${fits.length}, about ${duration(sum(({ seconds }) => seconds))} and ` +
      `${operations(sum(({ flops }) => flops))} floating-point operations, within the time.`,
  ];
}

/** What answers are asked beyond the greedy ones, and what judging asks of others. */
function judgingLines(costs: readonly EvaluationCost[]): string[] {
  const sum = (of: (cost: EvaluationCost) => number) => costs.reduce((total, cost) => total + of(cost), 0);
  const sampled = sum((cost) => cost.sampled);
  const requests = sum((cost) => cost.requests);
  return [
    ...(sampled > 0 ? [`Sampled answers: ${sampled}, within the time.`] : []),
    ...(requests > 0
      ? [
          `Requests to judges behind an API: ${requests}, fewer where answers are the same or were judged before.`,
        ]
      : []),
    ...(costs.some(({ judgeModels }) => judgeModels > 0)
      ? ["The time that models of this machine take to judge is not counted."]
      : []),
  ];
}

/** What serves more than one run. */
function sharing({ cells }: Plan): string[] {
  const bases = Map.groupBy(
    cells.filter(({ base }) => base !== undefined),
    ({ base }) => base!,
  );
  return [...bases].map(([base, those]) => {
    const rows = those.filter(({ trial }) => trial === undefined).length;
    const trials = those.length - rows;
    return `${base} is trained once and serves ${[counted(rows, "other run"), ...(trials > 0 ? [counted(trials, "trial")] : [])].join(" and ")}.`;
  });
}

/** What the table is held to, and what is missing from it. */
function held({ benchmark }: Plan): string[] {
  if (benchmark === undefined) return [];
  const { suites, tuning, reference, missing, gates } = benchmark;
  return [
    `Test suites: ${suites.map(({ suite, prompts }) => `${suite} (${prompts})`).join(", ")}. Reference: ${reference}.`,
    ...(tuning
      ? [
          `Tuning: ${counted(tuning.trials, "trial")} of each method with settings to try, on ${tuning.suites.join(", ")}, by ${tuning.measure}.`,
        ]
      : []),
    ...(gates.length > 0 ? [`Fails where: ${gates.join("; ")}.`] : []),
    ...missing.map(({ suite, reason }) => `Missing suite ${suite}: ${reason}`),
  ];
}

/** How a sweep chooses, what it is judged by, and what ends it. */
function searched({ sweep }: Plan): string[] {
  if (sweep === undefined) return [];
  const { search, objective, stop, budget } = sweep;
  const { constraint } = objective;
  const words =
    search.type === "halving"
      ? `successive halving over ${search.rungs} rungs, from ${search.steps} steps by ${search.factor}`
      : search.type === "random"
        ? `random, seed ${search.seed}`
        : "grid";
  const bound = constraint
    ? `, ${constraint.measure} ${constraint.atMost === undefined ? `≥ ${constraint.atLeast}` : `≤ ${constraint.atMost}`}`
    : "";
  return [
    `Search: ${words}. Objective: ${objective.measure} on ${objective.on} prompts${bound}.`,
    ...(stop
      ? [
          `Stopped early: worse than the median of ${stop.after} or more finished trials by ${stop.margin}${stop.heldOutLoss === undefined ? "" : `, or held-out loss above ${stop.heldOutLoss}`}.`,
        ]
      : []),
    ...(budget.hours === undefined ? [] : [`Budget: ${duration(budget.hours * 3600)} of computing.`]),
  ];
}
