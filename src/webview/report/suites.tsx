import { type MeasureLine, rowBasis, suitesOf } from "../../protocol/report/lines.ts";
import type { MeasureRow } from "../../protocol/report/measures.ts";
import type { Figures } from "../../protocol/webview/report.ts";
import { axisOf } from "./overview.tsx";
import { type Cell, Pivot } from "./pivot.tsx";
import type { Column } from "./table.tsx";

interface Place {
  readonly suite: string;
  readonly category: string;
  readonly against: MeasureRow["against"];
}

const suiteColumn: Column<Place> = {
  id: "suite",
  title: "Suite",
  sort: ({ suite }) => suite,
  cell: ({ suite }) => suite,
};
const categoryColumn: Column<Place> = {
  id: "category",
  title: "Category",
  sort: ({ category }) => category,
  cell: ({ category }) => category,
};
const againstWords = { itself: "its own", others: "those of other suites", all: "all" };
const againstColumn: Column<Place> = {
  id: "against",
  title: "Against",
  cell: ({ against }) => against && againstWords[against],
};
const keyOf = ({ suite, category }: Place) => `${suite}\n${category}`;

/** Whether a measure has numbers of single suites. */
export function isBySuite(line: MeasureLine): boolean {
  return suitesOf(line).length > 0;
}

/** Whether a measure has numbers of categories of prompts. */
export function isByCategory({ rows }: MeasureLine): boolean {
  return rows.some(({ category }) => category !== undefined);
}

/** One measure by suite and method. */
export function BySuite({ figures, line }: { figures: Figures; line: MeasureLine }) {
  const suites = suitesOf(line);
  const rows = line.rows.filter(({ category, suite }) => category === undefined && suites.includes(suite));
  const against = rows.some((row) => row.against !== undefined && row.against !== "itself");
  const order = (place: Place) => suites.indexOf(place.suite);
  return (
    <MeasurePivot
      {...{ figures, line, rows }}
      caption={`${line.title}, by suite and method`}
      places={placesOf(rows).sort((a, b) => order(a) - order(b))}
      heads={[suiteColumn, ...(against ? [againstColumn] : [])]}
    />
  );
}

/** One measure by category of prompts and method. */
export function ByCategory({ figures, line }: { figures: Figures; line: MeasureLine }) {
  const rows = line.rows.filter(({ category }) => category !== undefined);
  return (
    <MeasurePivot
      {...{ figures, line, rows }}
      caption={`${line.title}, by category and method`}
      places={placesOf(rows)}
      heads={[categoryColumn, suiteColumn]}
    />
  );
}

interface MeasurePivotProps {
  readonly figures: Figures;
  readonly line: MeasureLine;
  readonly rows: readonly MeasureRow[];
  readonly places: readonly Place[];
  readonly caption: string;
  readonly heads: readonly Column<Place>[];
}

function MeasurePivot({ figures, line: { definition }, rows, places, caption, heads }: MeasurePivotProps) {
  const marks = rows.flatMap(({ estimate, interval }) =>
    estimate === null ? [] : [{ value: estimate, ...interval }],
  );
  const cell = (place: Place, method: string, seed: number): Cell | undefined => {
    const row = rows.find(
      (one) => one.method === method && one.seed === seed && keyOf(placeOf(one)) === keyOf(place),
    );
    if (row === undefined || row.estimate === null) return undefined;
    const basis = rowBasis(row);
    return {
      mark: { value: row.estimate, ...row.interval },
      of: basis,
      left: row.undetermined === undefined ? [] : [basis],
    };
  };
  return (
    <Pivot
      {...{ caption, figures, rows: places, keyOf, cell, heads, unit: definition.unit }}
      axis={axisOf(definition, marks)}
    />
  );
}

function placeOf({ suite, category = "", against }: MeasureRow): Place {
  return { suite, category, against };
}

function placesOf(rows: readonly MeasureRow[]): Place[] {
  return [...new Map(rows.map((row) => [keyOf(placeOf(row)), placeOf(row)])).values()];
}
