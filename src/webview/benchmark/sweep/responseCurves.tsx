import type { MeasureDefinition } from "../../../protocol/report/measures.ts";
import type { SweepResults, TrialResult } from "../../../protocol/report/sweep.ts";
import { shownMeasures } from "../../../protocol/report/sweepTable.ts";
import { greatestOf, leastOf } from "../../../statistics/extremes.ts";
import { estimate, figure } from "../../../wording/numbers.ts";
import { place, ticks, tickWords } from "../../ui/axes.tsx";
import { DataDetails } from "../../ui/details.tsx";
import { markPath } from "../../ui/marks.ts";
import { meansAlong, type SweepAxis, settingAxis } from "./series.ts";

/** What is drawn of a measure: its class gives colour and dash, its marks have a shape. */
interface Drawn {
  readonly measure: MeasureDefinition;
  readonly class: string;
  readonly shape: number;
}

/** Objective and both refusals by each key that varies. */
export function ResponseCurves({ results }: { results: SweepResults }) {
  const { dimensions, front, measures, objective } = results;
  const of = (id: string) => measures.find((one) => one.id === id);
  const draw = (id: string, style: string, shape: number): Drawn[] => {
    const measure = of(id);
    return measure ? [{ measure, class: style, shape }] : [];
  };
  const refusals = [...draw(front.unsafe, "line-toxic", 0), ...draw(front.safe, "line-seeming", 1)];
  const own = draw(objective.measure, "line-objective", 2);
  return (
    <>
      <p class="muted about">
        Small marks are runs, one per seed; large ones the means over seeds and over everything else that
        varies, with the 95 % interval over seeds where a value has one trial. Hollow marks are trials that
        were stopped early, which are in no mean.
      </p>
      <Legend drawn={[...own, ...refusals]} />
      {dimensions.map(({ name }) => {
        const axis = settingAxis(results, name);
        return (
          <div key={name} class="curves">
            <ResponseChart {...{ results, axis }} drawn={own} />
            <ResponseChart {...{ results, axis }} drawn={refusals} />
          </div>
        );
      })}
      <DataDetails
        title="Runs behind the curves"
        columns={[
          { id: "run", title: "run", cell: ({ run }) => run.cell, sort: ({ run }) => run.cell },
          ...dimensions.map(({ name }) => {
            const axis = settingAxis(results, name);
            return {
              id: name,
              title: axis.title,
              cell: ({ trial }: RunRow) => axis.words(trial),
              sort: ({ trial }: RunRow) => axis.words(trial),
            };
          }),
          ...shownMeasures(results).map(({ id, title, unit }) => ({
            ...{ id, title, number: true },
            cell: ({ run }: RunRow) => figure(run.figures[id], unit),
            sort: ({ run }: RunRow) => run.figures[id] ?? undefined,
          })),
          { id: "state", title: "state", cell: ({ run }) => run.state, sort: ({ run }) => run.state },
        ]}
        rows={results.trials.flatMap((trial) => trial.runs.map((run): RunRow => ({ trial, run })))}
        keyOf={({ run }) => run.cell}
      />
    </>
  );
}

interface RunRow {
  readonly trial: TrialResult;
  readonly run: TrialResult["runs"][number];
}

function Legend({ drawn }: { drawn: readonly Drawn[] }) {
  return (
    <ul class="legend">
      {drawn.map(({ measure, class: style, shape }) => (
        <li key={measure.id} class={style}>
          <svg viewBox="0 0 34 14" width="34" height="14" aria-hidden="true">
            <path class="chart-line" d="M1 7h32" />
            <path class="chart-mark" d={markPath(shape, 17, 7, 0.8)} />
          </svg>
          {measure.title}
        </li>
      ))}
    </ul>
  );
}

const [width, height] = [420, 240];
const margin = { top: 14, right: 18, bottom: 40, left: 52 };
const [right, bottom] = [width - margin.right, height - margin.bottom];

/** Measures of one unit along one axis. */
function ResponseChart({
  results,
  axis,
  drawn,
}: {
  results: SweepResults;
  axis: SweepAxis;
  drawn: readonly Drawn[];
}) {
  const values = drawn.flatMap(({ measure: { id } }) =>
    results.trials.flatMap(({ figures, runs }) => {
      const { value, lower = value, upper = value } = figures[id] ?? {};
      return [value, lower, upper, ...runs.map((run) => run.figures[id])].filter((one) => one != null);
    }),
  );
  if (values.length === 0) return <p class="muted">No trial has these figures yet.</p>;
  const room = Math.max((greatestOf(values) - leastOf(values)) * 0.06, 1e-6);
  const [from, to] = [leastOf(values) - room, greatestOf(values) + room];
  const toX = (at: number) => margin.left + 10 + at * (right - margin.left - 20);
  const toY = (value: number) => bottom - ((value - from) / (to - from)) * (bottom - margin.top);
  const yTicks = ticks(from, to);
  const words = tickWords(yTicks);
  const title = drawn.length === 1 ? drawn[0]!.measure.title : "Both refusals";
  return (
    <figure>
      <figcaption>{title}</figcaption>
      <svg
        class="line-chart"
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={`${title} by ${axis.title}. ${drawn.map((one) => spoken(results, axis, one)).join(" ")}`}
      >
        {yTicks.map((value) => (
          <g key={value}>
            <line class="grid" x1={margin.left} x2={right} y1={toY(value)} y2={toY(value)} />
            <text class="tick end" x={margin.left - 5} y={toY(value) + 4}>
              {words(value)}
            </text>
          </g>
        ))}
        {axis.ticks.map(({ at, label }, i) => (
          <text
            key={`${at} ${label}`}
            class="tick middle"
            x={toX(at)}
            y={bottom + (axis.ticks.length > 4 && i % 2 === 1 ? 26 : 14)}
          >
            {label.length > 16 ? `${label.slice(0, 15)}…` : label}
            <title>{label}</title>
          </text>
        ))}
        <text class="tick middle" x={(margin.left + right) / 2} y={height - 2}>
          {axis.title}
        </text>
        {drawn.map((one) => (
          <Curve key={one.measure.id} {...{ results, axis, toX, toY }} drawn={one} />
        ))}
      </svg>
    </figure>
  );
}

/** A curve for those who do not see it. */
function spoken(results: SweepResults, axis: SweepAxis, { measure: { id, title, unit } }: Drawn): string {
  const means = meansAlong(results, axis, id);
  const parts = means.map(({ at, value }) => {
    const tick = results.trials.find((trial) => axis.place(trial) === at);
    return `${tick ? axis.words(tick) : ""} ${figure(value, unit)}`;
  });
  return `${title}: ${parts.join(", ")}.`;
}

function Curve({
  results,
  axis,
  drawn: { measure, class: style, shape },
  toX,
  toY,
}: {
  results: SweepResults;
  axis: SweepAxis;
  drawn: Drawn;
  toX: (at: number) => number;
  toY: (value: number) => number;
}) {
  const { id, unit } = measure;
  const means = meansAlong(results, axis, id);
  const at = results.trials.flatMap((trial) => {
    const x = axis.place(trial);
    return x === null ? [] : [{ trial, x }];
  });
  const alone = (x: number) => {
    const those = at.filter((one) => one.x === x && one.trial.state === "finished");
    return those.length === 1 ? those[0]!.trial.figures[id] : undefined;
  };
  return (
    <g class={style}>
      <polyline
        class="chart-line"
        points={means.map(({ at: x, value }) => `${place(toX(x))},${place(toY(value))}`).join(" ")}
      />
      {at.flatMap(({ trial, x }) =>
        trial.runs.map((run) => {
          const value = run.figures[id];
          if (value == null || (run.state !== "finished" && run.state !== "stopped-early")) return null;
          return (
            <path
              key={run.cell}
              class={`chart-mark${run.state === "finished" ? "" : " hollow"}`}
              d={markPath(shape, toX(x), toY(value), 0.5)}
            >
              <title>{`${run.cell}: ${figure(value, unit)}`}</title>
            </path>
          );
        }),
      )}
      {means.map(({ at: x, value, trials }) => {
        const own = alone(x);
        const isBar = own?.lower !== undefined && own.upper !== undefined;
        return (
          <g key={x}>
            {isBar && (
              <path
                class="chart-error"
                d={`M${place(toX(x))} ${place(toY(own.lower!))}V${place(toY(own.upper!))}m-4 0h8m-8 ${place(toY(own.lower!) - toY(own.upper!))}h8`}
              />
            )}
            <path class="chart-mark" d={markPath(shape, toX(x), toY(value), 0.9)}>
              <title>{own ? estimate(own, unit) : `${figure(value, unit)}, mean of ${trials} trials`}</title>
            </path>
          </g>
        );
      })}
    </g>
  );
}
