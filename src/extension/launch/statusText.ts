import { duration, probability, type Words } from "../figures.ts";
import type { RunSummary } from "../runs/summary.ts";

/** A run as the status bar shows it. */
export type ShownRun = Pick<
  RunSummary,
  "stages" | "step" | "totalSteps" | "last" | "evaluating" | "etaSeconds" | "state"
> & { readonly label: string };

/** The arm that a run trains, as researchers call it. */
export function armOf({ stages }: Pick<RunSummary, "stages">): "DCR" | "STL" {
  return stages.some(({ kind }) => kind === "contrastive") ? "DCR" : "STL";
}

/**
 * What the status bar says of the runs that are active and those that wait.
 *
 * @returns null when there is nothing to say.
 */
export function statusText(active: readonly ShownRun[], waiting: number, l10n: Words): string | null {
  const [run, ...others] = active;
  if (run === undefined && waiting === 0) return null;
  const queue = waiting > 0 ? [l10n.t("{0} waiting", waiting)] : [];
  const parts =
    run === undefined
      ? queue
      : others.length > 0
        ? [l10n.t("{0} runs", active.length), ...queue]
        : [`${armOf(run)} ${progressOf(run, l10n)}`, ...refusal(run, l10n), ...queue];
  return `$(graph-line) ${parts.join(" · ")}`;
}

/** How far each active run is, a line each, for the hover and for screen readers. */
export function statusLines(active: readonly ShownRun[], l10n: Words): string[] {
  return active.map((run) => {
    const left = run.etaSeconds === null ? [] : [l10n.t("{0} left", duration(run.etaSeconds, l10n))];
    return [run.label, progressOf(run, l10n), ...refusal(run, l10n), ...left].join(" · ");
  });
}

function progressOf({ state, step, totalSteps, evaluating }: ShownRun, l10n: Words): string {
  if (state === "starting") return l10n.t("starting");
  if (evaluating) return l10n.t("evaluating {0}/{1}", evaluating.done, evaluating.total);
  return totalSteps === null ? `${step}` : `${step}/${totalSteps}`;
}

function refusal({ last }: ShownRun, l10n: Words): string[] {
  if (last === null) return [];
  return [
    l10n.t("toxic {0}", probability(last.toxic)),
    l10n.t("seemingly {0}", probability(last.seeminglyToxic)),
  ];
}
