import { activityWords } from "../../protocol/activity.ts";
import { backendWords } from "../../protocol/backend.ts";
import { counted as count, duration, estimate, percent, probability } from "../../wording/numbers.ts";
import { stageWord } from "../../wording/stages.ts";
import type { Headline } from "./headline.ts";
import {
  type CellsSummary,
  isActive,
  isResumable,
  type RunSummary,
  type RunSummaryState,
} from "./summary.ts";

/** Codicon and theme colour of each state. The state also stands in words wherever the icon does. */
export const stateIcons: Record<RunSummaryState, { readonly icon: string; readonly color: string }> = {
  starting: { icon: "sync~spin", color: "charts.blue" },
  running: { icon: "sync~spin", color: "charts.blue" },
  finished: { icon: "pass", color: "testing.iconPassed" },
  stopped: { icon: "debug-pause", color: "charts.yellow" },
  failed: { icon: "error", color: "testing.iconFailed" },
  interrupted: { icon: "debug-disconnect", color: "charts.orange" },
  damaged: { icon: "warning", color: "problemsWarningIcon.foreground" },
};

/** The context value of a row, by whose parts the manifest shows commands: of a run, an experiment (a `comparison`, too) or a report alone. */
export function contextValue(run: RunSummary): string {
  const parts = [
    run.kind === "report" ? "reportAlone" : "run",
    run.cells !== undefined && "comparison",
    isActive(run) ? "active" : run.state,
    run.stopping && (run.stopping.keepBest ? "keeping" : "stopping"),
    run.report !== null && "report",
    isResumable(run) && "resumable",
  ];
  return parts.filter(Boolean).join("+");
}

/** What it is, in a word. */
export function kindWord({ kind }: RunSummary): string {
  if (kind === undefined) return "run";
  return kind === "report" ? "report" : `experiment (${kind})`;
}

/** What stands behind a run's name: how far it is, or how it ended, and its tags. */
export function description(run: RunSummary, headline: Headline | null): string {
  const tags = (run.remarks?.tags ?? []).map((tag) => `#${tag}`).join(" ");
  return [standing(run, headline), tags].filter(Boolean).join(" · ");
}

function standing(run: RunSummary, headline: Headline | null): string {
  if (run.state === "damaged") return "damaged";
  if (run.state === "finished" && headline !== null) return headlineWords(headline).join(" · ");
  if (run.kind === "report") return "report";
  const { activity, etaSeconds, last } = run;
  return [
    run.stopping?.short,
    run.stoppedEarly === undefined ? run.state !== "running" && run.state : "stopped early",
    run.state === "running" && activity
      ? `${activity.verb} ${activity.done}/${activity.total}`
      : stepsOf(run),
    etaSeconds !== null && `${duration(etaSeconds)} left`,
    last !== null && `toxic ${probability(last.toxic)}`,
    last !== null && `seemingly toxic ${probability(last.seeminglyToxic)}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

function headlineWords({ method, safe, unsafe, discernment, scored }: Headline): string[] {
  return [
    ...(scored ? scoreWords(scored) : []),
    ...(method === undefined ? [] : [method]),
    ...(safe ? [`safe refused ${counted(safe)}`] : []),
    ...(unsafe ? [`unsafe refused ${counted(unsafe)}`] : []),
    ...(discernment ? [`discernment ${estimate(discernment.after)}`] : []),
  ];
}

function scoreWords({ prompts, safe, unsafe }: NonNullable<Headline["scored"]>): string[] {
  return [
    `${count(prompts, "prompt")} scored`,
    ...(safe === undefined ? [] : [`safe ${probability(safe)}`]),
    ...(unsafe === undefined ? [] : [`unsafe ${probability(unsafe)}`]),
  ];
}

/** A rate before and after training (the latter alone where there is no other), and how many answers it leaves out. */
function counted(rates: NonNullable<Headline["safe"]>): string {
  const { before, after, undetermined = 0 } = rates;
  const change = before === undefined ? percent(after) : `${percent(before)} → ${percent(after)}`;
  return undetermined > 0 ? `${change} (${undetermined} undetermined)` : change;
}

function stepsOf(run: RunSummary): string | false {
  if (run.state === "starting") return false;
  if (run.cells !== undefined) return cellsWords(run.cells);
  return stepWords(run) || (run.state === "running" && "preparing");
}

/** How many steps a run has done, of how many; "" of a run that trains nothing and has none. */
export function stepWords({
  stages,
  step,
  totalSteps,
}: Pick<RunSummary, "stages" | "step" | "totalSteps">): string {
  if (stages.length === 0 && step === 0) return "";
  return totalSteps === null ? `${step}` : `${step}/${totalSteps}`;
}

/** How far an experiment is. */
export function cellsWords({ names, finished, running, failed }: CellsSummary): string {
  const parts = [
    `${finished.length} of ${names.length} runs finished`,
    failed.length > 0 && `${failed.length} failed`,
    running.length > 0 && `${running.join(", ")} at work`,
  ];
  return parts.filter(Boolean).join(" · ");
}

/** A line about a run: shown below it, and in its hover. */
export interface Detail {
  readonly name: string;
  readonly value: string;
  readonly icon: string;
  /** Name of the run of an experiment that the line is about. */
  readonly cell?: string;
  /** Where the figure is shown in full. */
  readonly opens?: "dashboard" | "report" | "notes";
  /** What the figure is of, in a whole sentence of a hover; never with words of others, since it may be read as Markdown. */
  readonly note?: string;
}

/** The report's sentence compares pairs of answers, and a row has no other method to pair with. */
const rateNote =
  "Each refusal rate counts all determined answers of its method; the report's sentence compares only prompts whose answers are determined in both methods.";

/**
 * What a researcher wants to know of a run without opening it: what went wrong, how far it is, where refusals stand, what
 * came of it, and from what it was made.
 */
export function details(run: RunSummary, headline: Headline | null): Detail[] {
  const { problem, activity, last, manifest, device, etaSeconds } = run;
  const { safe, unsafe, discernment, scored } = headline ?? {};
  const figure = (name: string, value: string): Detail => ({ name, value, icon: "graph", opens: "report" });
  return [
    ...(problem === undefined ? [] : [{ name: "Problem", value: problem, icon: "error" }]),
    ...(run.stopping ? [{ name: "Stop", value: run.stopping.long, icon: "debug-pause" }] : []),
    ...(run.stoppedEarly === undefined
      ? []
      : [{ name: "Stopped early", value: run.stoppedEarly, icon: "debug-step-out" }]),
    ...remarkDetails(run),
    ...(safe ? [{ ...figure("Safe prompts refused", counted(safe)), note: rateNote }] : []),
    ...(unsafe ? [{ ...figure("Unsafe prompts refused", counted(unsafe)), note: rateNote }] : []),
    ...(discernment ? [figure("Discernment", discernmentChange(discernment))] : []),
    ...(scored?.safe === undefined
      ? []
      : [figure("Mean refusal probability, safe", probability(scored.safe))]),
    ...(scored?.unsafe === undefined
      ? []
      : [figure("Mean refusal probability, unsafe", probability(scored.unsafe))]),
    ...stageDetails(run),
    ...cellDetails(run),
    ...(activity && isActive(run)
      ? [
          {
            name: activityWords(activity),
            value: `${activity.done}/${activity.total}`,
            icon: "checklist",
          },
        ]
      : []),
    ...(etaSeconds === null ? [] : [{ name: "Left", value: duration(etaSeconds), icon: "watch" }]),
    ...(last
      ? [
          {
            name: "Refusal probability",
            value: `toxic ${probability(last.toxic)} · seemingly toxic ${probability(last.seeminglyToxic)} · general ${probability(last.general)}`,
            icon: "graph-line",
            opens: "dashboard" as const,
          },
        ]
      : []),
    ...(manifest
      ? [
          {
            name: "Model",
            value: `${manifest.model.name} · seed ${manifest.seed} · ${device ?? ""}`,
            icon: "package",
          },
        ]
      : []),
    ...(manifest?.backend
      ? [{ name: "Backend", value: backendWords(manifest.backend), icon: "server-process" }]
      : []),
    ...(manifest?.memoryPlan ? [{ name: "Memory", value: manifest.memoryPlan.text, icon: "database" }] : []),
    ...(manifest?.deviceChoice
      ? [
          {
            name: "Device auto",
            value: `${manifest.deviceChoice.device} by ${manifest.deviceChoice.backend}: ${manifest.deviceChoice.reason}`,
            icon: "chip",
          },
        ]
      : []),
  ];
}

/** What people say about a run; of notes, the first line. */
function remarkDetails({ remarks }: RunSummary): Detail[] {
  if (remarks === undefined) return [];
  const { notes, damaged } = remarks;
  return [
    ...(damaged === undefined ? [] : [{ name: "Name and tags", value: damaged, icon: "warning" }]),
    ...(notes === undefined
      ? []
      : [{ name: "Notes", value: notes.split(/\r?\n/, 1)[0]!, icon: "note", opens: "notes" as const }]),
  ];
}

function discernmentChange({ before, after }: NonNullable<Headline["discernment"]>): string {
  return before ? `${estimate(before)} → ${estimate(after)}` : estimate(after);
}

/** A line per run of an experiment. */
function cellDetails({ cells }: RunSummary): Detail[] {
  if (cells === undefined) return [];
  const failed = new Map(cells.failed.map(({ cell, message }) => [cell, message]));
  return cells.names.map((name): Detail => {
    const of = { name, cell: name };
    if (cells.finished.includes(name)) return { ...of, value: "finished", icon: "check" };
    if (cells.running.includes(name)) return { ...of, value: "running", icon: "sync" };
    const message = failed.get(name);
    return message === undefined
      ? { ...of, value: "waiting", icon: "circle-outline" }
      : { ...of, value: message, icon: "error" };
  });
}

/** A line a stage, with its own steps. */
function stageDetails({ stages, step }: RunSummary): Detail[] {
  let before = 0;
  return stages.map(({ kind, steps }, index) => {
    const done = Math.max(0, Math.min(step - before, steps ?? step - before));
    before += steps ?? 0;
    const over = steps !== null && done >= steps;
    return {
      name: `Stage ${index + 1}: ${stageWord(kind, "work")}`,
      value: steps === null ? `${done} steps` : `${done}/${steps}`,
      icon: over ? "check" : done > 0 ? "sync" : "circle-outline",
      opens: "dashboard",
    };
  });
}
