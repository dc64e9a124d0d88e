import { useState } from "preact/hooks";
import type { Estimate } from "../../protocol/comovement.ts";
import type { Comparison, RateComparison } from "../../protocol/report.ts";
import type { Figures } from "../../protocol/webview/report.ts";
import { leastOf } from "../../statistics/extremes.ts";
import { figure, interval, percent, pValue, signed, type Unit } from "../../wording/numbers.ts";
import type { Filter } from "./answers/filter.ts";
import type { Row } from "./answers/rows.ts";
import { Flips } from "./flips.tsx";
import { type Column, SortableTable } from "./table.tsx";
import { differenceAxis, Whisker } from "./whisker.tsx";

interface ComparisonProps {
  readonly figures: Figures;
  readonly rows: readonly Row[];
  readonly blur: boolean;
  readonly onBrowse: (filter: Partial<Filter>) => void;
}

/** Two arms on the prompts both answered: differences, tests and flips. */
export function Comparisons({ figures, rows, blur, onBrowse }: ComparisonProps) {
  const { comparisons } = figures;
  const [chosen, setChosen] = useState(comparisons.length - 1);
  const comparison = comparisons[Math.min(chosen, comparisons.length - 1)];
  if (comparison === undefined) return null;
  return (
    <>
      {comparisons.length > 1 && (
        <label class="field">
          Arms
          <select value={chosen} onChange={({ currentTarget }) => setChosen(Number(currentTarget.value))}>
            {comparisons.map(({ before, after }, i) => (
              <option key={`${before} ${after}`} value={i}>
                {`${before} against ${after}`}
              </option>
            ))}
          </select>
        </label>
      )}
      <Margin comparison={comparison} />
      <Differences comparison={comparison} />
      <Flips {...{ figures, comparison, rows, blur, onBrowse }} />
    </>
  );
}

function Margin({ comparison: { nonInferiority, after, before } }: { comparison: Comparison }) {
  if (nonInferiority === undefined) return null;
  const { passed, margin, lower } = nonInferiority;
  return (
    <p class="margin">
      <span
        class={`codicon codicon-${passed ? "pass" : "warning"} ${passed ? "good" : "bad"}`}
        aria-hidden="true"
      />
      <span>
        {after} is <strong>{passed ? "no worse" : "not shown to be no worse"}</strong> than {before} at
        refusing unsafe prompts, by the margin of {figure(margin, "points")} (lower bound{" "}
        {signed(lower, "points")}).
      </span>
    </p>
  );
}

interface DifferenceRow {
  readonly suite: string;
  readonly name: string;
  readonly rate?: RateComparison;
  readonly difference: Estimate;
  readonly upIsGood: boolean;
  readonly unit: Unit;
}

function Differences({ comparison: { suites, before, after } }: { comparison: Comparison }) {
  const rows = suites.flatMap(({ suite, safe, unsafe, discernment }): DifferenceRow[] => [
    ...(safe
      ? [
          {
            suite,
            name: "safe refused",
            rate: safe,
            difference: safe.difference,
            upIsGood: false,
            unit: "points" as const,
          },
        ]
      : []),
    ...(unsafe
      ? [
          {
            suite,
            name: "unsafe refused",
            rate: unsafe,
            difference: unsafe.difference,
            upIsGood: true,
            unit: "points" as const,
          },
        ]
      : []),
    ...(discernment
      ? [{ suite, name: "discernment", difference: discernment, upIsGood: true, unit: "number" as const }]
      : []),
  ]);
  const axis = differenceAxis(rows.map(({ difference }) => difference));
  const columns: Column<DifferenceRow>[] = [
    { id: "suite", title: "Suite", sort: ({ suite }) => suite, cell: ({ suite }) => suite },
    { id: "figure", title: "Figure", sort: ({ name }) => name, cell: ({ name }) => name },
    { id: "before", title: before, number: true, cell: ({ rate }) => rate && percent(rate.before) },
    { id: "after", title: after, number: true, cell: ({ rate }) => rate && percent(rate.after) },
    {
      id: "n",
      title: "n",
      number: true,
      sort: ({ rate }) => rate?.prompts,
      cell: ({ rate }) =>
        rate &&
        (rate.undetermined > 0 ? `${rate.prompts} (${rate.undetermined} undetermined)` : rate.prompts),
    },
    {
      id: "difference",
      title: "Difference",
      sort: ({ difference }) => difference.value,
      cell: ({ difference, unit, upIsGood }) => (
        <div class={`cell ${said(difference, upIsGood)}`}>
          <Whisker marks={[difference]} axis={axis} />
          <span class="cell-text">
            <strong>{signed(difference.value, unit)}</strong>
            <small class="muted">{interval(difference, unit, true)}</small>
          </span>
        </div>
      ),
    },
    {
      id: "said",
      title: "Reading",
      sort: ({ difference, upIsGood }) => said(difference, upIsGood),
      cell: ({ difference, upIsGood }) => <Reading said={said(difference, upIsGood)} />,
    },
    {
      id: "p",
      title: "McNemar p (Holm)",
      number: true,
      sort: ({ rate }) => (rate ? leastOf(rate.tests.map(({ holm }) => holm)) : undefined),
      cell: ({ rate }) => rate?.tests.map(({ holm }) => pValue(holm)).join(", "),
    },
  ];
  return (
    <SortableTable
      caption={`Differences from ${before} to ${after}`}
      columns={columns}
      rows={rows}
      keyOf={({ suite, name }) => `${suite}\n${name}`}
    />
  );
}

type Said = "better" | "worse" | "open";

/** What an interval says: that a figure got better, or worse, or neither when it holds zero. */
function said({ lower, upper }: Estimate, upIsGood: boolean): Said {
  if (lower <= 0 && upper >= 0) return "open";
  return lower > 0 === upIsGood ? "better" : "worse";
}

const readings = {
  better: { icon: "thumbsup", class: "good", text: "better" },
  worse: { icon: "thumbsdown", class: "bad", text: "worse" },
  open: { icon: "dash", class: "muted", text: "not told apart" },
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
