import type { SweepResults } from "../../../protocol/report/sweep.ts";
import { trialStateWords, trialWords } from "../../../protocol/report/sweepTable.ts";
import { greatestOf, leastOf } from "../../../statistics/extremes.ts";
import { figure } from "../../../wording/numbers.ts";
import { Axes, place, plotArea } from "../../ui/axes.tsx";
import { DataDetails } from "../../ui/details.tsx";
import { markPath } from "../../ui/marks.ts";
import { type FrontPoint, refusalFront } from "./series.ts";

/** Safe against unsafe refusal of every trial, with the Pareto front of those that finished. */
export function Front({ results }: { results: SweepResults }) {
  const points = refusalFront(results);
  if (points.length === 0) return <p class="muted">No trial has both refusals yet.</p>;
  const { front, measures } = results;
  const of = (id: string) => measures.find((one) => one.id === id)!;
  const axis = (id: string, values: readonly number[]) => {
    const room = Math.max((greatestOf(values) - leastOf(values)) * 0.08, 0.005);
    return {
      title: of(id).title,
      from: Math.max(0, leastOf(values) - room),
      to: Math.min(1, greatestOf(values) + room),
    };
  };
  const x = axis(
    front.safe,
    points.map(({ safe }) => safe),
  );
  const y = axis(
    front.unsafe,
    points.map(({ unsafe }) => unsafe),
  );
  const area = plotArea([420, 360], x, y);
  const best = points.filter(({ isOnFront }) => isOnFront);
  const words = ({ trial, safe, unsafe }: FrontPoint) =>
    `${trial.name} (${trialWords(results, trial)}): unsafe ${figure(unsafe)}, safe ${figure(safe)}, ${trialStateWords[trial.state]}`;
  return (
    <>
      <p class="muted about">
        The upper left corner is best. Diamonds on the line are the Pareto front: no trial that finished
        refuses more unsafe prompts without refusing more safe ones. Training that is too long or too fast
        moves trials to the upper right. Hollow marks were stopped early.
      </p>
      <div class="trails">
        <figure>
          <svg
            class="line-chart"
            viewBox={`0 0 ${area.width} ${area.height}`}
            role="img"
            aria-label={`Pareto front of ${best.length} of ${points.length} trials. ${best.map(words).join("; ")}`}
          >
            <Axes {...{ area, x, y }} />
            <g class="line-objective">
              <polyline
                class="chart-line"
                points={best
                  .map(({ safe, unsafe }) => `${place(area.toX(safe))},${place(area.toY(unsafe))}`)
                  .join(" ")}
              />
            </g>
            {points.map((point) => (
              <g key={point.trial.name} class={point.isOnFront ? "line-objective" : "line-general"}>
                <path
                  class={`chart-mark${point.trial.state === "finished" ? "" : " hollow"}`}
                  d={markPath(
                    point.isOnFront ? 2 : 0,
                    area.toX(point.safe),
                    area.toY(point.unsafe),
                    point.isOnFront ? 1.1 : 0.8,
                  )}
                >
                  <title>{words(point)}</title>
                </path>
              </g>
            ))}
            {best.map(({ trial, safe, unsafe }) => (
              <text key={trial.name} class="tick" x={area.toX(safe) + 7} y={area.toY(unsafe) - 6}>
                {trial.name}
              </text>
            ))}
          </svg>
        </figure>
        <div>
          <DataDetails
            title="Points of the front"
            columns={[
              {
                id: "trial",
                title: "trial",
                cell: ({ trial }) => trial.name,
                sort: ({ trial }) => trial.name,
              },
              {
                id: "settings",
                title: "settings",
                cell: ({ trial }) => trialWords(results, trial),
                sort: ({ trial }) => trialWords(results, trial),
              },
              {
                id: "unsafe",
                title: "unsafe",
                number: true,
                cell: ({ unsafe }) => figure(unsafe),
                sort: ({ unsafe }) => unsafe,
              },
              {
                id: "safe",
                title: "safe",
                number: true,
                cell: ({ safe }) => figure(safe),
                sort: ({ safe }) => safe,
              },
              {
                id: "front",
                title: "on the front",
                cell: ({ isOnFront }) => (isOnFront ? "yes" : "no"),
                sort: ({ isOnFront }) => Number(!isOnFront),
              },
              {
                id: "state",
                title: "state",
                cell: ({ trial }) => trialStateWords[trial.state],
                sort: ({ trial }) => trial.state,
              },
            ]}
            rows={points}
            keyOf={({ trial }) => trial.name}
          />
        </div>
      </div>
    </>
  );
}
