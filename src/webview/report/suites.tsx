import { type MeasureLine, rowBasis, suitesOf } from "../../protocol/report/lines.ts";
import type { Group, MeasureDefinition, MeasureRow } from "../../protocol/report/measures.ts";
import { isOverlapping } from "../../protocol/report/training.ts";
import type { Figures } from "../../protocol/webview/report.ts";
import { count } from "../../wording/numbers.ts";
import type { Column } from "../ui/table.tsx";
import { axisFor } from "../ui/whisker.tsx";
import { type Cell, Pivot } from "./pivot.tsx";
import { SafetyTag } from "./safety.tsx";

/** What a row of a table stands for: the prompts that were measured, and whose verdicts count. */
interface Place {
  readonly suite: string;
  readonly category: string;
  readonly group: Group;
  readonly judge: string | undefined;
  readonly against: MeasureRow["against"];
  readonly n: number | null;
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
const groupColumn: Column<Place> = {
  id: "group",
  title: "Prompts",
  sort: ({ group }) => group,
  cell: ({ group }) => (group === "all" ? "all" : <SafetyTag unsafe={group === "unsafe"} />),
};
const againstWords = { itself: "its own", others: "those of other suites", all: "all" };
const againstColumn: Column<Place> = {
  id: "against",
  title: "Against",
  cell: ({ against }) => against && againstWords[against],
};
const countColumn: Column<Place> = {
  id: "n",
  title: "n",
  number: true,
  sort: ({ n }) => n ?? undefined,
  cell: ({ n }) => count(n),
};
const judgeColumn = (figures: Figures): Column<Place> => {
  const titleOf = ({ judge }: Place) => figures.judges.find(({ id }) => id === judge)?.title ?? judge;
  return { id: "judge", title: "Judge", sort: titleOf, cell: titleOf };
};

interface MeasureProps {
  readonly figures: Figures;
  /** The lines of one measure: one for each group of prompts and judge. */
  readonly lines: readonly MeasureLine[];
}

/** Whether a measure has numbers of single suites. */
export function isBySuite(lines: readonly MeasureLine[]): boolean {
  return lines.some((line) => suitesOf(line).length > 0);
}

/** One measure by suite and method, groups of prompts and judges side by side; categories are folded away below. */
export function MeasureTables({ figures, lines }: MeasureProps) {
  const { definition } = lines[0]!;
  const bySuite = lines.flatMap((line) => {
    const suites = suitesOf(line);
    return line.rows
      .filter(({ category, suite }) => category === undefined && suites.includes(suite))
      .sort((a, b) => suites.indexOf(a.suite) - suites.indexOf(b.suite));
  });
  const byCategory = lines.flatMap(({ rows }) => rows.filter(({ category }) => category !== undefined));
  return (
    <>
      <p class="muted about">{definition.description}</p>
      <MeasurePivot
        {...{ figures, definition, rows: bySuite }}
        caption={`${definition.title}, by suite and method`}
        heads={[suiteColumn]}
      />
      {byCategory.length > 0 && (
        <details class="data">
          <summary>By category</summary>
          <MeasurePivot
            {...{ figures, definition, rows: byCategory }}
            caption={`${definition.title}, by category and method`}
            heads={[categoryColumn, suiteColumn]}
          />
        </details>
      )}
    </>
  );
}

interface MeasurePivotProps {
  readonly figures: Figures;
  readonly definition: MeasureDefinition;
  readonly rows: readonly MeasureRow[];
  readonly caption: string;
  readonly heads: readonly Column<Place>[];
}

function MeasurePivot({ figures, definition, rows, caption, heads }: MeasurePivotProps) {
  const places = placesOf(rows);
  const several = (key: "group" | "judge") => new Set(places.map((place) => place[key])).size > 1;
  const marks = rows.flatMap(({ estimate, interval }) =>
    estimate === null ? [] : [{ value: estimate, ...interval }],
  );
  const found = new Map(rows.map((row) => [`${keyOf(placeOf(row))}\n${row.method}\n${row.seed}`, row]));
  const cell = (place: Place, method: string, seed: number): Cell | undefined => {
    const row = found.get(`${keyOf(place)}\n${method}\n${seed}`);
    if (row === undefined || row.estimate === null) return undefined;
    const basis = rowBasis(row);
    return {
      mark: { value: row.estimate, ...row.interval },
      // The number of prompts has a column of its own.
      of: row.count === undefined && row.undetermined === undefined ? "" : basis,
      left: row.undetermined === undefined ? [] : [basis],
      overlaps: isOverlapping(figures, row),
    };
  };
  return (
    <Pivot
      {...{ caption, figures, rows: places, keyOf, cell, unit: definition.unit }}
      heads={[
        ...heads,
        ...(several("group") ? [groupColumn] : []),
        ...(several("judge") ? [judgeColumn(figures)] : []),
        ...(places.some(({ against }) => against !== undefined && against !== "itself")
          ? [againstColumn]
          : []),
        countColumn,
      ]}
      axis={axisFor(definition, marks)}
    />
  );
}

function keyOf({ suite, category, group, judge }: Place): string {
  return [suite, category, group, judge ?? ""].join("\n");
}

function placeOf({ suite, category = "", group, judge, against, n }: MeasureRow): Place {
  return { suite, category, group, judge, against, n };
}

function placesOf(rows: readonly MeasureRow[]): Place[] {
  const places = rows.filter(({ seed }) => seed !== null).map(placeOf);
  return [...new Map(places.map((place) => [keyOf(place), place])).values()];
}
