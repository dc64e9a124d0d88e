import { count, figure } from "../../../wording/numbers.ts";
import type { PlotSeries, Point, Range } from "../../ui/plotSpec.ts";
import { smooth } from "../model/smoothing.ts";
import { tableOfRuns } from "../model/table.ts";
import { type Looking, type PlottedRun, type PlotView, styleOf } from "./plotView.ts";

/** A place in the plane, and when the run was there. */
interface TrailPoint extends Point {
  readonly step: number;
}

/** The part of the plane that is in view; null for all of it. */
export type PlaneView = { readonly x: Range; readonly y: Range } | null;

export const wholePlane = { x: { min: 0, max: 1 }, y: { min: 0, max: 1 } } as const;

/** The way of each run through the plane of refusals: seemingly toxic prompts to the right, toxic ones up. */
export function trailPlot(runs: readonly PlottedRun[], looking: Looking, view: PlaneView): PlotView {
  const legend = runs.map((run): PlotSeries => {
    const measured = run.series.comovement.map(
      ({ step, toxic, seeminglyToxic }): TrailPoint => ({ x: seeminglyToxic, y: toxic, step }),
    );
    const line = { id: `${run.id} trail`, label: run.label, ...styleOf(run), trail: true };
    if (looking.smoothing === 0) return { ...line, points: measured };
    return { ...line, points: smoothTrail(measured, looking.smoothing), raw: measured };
  });
  const { x, y } = view ?? wholePlane;
  return {
    key: "trail",
    title: "Trail",
    caption:
      "From the hollow mark (first probe) to the full one (last). On the diagonal both groups are refused alike; top left, only toxic prompts are.",
    legend,
    spec: {
      overSteps: false,
      x: { title: "refusal of seemingly toxic", ...x },
      y: { title: "refusal of toxic", ...y },
      series: legend.filter(({ id }) => !looking.hidden.has(id)),
      guides: [{ from: { x: 0, y: 0 }, to: { x: 1, y: 1 } }],
      corner: "↙ best",
      tell: ({ label }, point) => {
        const where = `toxic ${figure(point.y)}, seemingly toxic ${figure(point.x)}`;
        return `${label}, step ${count((point as TrailPoint).step)}: ${where}`;
      },
    },
    summary: `Refusal of toxic against seemingly toxic prompts, as a path over time. ${runs.map(summaryOf).join(" ")}`,
    table: tableOfRuns(
      "The trail: refusal probability of both groups by probe",
      ["step", "seemingly toxic", "toxic"],
      runs,
      ({ series: { comovement } }) => ({
        rows: comovement.length,
        row: (i) => [comovement[i]!.step, comovement[i]!.seeminglyToxic, comovement[i]!.toxic],
      }),
    ),
  };
}

function smoothTrail(trail: readonly TrailPoint[], weight: number): TrailPoint[] {
  const across = smooth(
    trail.map(({ x, step }) => ({ x: step, y: x })),
    weight,
  );
  const up = smooth(
    trail.map(({ y, step }) => ({ x: step, y })),
    weight,
  );
  return trail.map(({ step }, i) => ({ x: across[i]!.y, y: up[i]!.y, step }));
}

function summaryOf({ label, series: { comovement } }: PlottedRun): string {
  const [first, last] = [comovement[0], comovement.at(-1)];
  if (!first || !last) return `${label}: no probe yet.`;
  const place = (point: typeof first) =>
    `toxic ${figure(point.toxic)}, seemingly toxic ${figure(point.seeminglyToxic)}`;
  return `${label}: from ${place(first)} to ${place(last)}.`;
}
