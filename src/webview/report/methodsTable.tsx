import { rowBasis } from "../../protocol/report/lines.ts";
import { controlsNote, methodName, notInTable } from "../../protocol/report/methods.ts";
import {
  hasOverlaps,
  reportTable,
  significance,
  type TableCell,
  type TableColumn,
  type Tabled,
} from "../../protocol/report/table.ts";
import { overlapNote } from "../../protocol/report/training.ts";
import { POOLED } from "../../protocol/suite.ts";
import { figure, interval } from "../../wording/numbers.ts";
import { OverlapMark } from "../ui/overlapMark.tsx";
import { type Column, SortableTable } from "../ui/table.tsx";
import type { Filter } from "./answers/filter.ts";
import type { Row } from "./answers/rows.ts";

type TableRow = ReturnType<typeof reportTable>["rows"][number];

/** Methods by suites, as a paper shows them: what differs from the reference is marked by sign, words and colour. */
export function MethodsTable({
  figures,
  runs,
  rows,
  onBrowse,
}: {
  figures: Tabled;
  /** The methods whose answers the rows have, in their order. */
  runs: readonly { readonly method: string }[];
  rows: readonly Row[];
  onBrowse: (filter: Partial<Filter>) => void;
}) {
  const table = reportTable(figures, [...new Set(rows.map(({ suite }) => suite))]);
  const { reference, methods } = figures;
  const left = notInTable(figures);
  const controls = controlsNote(figures);
  const columns: Column<TableRow>[] = [
    {
      id: "method",
      title: "Method",
      sort: ({ method }) => method.name,
      cell: ({ method }) => (
        <button
          type="button"
          class="link"
          title="Show its answers"
          onClick={() => onBrowse({ right: runs.findIndex((run) => run.method === method.id) })}
        >
          {method.name}
        </button>
      ),
    },
    ...table.columns.map(
      (column, i): Column<TableRow> => ({
        id: `${column.suite} ${column.definition.id}`,
        title: <Title column={column} />,
        number: true,
        sort: ({ cells }) => cells[i]?.row.estimate ?? undefined,
        cell: ({ cells }) => <Cell cell={cells[i] ?? null} column={column} />,
      }),
    ),
  ];
  return (
    <>
      <p class="muted about">
        Rates are those of the first judge of each question; means over seeds where a method has several.
        {reference !== undefined &&
          ` A triangle points up where a method is better than ${methodName(methods, reference)} and down where it is worse, p < ${significance} by ` +
            "the paired bootstrap, Holm-adjusted over the methods and suites of a measure."}
      </p>
      <SortableTable
        caption="Methods by suites"
        columns={columns}
        rows={table.rows}
        keyOf={({ method }) => method.id}
      />
      {hasOverlaps(table) && <p class="muted about">{overlapNote}</p>}
      {controls !== undefined && <p class="muted about">{controls}</p>}
      {left !== undefined && (
        <p class="about">
          <span class="codicon codicon-error bad" aria-hidden="true" /> {left}
        </p>
      )}
    </>
  );
}

function Title({ column: { suite, definition, n } }: { column: TableColumn }) {
  return (
    <span class="two-lines">
      {suite === POOLED ? "All suites" : suite}{" "}
      <small class="muted">
        {definition.title}
        {n !== null && `, n = ${n}`}
      </small>
    </span>
  );
}

const marks = {
  better: { class: "codicon-triangle-up good", words: "better" },
  worse: { class: "codicon-triangle-down bad", words: "worse" },
} as const;

function Cell({ cell, column: { definition } }: { cell: TableCell | null; column: TableColumn }) {
  if (cell === null) return <>–</>;
  const { row, against, overlaps } = cell;
  const mark = against && marks[against];
  return (
    <span class="cell-text" title={rowBasis(row)}>
      <strong>
        {mark && (
          <>
            <span class={`codicon ${mark.class}`} aria-hidden="true" />
            <span class="visually-hidden">{mark.words}</span>{" "}
          </>
        )}
        {figure(row.estimate, definition.unit)}
        {overlaps && <OverlapMark />}
      </strong>
      {row.interval && <small class="muted"> {interval(row.interval, definition.unit)}</small>}
    </span>
  );
}
