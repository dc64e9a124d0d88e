import { useState } from "preact/hooks";
import type { Estimate } from "../../protocol/comovement.ts";
import type { Comparison, Difference } from "../../protocol/report/comparison.ts";
import { measureLines } from "../../protocol/report/lines.ts";
import { marginStatements } from "../../protocol/report/margins.ts";
import type { MeasureDefinition } from "../../protocol/report/measures.ts";
import { methodName } from "../../protocol/report/methods.ts";
import type { Figures } from "../../protocol/webview/report.ts";
import { leastOf } from "../../statistics/extremes.ts";
import { figure, interval, pValue, signed, type Unit } from "../../wording/numbers.ts";
import { type Column, SortableTable } from "../ui/table.tsx";
import { differenceAxis, Whisker } from "../ui/whisker.tsx";
import type { Filter } from "./answers/filter.ts";
import type { Row } from "./answers/rows.ts";
import { Flips } from "./flips.tsx";

interface ComparisonProps {
  readonly figures: Figures;
  readonly rows: readonly Row[];
  readonly blur: boolean;
  readonly onBrowse: (filter: Partial<Filter>) => void;
}

/** Two methods on the prompts both answered: differences, tests and flips. */
export function Comparisons({ figures, rows, blur, onBrowse }: ComparisonProps) {
  const { comparisons } = figures;
  const [chosen, setChosen] = useState(comparisons.length - 1);
  const comparison = comparisons[Math.min(chosen, comparisons.length - 1)];
  if (comparison === undefined) return null;
  const nameOf = (id: string) => methodName(figures.methods, id);
  return (
    <>
      {comparisons.length > 1 && (
        <label class="field">
          Methods
          <select value={chosen} onChange={({ currentTarget }) => setChosen(Number(currentTarget.value))}>
            {comparisons.map(({ first, second }, i) => (
              <option key={`${first} ${second}`} value={i}>
                {`${nameOf(first)} against ${nameOf(second)}`}
              </option>
            ))}
          </select>
        </label>
      )}
      <Margins {...{ figures, comparison }} />
      <Differences {...{ figures, comparison }} />
      <Flips {...{ figures, comparison, rows, blur, onBrowse }} />
    </>
  );
}

const margins = {
  passed: "codicon-pass good",
  failed: "codicon-warning bad",
  unclaimed: "codicon-circle-slash muted",
} as const;

function Margins({ figures, comparison }: { figures: Figures; comparison: Comparison }) {
  const nameOf = (id: string) => methodName(figures.methods, id);
  const statements = marginStatements(comparison, [nameOf(comparison.first), nameOf(comparison.second)]);
  return (
    <>
      {statements.map(({ state, text }) => (
        <p class="margin" key={text}>
          <span class={`codicon ${margins[state]}`} aria-hidden="true" />
          <span>{text}</span>
        </p>
      ))}
    </>
  );
}

/** A difference with what its measure is called and counted in. */
export interface DifferenceRow extends Difference {
  readonly title: string;
  readonly direction: MeasureDefinition["direction"];
  /** Of the measure itself. */
  readonly unit: Unit;
  /** Of a difference. */
  readonly by: Unit;
}

/** Differences with what their measures are. */
export function differenceRows(figures: Figures, differences: readonly Difference[]): DifferenceRow[] {
  const lines = measureLines(figures.measures, figures.judges);
  return differences.map((one): DifferenceRow => {
    const line = lines.find(
      ({ definition, group, judge }) =>
        definition.id === one.measure && group === one.group && judge === one.judge,
    );
    const { unit = "number", direction = "none" } = line?.definition ?? {};
    return {
      ...one,
      ...{ title: line?.title ?? one.measure, direction, unit },
      by: unit === "share" ? "points" : unit,
    };
  });
}

/**
 * The columns of a table of differences.
 *
 * @param names of what is compared.
 * @param rows all rows of the table, which share their axes.
 */
export function differenceColumns(
  [first, second]: readonly [string, string],
  rows: readonly DifferenceRow[],
): Column<DifferenceRow>[] {
  // Nats and shares have nothing in common but zero.
  const axes = new Map(
    [...Map.groupBy(rows, ({ by }) => by)].map(([by, some]) => [
      by,
      differenceAxis(some.map(({ difference }) => difference)),
    ]),
  );
  return [
    { id: "suite", title: "Suite", sort: ({ suite }) => suite, cell: ({ suite }) => suite },
    { id: "measure", title: "Measure", sort: ({ title }) => title, cell: ({ title }) => title },
    {
      id: "first",
      title: first,
      number: true,
      cell: (row) => row.first !== undefined && figure(row.first, row.unit),
    },
    {
      id: "second",
      title: second,
      number: true,
      cell: (row) => row.second !== undefined && figure(row.second, row.unit),
    },
    {
      id: "n",
      title: "n",
      number: true,
      sort: ({ n }) => n ?? undefined,
      cell: ({ n, undetermined }) => n !== null && (undetermined ? `${n} (${undetermined} undetermined)` : n),
    },
    {
      id: "difference",
      title: "Difference",
      sort: ({ difference }) => difference.value,
      cell: ({ difference, by, direction }) => (
        <div class={`cell ${said(difference, direction)}`}>
          <Whisker marks={[difference]} axis={axes.get(by)!} />
          <span class="cell-text">
            <strong>{signed(difference.value, by)}</strong>
            <small class="muted">{interval(difference, by, true)}</small>
          </span>
        </div>
      ),
    },
    {
      id: "said",
      title: "Reading",
      sort: ({ difference, direction }) => said(difference, direction),
      cell: ({ difference, direction }) => <Reading said={said(difference, direction)} />,
    },
    {
      id: "adjusted",
      title: "p (Holm-adjusted over the measure)",
      number: true,
      sort: ({ holm }) => holm,
      cell: ({ p, holm }) => p !== undefined && `${pValue(p)} (${pValue(holm)})`,
    },
    {
      id: "p",
      title: "McNemar p per seed (Holm-adjusted)",
      number: true,
      sort: ({ tests = [] }) => (tests.length > 0 ? leastOf(tests.map(({ holm }) => holm)) : undefined),
      cell: ({ tests = [] }) => tests.map(({ holm }) => pValue(holm)).join(", "),
    },
  ];
}

function Differences({ figures, comparison }: { figures: Figures; comparison: Comparison }) {
  const [first, second] = [comparison.first, comparison.second].map((id) => methodName(figures.methods, id));
  const rows = differenceRows(figures, [...comparison.differences, ...(comparison.otherJudges ?? [])]);
  return (
    <SortableTable
      caption={`Differences from ${first} to ${second}`}
      columns={differenceColumns([first!, second!], rows)}
      rows={rows}
      keyOf={({ suite, title }) => `${suite}\n${title}`}
    />
  );
}

type Said = "better" | "worse" | "higher" | "lower" | "open";

/** What an interval says: that a measure got better or worse, went up or down where neither is better, or none of it. */
export function said({ lower, upper }: Estimate, direction: MeasureDefinition["direction"]): Said {
  if (lower <= 0 && upper >= 0) return "open";
  const up = lower > 0;
  if (direction === "none") return up ? "higher" : "lower";
  return up === (direction === "higher") ? "better" : "worse";
}

const readings = {
  better: { icon: "thumbsup", class: "good", text: "better" },
  worse: { icon: "thumbsdown", class: "bad", text: "worse" },
  higher: { icon: "arrow-up", class: "muted", text: "higher" },
  lower: { icon: "arrow-down", class: "muted", text: "lower" },
  open: { icon: "dash", class: "muted", text: "not significant" },
} as const;

function Reading({ said: what }: { said: Said }) {
  const { icon, class: colour, text } = readings[what];
  return (
    <span class={`reading ${colour}`}>
      <span class={`codicon codicon-${icon}`} aria-hidden="true" />
      {text}
    </span>
  );
}
