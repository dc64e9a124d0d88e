import { useEffect, useRef } from "preact/hooks";
import type { EarlierComparison } from "../../protocol/report/earlier.ts";
import type { Figures } from "../../protocol/webview/report.ts";
import { counted } from "../../wording/numbers.ts";
import { type Column, SortableTable } from "../ui/table.tsx";
import { type DifferenceRow, differenceColumns, differenceRows, said } from "./comparison.tsx";

interface EarlierRow extends DifferenceRow {
  readonly method: string;
}

/** Regressions before what did not change, and that before what got better; each in the order of the report. */
const order = { worse: 0, higher: 1, lower: 1, open: 2, better: 3 } as const;

/** What became of each method since an earlier report: every difference, regressions first. */
export function Earlier({
  figures,
  earlier,
  asked,
}: {
  figures: Figures;
  earlier: EarlierComparison;
  asked: number;
}) {
  const top = useRef<HTMLParagraphElement>(null);
  // Where it was asked for it is brought into sight, wherever the page was scrolled to; what a judgement changes stays where it is.
  useEffect(() => top.current?.scrollIntoView?.({ block: "center" }), [asked]);
  const rows = earlier.methods
    .flatMap(({ method, comparison }) =>
      differenceRows(figures, comparison?.differences ?? []).map((row): EarlierRow => ({ ...row, method })),
    )
    .toSorted((a, b) => place(a) - place(b));
  const none = earlier.methods.filter(({ comparison }) => comparison === null).map(({ method }) => method);
  const worse = rows.filter((row) => said(row.difference, row.direction) === "worse").length;
  const methodColumn: Column<EarlierRow> = {
    id: "method",
    title: "Method",
    sort: ({ method }) => method,
    cell: ({ method }) => method,
  };
  return (
    <>
      <p ref={top}>
        <span class={`codicon codicon-${worse > 0 ? "warning bad" : "pass good"}`} aria-hidden="true" />{" "}
        {worse > 0
          ? `${counted(worse, "figure")} of ${rows.length} got worse beyond chance.`
          : `None of ${counted(rows.length, "figure")} got worse beyond chance.`}
      </p>
      <ul class="notes">
        {[
          `The earlier report was made on ${new Date(earlier.earlier.created).toLocaleString()}. Each method is compared on the prompts that it answered in both.`,
          ...(none.length > 0 ? [`No prompt was answered in both by ${none.join(", ")}.`] : []),
          ...earlier.notes,
        ].map((note) => (
          <li key={note}>
            <span class="codicon codicon-info" aria-hidden="true" />
            <span>{note}</span>
          </li>
        ))}
      </ul>
      {rows.length > 0 && (
        <SortableTable
          caption={`Differences since ${earlier.earlier.name}, regressions first`}
          columns={[methodColumn, ...differenceColumns(["Earlier", "Now"], rows)]}
          rows={rows}
          keyOf={({ method, suite, title }) => `${method}\n${suite}\n${title}`}
        />
      )}
    </>
  );
}

function place({ difference, direction }: DifferenceRow): number {
  return order[said(difference, direction)];
}
