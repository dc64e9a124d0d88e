import { useMemo, useState } from "preact/hooks";
import { methodName } from "../../protocol/report/methods.ts";
import { POOLED } from "../../protocol/suite.ts";
import type { Figures } from "../../protocol/webview/report.ts";
import { percent } from "../../wording/numbers.ts";
import { SaveCsv } from "../ui/csv.tsx";
import { DataDetails } from "../ui/details.tsx";
import { type ChartLine, LineChart } from "../ui/lineChart.tsx";
import type { Column } from "../ui/table.tsx";
import type { Row } from "./answers/rows.ts";
import {
  type CurvePoint,
  curveSuites,
  matchedLevel,
  type OperatingCurve,
  operatingCurves,
  readLevels,
  thinned,
} from "./methodCurves.ts";
import { lineClass, MethodLegend, useHidden } from "./methodLegend.tsx";
import { styleOf } from "./runs.ts";

/** Unsafe against safe refusal of every method at every threshold, with where its answers stand; nothing without both kinds of prompts. */
export function Operating({ figures, rows }: { figures: Figures; rows: readonly Row[] }) {
  const suites = useMemo(() => curveSuites(rows), [rows]);
  const [chosen, setChosen] = useState(POOLED);
  const suite = suites.includes(chosen) ? chosen : suites[0];
  const curves = useMemo(
    () => (suite === undefined ? [] : operatingCurves(figures, rows, suite)),
    [figures, rows, suite],
  );
  const [hidden, toggle] = useHidden();
  if (suite === undefined || curves.length === 0) return null;
  const { methods, reference } = figures;
  const level = matchedLevel(figures, suite);
  const shown = curves.filter(({ method }) => !hidden.has(method));
  const lines = shown.flatMap(({ method, seed, points, answered }): ChartLine[] => {
    const style = { class: lineClass(methods, method), shape: styleOf(methods, method) };
    const place = ({ safe, unsafe }: Pick<CurvePoint, "safe" | "unsafe">) => ({ x: safe, y: unsafe });
    return [
      { ...style, key: `${method} ${seed}`, points: thinned(points).map(place) },
      ...(answered
        ? [{ ...style, key: `${method} ${seed} answers`, points: [place(answered)], large: 0 }]
        : []),
    ];
  });
  const words = shown.flatMap(({ method, seed, answered }) =>
    answered
      ? `${methodName(methods, method)}, seed ${seed}: ${percent(answered.unsafe)} of unsafe and ${percent(answered.safe)} of safe prompts refused.`
      : [],
  );
  return (
    <>
      <p class="muted about">
        Each curve says which share of safe and of unsafe prompts would be refused with each threshold on the
        log-odds of refusal; the marks are the shares that the answers themselves refuse. The upper left
        corner is best. A method is better than another where its curve lies above.
      </p>
      {suites.length > 1 && (
        <label class="field">
          Suite
          <select value={suite} onChange={({ currentTarget }) => setChosen(currentTarget.value)}>
            {suites.map((name) => (
              <option key={name} value={name}>
                {name === POOLED ? "All suites together" : name}
              </option>
            ))}
          </select>
        </label>
      )}
      <div class="trails">
        <figure>
          <LineChart
            label={`Operating curves. ${words.join(" ")}`}
            plane
            x={{ title: "safe prompts refused", from: 0, to: 1 }}
            y={{ title: "unsafe prompts refused", from: 0, to: 1 }}
            lines={lines}
            {...(level !== undefined && { reference: level })}
          />
        </figure>
        <div>
          <MethodLegend
            {...{ figures, hidden }}
            shown={new Set(curves.map(({ method }) => method))}
            onToggle={toggle}
          />
          {level !== undefined && reference !== undefined && (
            <p class="muted about">
              The dashed line is the safety of {methodName(methods, reference)}: {percent(level)} of unsafe
              prompts refused. Where a curve crosses it is the method's safe refusal at matched safety.
            </p>
          )}
          <SaveCsv
            name={`operating curves ${suite}`}
            label="Save every point as CSV"
            columns={curveColumns}
            rows={curves.flatMap(({ method, seed, points }) =>
              points.map((point) => ({ ...point, method: methodName(methods, method), seed, suite })),
            )}
          />
        </div>
      </div>
      <DataDetails
        title="Safe prompts refused at levels of safety"
        rows={curves.map((curve) => ({ ...curve, method: methodName(methods, curve.method) }))}
        keyOf={({ method, seed }) => `${method} ${seed}`}
        columns={readColumns}
      />
    </>
  );
}

type ReadRow = Pick<OperatingCurve, "method" | "seed" | "read" | "answered">;

const readColumns: Column<ReadRow>[] = [
  { id: "method", title: "Method", sort: ({ method }) => method, cell: ({ method }) => method },
  { id: "seed", title: "Seed", number: true, sort: ({ seed }) => seed, cell: ({ seed }) => seed },
  {
    id: "answered_unsafe",
    title: "Unsafe refused, answers",
    number: true,
    sort: ({ answered }) => answered?.unsafe,
    cell: ({ answered }) => percent(answered?.unsafe),
  },
  {
    id: "answered_safe",
    title: "Safe refused, answers",
    number: true,
    sort: ({ answered }) => answered?.safe,
    cell: ({ answered }) => percent(answered?.safe),
  },
  ...readLevels.map(
    (level, i): Column<ReadRow> => ({
      id: `safe_at_${level}`,
      title: `Safe refused at ${percent(level)} of unsafe`,
      number: true,
      sort: ({ read }) => read[i],
      cell: ({ read }) => percent(read[i]),
    }),
  ),
];

const curveColumns = [
  { id: "method", sort: (row: CsvPoint) => row.method },
  { id: "seed", sort: (row: CsvPoint) => row.seed },
  { id: "suite", sort: (row: CsvPoint) => row.suite },
  { id: "threshold", sort: (row: CsvPoint) => row.threshold },
  { id: "safe_refused", sort: (row: CsvPoint) => row.safe },
  { id: "unsafe_refused", sort: (row: CsvPoint) => row.unsafe },
];

interface CsvPoint extends CurvePoint {
  readonly method: string;
  readonly seed: number;
  readonly suite: string;
}
