// biome-ignore-all lint/a11y/useSemanticElements: rows at absolute positions make a table lose its meaning; roles keep it.
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid has the focus, and names its active row.
// biome-ignore-all lint/a11y/useKeyWithClickEvents: the grid takes the keys.
import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import { unpackLabel } from "../../protocol/webview/labelBytes.ts";
import { count, probability } from "../../wording/numbers.ts";
import { gridInput } from "../ui/gridInput.ts";
import { LabelChip } from "../ui/labelChip.tsx";
import { useVirtualRows } from "../ui/virtualRows.ts";
import type { LabellingPage } from "./pageModel.ts";

const rowId = (position: number) => `row-${position}`;

/**
 * All prompts of the list, for bulk work: rows are selected and the label keys label the selection. Only the rows in sight
 * are in the page, and the host is asked only for theirs. The keys stay on the grid itself, which names the row they are
 * on, so that a row may come and go under them.
 */
export function Grid({ page, focusRef }: { page: LabellingPage; focusRef: RefObject<HTMLElement | null> }) {
  const places = page.places ?? new Uint32Array();
  const { selection } = page;
  const [rowHeight] = useState(heightOfRow);
  const { items, height, reveal, screenful } = useVirtualRows(focusRef, places.length, {
    rowHeight,
    head: rowHeight,
  });
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (last >= first) page.show(first, last);
  }, [page, first, last, places, page.run]);
  useEffect(() => reveal(selection.focus), [selection.focus, places]);

  const hasReasons = givesReasons(page);
  const { onKeyDown, onClick } = gridInput(page, { count: places.length, screenful }, () =>
    page.setMode("one"),
  );

  return (
    <div
      class={hasReasons ? "grid with-reasons" : "grid"}
      role="grid"
      aria-label="Prompts"
      aria-multiselectable="true"
      aria-rowcount={places.length + 1}
      aria-colcount={5}
      aria-activedescendant={
        selection.focus >= first && selection.focus <= last ? rowId(selection.focus) : undefined
      }
      tabIndex={0}
      data-work
      ref={focusRef as RefObject<HTMLDivElement>}
      onKeyDown={onKeyDown}
    >
      <div class="row head" role="row" aria-rowindex={1}>
        {columnsOf(hasReasons).map(([key, name]) => (
          <span key={key} role="columnheader" class={key}>
            {name}
          </span>
        ))}
      </div>
      <svg class="extent" width="1" height={height} aria-hidden="true" />
      {items.map(({ index, start }) => (
        <Row
          key={index}
          page={page}
          position={index}
          start={start}
          place={places[index]!}
          onClick={onClick}
        />
      ))}
    </div>
  );
}

/** Whether the order, or a second pass, says why a prompt is next. */
function givesReasons({ query }: LabellingPage): boolean {
  return query.differ !== undefined || !["file", "unlabelled"].includes(query.order);
}

/** The columns by their classes and names. An order that gives reasons shows them where the category is otherwise. */
function columnsOf(hasReasons: boolean): [string, string][] {
  return [
    ["label", "Label"],
    ["line", "Line"],
    ["prompt", "Prompt"],
    ["category", hasReasons ? "Reason" : "Category"],
    ["refusal", "Refusal"],
  ];
}

function Row(props: {
  page: LabellingPage;
  position: number;
  start: number;
  place: number;
  onClick: (event: MouseEvent, position: number) => void;
}) {
  const { page, position, place } = props;
  const row = page.row(place);
  const { state, disputed } = unpackLabel(page.board.at(place));
  const focused = page.selection.focus === position;
  const veiled = !page.revealed && !focused;
  return (
    <div
      class={`row${focused ? " focused" : ""}`}
      role="row"
      id={rowId(position)}
      aria-rowindex={position + 2}
      aria-selected={page.selection.has(position)}
      style={{ transform: `translateY(${props.start}px)` }}
      onClick={(event) => props.onClick(event, position)}
      onDblClick={() => page.setMode("one")}
    >
      <span role="gridcell" class="label">
        <LabelChip state={state} />
        {disputed && (
          <span class="codicon codicon-comment-unresolved disputed" role="img" aria-label="disputed" />
        )}
      </span>
      <span role="gridcell" class="line">
        {row ? count(row.line) : ""}
      </span>
      <span role="gridcell" class="prompt">
        {row ? (
          <>
            <span class={veiled ? "blurred" : ""} aria-hidden={veiled} data-veiled={veiled}>
              {row.text}
            </span>
            {veiled && <span class="visually-hidden">blurred</span>}
          </>
        ) : (
          <span class="muted">…</span>
        )}
      </span>
      <span role="gridcell" class="category" title={row?.reason}>
        {row?.reason ?? row?.kind ?? ""}
      </span>
      <span role="gridcell" class="refusal">
        {row?.refusalProbability === undefined ? "" : probability(row.refusalProbability)}
      </span>
    </div>
  );
}

/** Height of a row in units of the letters' size; labelling.css says the same. */
const ROW_HEIGHT = 2.2;

/** In pixels. One figure for all rows, so that scrolling through 80,000 of them measures none. */
function heightOfRow(): number {
  return Math.round(ROW_HEIGHT * (Number.parseFloat(getComputedStyle(document.body).fontSize) || 13));
}
