// biome-ignore-all lint/a11y/useSemanticElements: rows at absolute positions make a table lose its meaning; roles keep it.
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid has the focus, and names its active row.
// biome-ignore-all lint/a11y/useKeyWithClickEvents: the grid takes the keys.
import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { LabelByte } from "../../protocol/webview/labelBytes.ts";
import { rowFlags, type SortKey, type TableRow } from "../../protocol/webview/table.ts";
import { count, probability } from "../../wording/numbers.ts";
import { gridInput } from "../ui/gridInput.ts";
import { LabelChip } from "../ui/labelChip.tsx";
import { useVirtualRows } from "../ui/virtualRows.ts";
import { ColumnEdge } from "./columnEdge.tsx";
import type { TablePage } from "./pageModel.ts";
import { Verdict } from "./verdict.tsx";

/** A column of the table. */
interface Column {
  readonly key: SortKey;
  readonly name: string;
  /** What its name leaves open. */
  readonly title?: string;
  /** A length, which table.css says for each width of the table. */
  readonly width: string;
  /** Whether a person gave it that width. */
  readonly isGiven?: boolean;
  readonly cell: (row: TableRow) => ComponentChildren;
}

const rowId = (position: number) => `row-${position}`;

/**
 * The rows of the table. Only those in sight are in the page, and the host is asked for their words alone. The keys stay on the grid
 * itself, which names the row they are on, so that a row may come and go under them.
 */
export function Grid({ page, focusRef }: { page: TablePage; focusRef: RefObject<HTMLElement | null> }) {
  const places = page.places ?? new Uint32Array();
  const { selection, scroll } = page;
  const [rowHeight] = useState(heightOfRow);
  const { items, height, reveal, screenful } = useVirtualRows(focusRef, places.length, {
    rowHeight,
    head: rowHeight,
  });
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    const top = Math.ceil((focusRef.current?.scrollTop ?? 0) / rowHeight);
    if (last >= first) page.show(first, last, top);
  });
  useEffect(() => reveal(scroll.position, scroll.align), [scroll, places]);
  const columns = columnsOf(page).map((one) => withGivenWidth(one, page.widths[one.key]));
  const tracks = tracksOf(columns);

  const { onKeyDown, onClick } = gridInput(page, { count: places.length, screenful }, () =>
    page.toggleDetail(),
  );

  return (
    <div
      class="table"
      role="grid"
      aria-label="Prompts"
      aria-multiselectable="true"
      aria-rowcount={page.places ? places.length + 1 : -1}
      aria-colcount={columns.length}
      aria-activedescendant={
        selection.focus >= first && selection.focus <= last ? rowId(selection.focus) : undefined
      }
      tabIndex={0}
      data-work
      ref={focusRef as RefObject<HTMLDivElement>}
      onKeyDown={onKeyDown}
    >
      <div class="table-row head" role="row" aria-rowindex={1} style={tracks}>
        {columns.map((column) => (
          <Header key={column.key} page={page} column={column} />
        ))}
      </div>
      <svg class="extent" width="1" height={Math.max(0, height - rowHeight)} aria-hidden="true" />
      {items.map(({ index, start }) => (
        <Row
          key={index}
          {...{ page, columns, tracks, start, onClick }}
          position={index}
          place={places[index]!}
        />
      ))}
    </div>
  );
}

/** The columns of a file: those that hold nothing are left out, so that verdicts are in sight in narrow windows. */
function columnsOf(page: TablePage): Column[] {
  const { file, methods } = page;
  const verdicts = (methods ?? []).flatMap(({ title, run }, i): Column[] => [
    {
      ...{
        key: `verdict${i}` as SortKey,
        name: title,
        title: `Verdict on the answer of ${title}, run ${run}`,
      },
      width: "var(--verdict-width)",
      cell: ({ answers }) => (answers[i] ? <Verdict answer={answers[i]} /> : <NotEvaluated />),
    },
    {
      ...{ key: `probability${i}` as SortKey, name: "P(refusal)", title: `Refusal probability of ${title}` },
      width: "var(--probability-width)",
      cell: ({ answers }) => answers[i] && <Probability value={answers[i].probability} />,
    },
  ]);
  return [
    { key: "line", name: "Line", width: "var(--line-width)", cell: ({ line }) => count(line) },
    {
      key: "label",
      name: "Label",
      width: "var(--label-width)",
      cell: ({ place }) => <Label {...page.labelAt(place)} />,
    },
    { key: "prompt", name: "Prompt", width: "var(--prompt-least)", cell: ({ text }) => text },
    ...verdicts,
    ...(file && file.categories.length > 0
      ? [column("category", "Category", "var(--category-width)", ({ category }) => category)]
      : []),
    ...(file && file.splits.length > 0
      ? [column("split", "Split", "var(--split-width)", ({ split }) => split)]
      : []),
    ...(file?.paired ? [column("pair", "Pair", "var(--pair-width)", ({ pair }) => pair)] : []),
  ];
}

/** A column as wide as a person made it. */
function withGivenWidth(column: Column, given: number | undefined): Column {
  return given === undefined ? column : { ...column, width: `${given}px`, isGiven: true };
}

/** How every row is laid out. */
type Tracks = Readonly<{ width: string; gridTemplateColumns: string }>;

/**
 * All rows are as wide as the table, or as what their columns need at least; it then scrolls sideways. The prompt has what line, label, verdicts
 * and probabilities leave, up to ample room, before the columns behind them have any.
 */
function tracksOf(columns: readonly Column[]): Tracks {
  const sum = (some: readonly Column[]) =>
    `${some.map(({ width }) => width).join(" + ")} + ${columns.length - 1} * var(--gap) + 2 * var(--pad)`;
  const first = columns.filter(({ key }) => /^(line|label|verdict|probability)/.test(key));
  const prompt = `clamp(var(--prompt-least), 100cqi - (${sum(first)}), var(--prompt-ample))`;
  const isFlexible = ({ key, isGiven }: Column) => key === "prompt" && !isGiven;
  const sized = columns.map((one) => (isFlexible(one) ? { ...one, width: prompt } : one));
  return {
    width: `max(100%, ${sum(sized)})`,
    gridTemplateColumns: sized
      .map((one) => (isFlexible(one) ? `minmax(${one.width}, 1fr)` : one.width))
      .join(" "),
  };
}

function column(key: SortKey, name: string, width: string, cell: Column["cell"]): Column {
  return { key, name, width, cell };
}

function Label({ state, disputed }: LabelByte) {
  return (
    <>
      <LabelChip state={state} />
      {disputed && (
        <span class="codicon codicon-comment-unresolved disputed" role="img" aria-label="disputed" />
      )}
    </>
  );
}

/** Stands for the verdict on a prompt that a method did not answer. */
function NotEvaluated() {
  return (
    <span class="muted" title="Not evaluated">
      <span aria-hidden="true">–</span>
      <span class="visually-hidden">not evaluated</span>
    </span>
  );
}

/** A probability as a figure over a bar. */
function Probability({ value }: { value: number }) {
  return (
    <span class="probability-value">
      <span class="probability-bar" style={{ width: `${100 * value}%` }} aria-hidden="true" />
      {probability(value)}
    </span>
  );
}

const arrows = {
  none: "codicon-fold unsorted",
  ascending: "codicon-arrow-up",
  descending: "codicon-arrow-down",
};

function Header({ page, column: { key, name, title } }: { page: TablePage; column: Column }) {
  const { sort } = page.view;
  const direction = sort?.by !== key ? "none" : sort.down ? "descending" : "ascending";
  return (
    <span role="columnheader" class={key.replace(/\d/, "")} aria-sort={direction} aria-label={title ?? name}>
      <button type="button" class="sort" title={title ?? name} onClick={() => page.sortBy(key)}>
        <span class="sort-name">{name}</span>
        <span class={`codicon ${arrows[direction]}`} aria-hidden="true" />
      </button>
      <ColumnEdge name={title ?? name} width={page.widths[key]} resize={(width) => page.resize(key, width)} />
    </span>
  );
}

function Row(props: {
  page: TablePage;
  columns: readonly Column[];
  tracks: Tracks;
  position: number;
  start: number;
  place: number;
  onClick: (event: MouseEvent, position: number) => void;
}) {
  const { page, columns, position, place } = props;
  const row = page.row(place);
  const flags = page.flagsAt(position);
  const focused = page.selection.focus === position;
  const veiled = !page.revealed && !focused;
  const classes = [
    "table-row",
    ...(focused ? ["focused"] : []),
    ...(flags & rowFlags.beside ? ["beside"] : []),
    ...(flags & rowFlags.continues ? ["continues"] : []),
    ...(flags & rowFlags.continued ? ["continued"] : []),
  ];
  return (
    <div
      class={classes.join(" ")}
      role="row"
      id={rowId(position)}
      aria-rowindex={position + 2}
      aria-selected={page.selection.has(position)}
      style={{ transform: `translateY(${props.start}px)`, ...props.tracks }}
      onClick={(event) => props.onClick(event, position)}
      onDblClick={() => page.toggleDetail(true)}
    >
      {columns.map(({ key, cell }) => (
        <span key={key} role="gridcell" class={key.replace(/\d/, "")}>
          {!row ? (
            key === "prompt" && <span class="muted">…</span>
          ) : key === "prompt" ? (
            <>
              {flags & rowFlags.beside ? (
                <span class="visually-hidden">counterpart outside the filter: </span>
              ) : null}
              {flags & rowFlags.continues ? (
                <span class="codicon codicon-indent pair-sign" aria-hidden="true" />
              ) : null}
              <span class={veiled ? "blurred" : ""} aria-hidden={veiled} data-veiled={veiled}>
                {cell(row)}
              </span>
              {veiled && <span class="visually-hidden">blurred</span>}
            </>
          ) : (
            cell(row)
          )}
        </span>
      ))}
    </div>
  );
}

/** Height of a row in units of the letters' size; table.css says the same. */
const ROW_HEIGHT = 2;

/** In pixels. One figure for all rows, so that scrolling through 200,000 of them measures none. */
function heightOfRow(): number {
  return Math.round(ROW_HEIGHT * (Number.parseFloat(getComputedStyle(document.body).fontSize) || 13));
}
