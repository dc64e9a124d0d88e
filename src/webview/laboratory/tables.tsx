import { useState } from "preact/hooks";
import {
  type ProbePrompt,
  type ProbeResult,
  type ProbeTable,
  probeTableCsv,
} from "../../protocol/probe/result.ts";
import { count, counted, quantity } from "../../wording/numbers.ts";
import { downloadCsv } from "../ui/csv.tsx";
import { LeafTurner } from "../ui/leaves.tsx";
import { type Column, SortableTable } from "../ui/table.tsx";
import type { FigureProps } from "./figure.ts";
import { opener } from "./promptLine.tsx";

type Cell = ProbeTable["rows"][number][number];

/** Rows of one leaf of a table: more would make the page slow, and nobody reads them at once. */
const leaf = 100;

/** The data of the figures: every table, folded away where there are several, with the ways to save them. */
export function DataTables({
  result: { tables, prompts, training },
  post,
  open,
}: { result: ProbeResult; open: boolean } & Pick<FigureProps<unknown>, "post">) {
  const byId = new Map([...training, ...prompts].map((prompt) => [prompt.id, prompt]));
  if (tables.length === 0) return <p class="muted">This result has no tables.</p>;
  return (
    <>
      {tables.map((table) => (
        <details key={table.id} class="data" open={open}>
          <summary>
            {table.title} <span class="muted">({counted(table.rows.length, "row")})</span>
          </summary>
          <div class="toolbar">
            <button
              type="button"
              class="link"
              onClick={() =>
                post === null
                  ? downloadCsv(table.id, probeTableCsv(table))
                  : post({ type: "exportData", table: table.id })
              }
            >
              <span class="codicon codicon-save" aria-hidden="true" /> Export Data (CSV)
            </button>
          </div>
          <Leaves {...{ table, byId, post }} />
        </details>
      ))}
    </>
  );
}

interface LeavesProps extends Pick<FigureProps<unknown>, "post"> {
  readonly table: ProbeTable;
  /** Prompts that cells may name. */
  readonly byId: ReadonlyMap<string, ProbePrompt>;
}

function Leaves({ table, byId, post }: LeavesProps) {
  const leaves = Math.max(1, Math.ceil(table.rows.length / leaf));
  const [turned, turn] = useState(0);
  const at = Math.min(turned, leaves - 1);
  const rows = table.rows
    .slice(at * leaf, (at + 1) * leaf)
    .map((cells, i) => ({ cells, key: `${at * leaf + i}` }));
  return (
    <>
      <SortableTable
        caption={table.title}
        columns={columnsOf(table, byId, opener(post))}
        rows={rows}
        keyOf={({ key }) => key}
      />
      <LeafTurner {...{ at, leaves, turn }}>
        Rows {count(at * leaf + 1)} to {count(at * leaf + rows.length)} of {count(table.rows.length)}. The
        export has all of them.
      </LeafTurner>
    </>
  );
}

function columnsOf(
  { columns, rows }: ProbeTable,
  byId: LeavesProps["byId"],
  open: ReturnType<typeof opener>,
): Column<{ cells: readonly Cell[] }>[] {
  return columns.map(({ id, title, unit, description }, i) => {
    const isNumber = rows.some((cells) => typeof cells[i] === "number");
    return {
      id,
      title: <span title={description}>{unit === null ? title : `${title} (${unit})`}</span>,
      number: isNumber,
      sort: ({ cells }) => sortKey(cells[i]),
      cell: ({ cells }) => {
        const cell = cells[i];
        const prompt = typeof cell === "string" ? byId.get(cell) : undefined;
        if (prompt !== undefined && open !== undefined) return <PromptId {...{ prompt, open }} />;
        return <span class={isNumber ? undefined : "words cell-words"}>{written(cell)}</span>;
      },
    };
  });
}

/** A prompt's id, which leads to its line. */
function PromptId({ prompt, open }: { prompt: ProbePrompt; open: NonNullable<ReturnType<typeof opener>> }) {
  const { id, file, line } = prompt;
  return (
    <button type="button" class="link" title={`${file}:${line}`} onClick={() => open(prompt)}>
      {id}
    </button>
  );
}

function sortKey(cell: Cell | undefined): string | number | undefined {
  return typeof cell === "boolean" ? String(cell) : (cell ?? undefined);
}

function written(cell: Cell | undefined): string {
  if (typeof cell === "number") return quantity(cell);
  return typeof cell === "boolean" ? (cell ? "yes" : "no") : (cell ?? "–");
}
