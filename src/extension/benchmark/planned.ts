import type { Cell, Plan } from "../../protocol/cells.ts";
import type { AddedToPlan } from "../../recipe/addedToPlan.ts";
import { type Cost, mostMemory } from "../../recipe/cost.ts";
import { byteSize, counted, duration } from "../../wording/numbers.ts";
import { escaped } from "../evaluation/inert.ts";

/** A run that is planned, and about what it costs; null where its model cannot be read. */
export interface PlannedRun {
  readonly cell: Cell;
  readonly cost: Pick<Cost, "seconds" | "memoryBytes" | "memoryOf" | "diskBytes"> | null;
  readonly isFinished: boolean;
}

/** What is planned, in whole. */
export interface PlanSummary {
  readonly name: string;
  readonly runs: readonly PlannedRun[];
  /** Suites that cannot be had, and why. */
  readonly missing: NonNullable<Plan["benchmark"]>["missing"];
}

/** What is left to be done takes at most so much memory at once, and so much disk in all; null where a model cannot be read. */
export function plannedNeed({
  runs,
}: PlanSummary): Pick<Cost, "memoryBytes" | "memoryOf" | "diskBytes"> | null {
  const left = runs.filter(({ isFinished }) => !isFinished);
  const costs = left.flatMap(({ cost }) => cost ?? []);
  if (costs.length < left.length) return null;
  return {
    ...mostMemory(costs),
    diskBytes: costs.reduce((sum, { diskBytes }) => sum + diskBytes, 0),
  };
}

/** What is left to be done and what it costs, in one line: 12 runs · ≈ 1 h 20 min · 2.4 GB of memory · 1.2 GB on disk. */
export function planLine(summary: PlanSummary): string {
  const { runs } = summary;
  const left = runs.filter(({ isFinished }) => !isFinished);
  const costs = left.flatMap(({ cost }) => cost ?? []);
  const done = runs.length - left.length;
  const count =
    done > 0 ? `${left.length} of ${counted(runs.length, "run")} left` : counted(runs.length, "run");
  const need = plannedNeed(summary);
  if (need === null) return `${count} · costs unknown: a model cannot be read`;
  const total = costs.reduce((sum, { seconds }) => sum + seconds, 0);
  return [
    count,
    `≈ ${duration(total)} one after another`,
    `${byteSize(need.memoryBytes)} of ${need.memoryOf}`,
    `${byteSize(need.diskBytes)} on disk`,
  ].join(" · ");
}

/** What can be added to an earlier run, in a sentence. */
export function addedLine({ runs, suites, judges }: AddedToPlan): string {
  const parts = [
    ...(runs > 0 ? [counted(runs, "run")] : []),
    ...(suites.length > 0 ? [`${counted(suites.length, "suite")} (${suites.join(", ")})`] : []),
    ...(judges > 0 ? [counted(judges, "judge")] : []),
  ];
  return `New since the earlier run: ${new Intl.ListFormat("en").format(parts)}. Added to it, nothing that has finished is trained again.`;
}

/** What a run is: a method, or a trial with what varies in it. */
function whatRuns({ method, trial, promoted }: Cell): string {
  if (promoted !== undefined) return `place ${promoted.place + 1} of the rung before`;
  if (trial === undefined) return method;
  if (trial.varied === undefined) return `${method}, trial`;
  return Object.entries(trial.varied)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(" ");
}

/** The plan as Markdown, in which names of people's files are words alone. */
export function planMarkdown(summary: PlanSummary): string {
  const { name, runs, missing } = summary;
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rows = runs.map(({ cell, cost, isFinished }) =>
    row([
      escaped(cell.name),
      escaped(whatRuns(cell)),
      String(cell.seed),
      escaped(cell.needs.join(", ")),
      cost === null ? "–" : duration(cost.seconds),
      cost === null ? "–" : byteSize(cost.memoryBytes),
      cost === null ? "–" : byteSize(cost.diskBytes),
      isFinished ? "finished" : "",
    ]),
  );
  const all = new Set(runs.flatMap(({ cell }) => cell.recipe.evaluate.suites.map((one) => one.name)));
  const suites = [...all].filter((name) => missing.every(({ suite }) => suite !== name));
  return [
    `# Plan of ${escaped(name)}`,
    planLine(summary),
    `Suites: ${suites.map(escaped).join(", ") || "none"}.`,
    ...(missing.length > 0
      ? [
          `Missing suites:\n\n${missing.map(({ suite, reason }) => `- **${escaped(suite)}**: ${escaped(reason)}`).join("\n")}`,
        ]
      : []),
    [
      row(["run", "what", "seed", "needs", "time", "memory", "disk", "state"]),
      "| --- | --- | ---: | --- | ---: | ---: | ---: | --- |",
      ...rows,
    ].join("\n"),
    "Times, memory and disk are estimates, good to a factor of about two; those of runs like earlier ones on this machine are better.",
    "",
  ].join("\n\n");
}
