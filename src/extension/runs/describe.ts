import type { Words } from "../figures.ts";
import { change, duration, estimate, probability } from "../figures.ts";
import type { Headline } from "./headline.ts";
import { isActive, isResumable, type RunSummary, type RunSummaryState } from "./summary.ts";

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

/** A state in words. */
export function stateWord(state: RunSummaryState, l10n: Words): string {
  const words: Record<RunSummaryState, string> = {
    starting: l10n.t("starting"),
    running: l10n.t("running"),
    finished: l10n.t("finished"),
    stopped: l10n.t("stopped"),
    failed: l10n.t("failed"),
    interrupted: l10n.t("interrupted"),
    damaged: l10n.t("damaged"),
  };
  return words[state];
}

/** The kind of a stage in words. */
export function stageWord(kind: string, l10n: Words): string {
  if (kind === "contrastive") return l10n.t("contrastive refinement");
  if (kind === "supervised") return l10n.t("safety tuning");
  return kind;
}

/** The context value of a run's row, by whose parts the manifest shows commands. */
export function contextValue(run: RunSummary): string {
  const parts = [
    "run",
    isActive(run) ? "active" : run.state,
    run.report !== null && "report",
    isResumable(run) && "resumable",
  ];
  return parts.filter(Boolean).join("+");
}

/** What stands behind a run's name: how far it is, or how it ended. */
export function description(run: RunSummary, headline: Headline | null, l10n: Words): string {
  if (run.state === "damaged") return l10n.t("damaged");
  if (run.state === "finished" && headline !== null) return headlineWords(headline, l10n).join(" · ");
  const { evaluating, etaSeconds, last } = run;
  return [
    run.state !== "running" && stateWord(run.state, l10n),
    run.state === "running" && evaluating
      ? l10n.t("evaluating {0}/{1}", evaluating.done, evaluating.total)
      : stepsOf(run),
    etaSeconds !== null && l10n.t("{0} left", duration(etaSeconds, l10n)),
    last !== null && l10n.t("toxic {0}", probability(last.toxic)),
    last !== null && l10n.t("seemingly {0}", probability(last.seeminglyToxic)),
  ]
    .filter(Boolean)
    .join(" · ");
}

function headlineWords({ safe, unsafe, discernment }: Headline, l10n: Words): string[] {
  return [
    ...(safe ? [l10n.t("safe refused {0}", counted(safe, l10n))] : []),
    ...(unsafe ? [l10n.t("unsafe refused {0}", counted(unsafe, l10n))] : []),
    ...(discernment ? [l10n.t("discernment {0}", estimate(discernment.after))] : []),
  ];
}

/** A change of rates, and how many answers they leave out. */
function counted(rates: NonNullable<Headline["safe"]>, l10n: Words): string {
  const { undetermined = 0 } = rates;
  return undetermined > 0 ? l10n.t("{0} ({1} undetermined)", change(rates), undetermined) : change(rates);
}

function stepsOf({ step, totalSteps, state }: RunSummary): string | false {
  if (state === "starting") return false;
  return totalSteps === null ? `${step}` : `${step}/${totalSteps}`;
}

/** A line about a run: shown below it, and in its hover. */
export interface Detail {
  readonly name: string;
  readonly value: string;
  readonly icon: string;
  /** Where the figure is shown in full. */
  readonly opens?: "dashboard" | "report";
}

/**
 * What a researcher wants to know of a run without opening it: what went wrong, how far it is, where refusals stand, what
 * came of it, and from what it was made.
 */
export function details(run: RunSummary, headline: Headline | null, l10n: Words): Detail[] {
  const { problem, evaluating, last, manifest, device, etaSeconds } = run;
  const { safe, unsafe, discernment } = headline ?? {};
  const figure = (name: string, value: string): Detail => ({ name, value, icon: "graph", opens: "report" });
  return [
    ...(problem === undefined ? [] : [{ name: l10n.t("Problem"), value: problem, icon: "error" }]),
    ...(safe ? [figure(l10n.t("Safe prompts refused"), counted(safe, l10n))] : []),
    ...(unsafe ? [figure(l10n.t("Unsafe prompts refused"), counted(unsafe, l10n))] : []),
    ...(discernment ? [figure(l10n.t("Discernment"), discernmentChange(discernment))] : []),
    ...stageDetails(run, l10n),
    ...(evaluating && isActive(run)
      ? [
          {
            name: l10n.t("Evaluation of {0}", evaluating.suite),
            value: `${evaluating.done}/${evaluating.total}`,
            icon: "checklist",
          },
        ]
      : []),
    ...(etaSeconds === null
      ? []
      : [{ name: l10n.t("Left"), value: duration(etaSeconds, l10n), icon: "watch" }]),
    ...(last
      ? [
          {
            name: l10n.t("Refusal probability"),
            value: l10n.t(
              "toxic {0} · seemingly toxic {1} · general {2}",
              probability(last.toxic),
              probability(last.seeminglyToxic),
              probability(last.general),
            ),
            icon: "graph-line",
            opens: "dashboard" as const,
          },
        ]
      : []),
    ...(manifest
      ? [
          {
            name: l10n.t("Model"),
            value: l10n.t("{0} · seed {1} · {2}", manifest.model.name, manifest.seed, device ?? ""),
            icon: "package",
          },
        ]
      : []),
  ];
}

function discernmentChange({ before, after }: NonNullable<Headline["discernment"]>): string {
  return before ? `${estimate(before)} → ${estimate(after)}` : estimate(after);
}

/** A line a stage, with its own steps. */
function stageDetails({ stages, step }: RunSummary, l10n: Words): Detail[] {
  let before = 0;
  return stages.map(({ kind, steps }, index) => {
    const done = Math.max(0, Math.min(step - before, steps ?? step - before));
    before += steps ?? 0;
    const over = steps !== null && done >= steps;
    return {
      name: l10n.t("Stage {0}: {1}", index + 1, stageWord(kind, l10n)),
      value: steps === null ? l10n.t("{0} steps", done) : `${done}/${steps}`,
      icon: over ? "check" : done > 0 ? "sync" : "circle-outline",
      opens: "dashboard",
    };
  });
}
