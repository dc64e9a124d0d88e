import { useLayoutEffect, useRef } from "preact/hooks";
import { probability } from "../../../wording/numbers.ts";
import { useVirtualRows } from "../../ui/virtualRows.ts";
import { Words } from "../../ui/words.tsx";
import type { Row } from "./rows.ts";
import { VerdictSign } from "./verdict.tsx";

/** Height of a row, in pixels; the style sheet says the same. */
const ROW = 46;

interface ListProps {
  readonly rows: readonly Row[];
  readonly selected: number;
  readonly onSelect: (index: number) => void;
  /** Indices of the runs whose verdicts are shown. */
  readonly runs: readonly number[];
  readonly blur: boolean;
}

/** The prompts that a filter let through, of which one is selected. */
export function AnswerList({ rows, selected, onSelect, runs, blur }: ListProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const { items, height, reveal } = useVirtualRows(scroller, rows.length, { rowHeight: ROW });
  // Rows are brought into sight when the selection or the filter moves, not when one scrolls away from them.
  useLayoutEffect(() => {
    if (selected >= 0) reveal(selected);
  }, [selected, rows]);
  const keyed = (event: KeyboardEvent) => {
    const last = rows.length - 1;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW) - 1);
    const to = {
      ArrowDown: selected + 1,
      ArrowUp: selected - 1,
      PageDown: selected + page,
      PageUp: selected - page,
      Home: 0,
      End: last,
    }[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    onSelect(Math.min(last, Math.max(0, to)));
  };
  const inSight = items.some(({ index }) => index === selected);
  return (
    <div
      ref={scroller}
      class="answer-list"
      role="listbox"
      tabIndex={0}
      aria-label="Prompts"
      {...(inSight && { "aria-activedescendant": `row-${selected}` })}
      onKeyDown={keyed}
    >
      <div role="presentation" class="answer-list-all" style={{ height: `${height}px` }}>
        {items.map(({ index, start }) => {
          const row = rows[index];
          if (row === undefined) return null;
          return (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the list itself takes the keys, as a listbox does.
            <div
              key={row.key}
              id={`row-${index}`}
              class="answer-row"
              role="option"
              tabIndex={-1}
              aria-selected={index === selected}
              aria-posinset={index + 1}
              aria-setsize={rows.length}
              style={{ transform: `translateY(${start}px)` }}
              onClick={() => onSelect(index)}
            >
              <span class="answer-row-prompt">
                <Words text={row.prompt} hidden={blur && row.unsafe} />
              </span>
              <span class="answer-row-facts muted">
                {runs.map((run) => {
                  const answer = row.answers[run];
                  return answer ? (
                    <span key={run} class="answer-row-run">
                      <VerdictSign answer={answer} unsafe={row.unsafe} terse />
                      {probability(answer.result.refusalProbability)}
                    </span>
                  ) : null;
                })}
                <span class="answer-row-kind">
                  {[row.unsafe ? "unsafe" : "safe", row.suite, row.kind].filter(Boolean).join(" · ")}
                </span>
              </span>
            </div>
          );
        })}
      </div>
    </div>
  );
}
