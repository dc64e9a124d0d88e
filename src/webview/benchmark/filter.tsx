import type { RefObject } from "preact";
import { useId, useState } from "preact/hooks";
import { POOLED } from "../../protocol/suite.ts";
import type { BenchmarkFilter } from "../../protocol/webview/benchmark.ts";
import { count } from "../../wording/numbers.ts";
import { Empty } from "../ui/empty.tsx";
import { type PageKey, usePageKeys } from "../ui/pageKeys.ts";
import { type Matrix, suiteWord } from "./matrix.ts";

/** Every method on every suite. */
export const noFilter: BenchmarkFilter = { methods: "", hiddenSuites: [] };

/** The key that leads to the filter, as it is told and as it works. */
export const filterKeys: readonly PageKey<"filter">[] = [
  { keys: ["/"], shown: "/", action: "filter", does: "Filter the methods by their names" },
];

/** The methods whose names contain what is looked for, whatever its case, on the suites that are not hidden. */
export function filtered(matrix: Matrix, { methods, hiddenSuites }: BenchmarkFilter): Matrix {
  const looked = methods.trim().toLowerCase();
  const isShown = (suite: string) => !hiddenSuites.includes(suite);
  return {
    ...matrix,
    suites: matrix.suites.filter(isShown),
    rows: matrix.rows
      .filter(({ method }) => method.toLowerCase().includes(looked))
      .map((row) => ({ ...row, cells: row.cells.filter(({ suite }) => isShown(suite)) })),
  };
}

interface FilterProps {
  /** Everything that there is to show. */
  readonly matrix: Matrix;
  /** What of it is shown. */
  readonly shown: Matrix;
  readonly filter: BenchmarkFilter;
  readonly onChange: (change: Partial<BenchmarkFilter>) => void;
  readonly search: RefObject<HTMLInputElement | null>;
  /** Brings the keys to the table. */
  readonly focusGrid: () => void;
}

/** Which methods and suites are shown, and how many there are. */
export function Filter({ matrix, shown, filter, onChange, search, focusGrid }: FilterProps) {
  const [isOpen, setOpen] = useState(false);
  const list = useId();
  usePageKeys(filterKeys, () => search.current?.focus());
  const { rows, suites } = matrix;
  const isFiltered = shown.rows.length < rows.length || shown.suites.length < suites.length;
  return (
    <search aria-label="Methods and suites">
      <div class="filter">
        <input
          ref={search}
          type="search"
          aria-label="Filter methods"
          aria-keyshortcuts="/"
          placeholder="Filter methods ( / )"
          value={filter.methods}
          onInput={({ currentTarget: { value } }) => onChange({ methods: value })}
          onKeyDown={(event) => {
            if (event.key === "Escape") onChange({ methods: "" });
            else if (event.key !== "Enter" && event.key !== "ArrowDown") return;
            event.preventDefault();
            focusGrid();
          }}
        />
        <button
          type="button"
          class="switch"
          aria-expanded={isOpen}
          aria-controls={list}
          onClick={() => setOpen(!isOpen)}
        >
          Suites
          <span class="muted">{ofAll(alone(shown.suites).length, alone(suites).length)}</span>
          <span class={`codicon codicon-chevron-${isOpen ? "up" : "down"}`} aria-hidden="true" />
        </button>
        {isFiltered && (
          <button
            type="button"
            class="link"
            onClick={() => {
              onChange(noFilter);
              search.current?.focus();
            }}
          >
            Clear filter
          </button>
        )}
        <span class="where" aria-live="polite">
          {ofAll(shown.rows.length, rows.length)} {rows.length === 1 ? "method" : "methods"}
        </span>
      </div>
      <fieldset id={list} class="suites" hidden={!isOpen}>
        <legend class="visually-hidden">Suites</legend>
        <Suites {...{ suites, onChange }} hidden={filter.hiddenSuites} />
      </fieldset>
    </search>
  );
}

/** Suites without all of them together, which is none. */
function alone(suites: readonly string[]): string[] {
  return suites.filter((suite) => suite !== POOLED);
}

function ofAll(some: number, all: number): string {
  return some < all ? `${count(some)} of ${count(all)}` : count(all);
}

/** A check for each suite; hidden ones that the measure says nothing of stay hidden. */
function Suites({
  suites,
  hidden,
  onChange,
}: Pick<Matrix, "suites"> & Pick<FilterProps, "onChange"> & { hidden: BenchmarkFilter["hiddenSuites"] }) {
  const others = hidden.filter((suite) => !suites.includes(suite));
  return (
    <>
      {suites.map((suite) => (
        <label key={suite} class="check">
          <input
            type="checkbox"
            checked={!hidden.includes(suite)}
            onChange={({ currentTarget: { checked } }) =>
              onChange({
                hiddenSuites: checked ? hidden.filter((one) => one !== suite) : [...hidden, suite],
              })
            }
          />
          {suiteWord(suite)}
        </label>
      ))}
      <button type="button" class="link" onClick={() => onChange({ hiddenSuites: others })}>
        All
      </button>
      <button type="button" class="link" onClick={() => onChange({ hiddenSuites: [...others, ...suites] })}>
        None
      </button>
    </>
  );
}

/** Whether a filter leaves nothing of a matrix that has something. */
export function leavesNothing(matrix: Matrix, shown: Matrix): boolean {
  return (
    (shown.rows.length === 0 && matrix.rows.length > 0) ||
    (shown.suites.length === 0 && matrix.suites.length > 0)
  );
}

/** What stands in place of the table where nothing passes the filter. */
export function NothingShown({
  shown,
  filter: { methods },
  onClear,
}: Pick<FilterProps, "shown" | "filter"> & { onClear: () => void }) {
  const words =
    shown.rows.length === 0 ? `No method's name contains "${methods.trim()}".` : "No suite is chosen.";
  return (
    <Empty title="Nothing matches" words={words}>
      <button type="button" class="button" onClick={onClear}>
        Show all methods and suites
      </button>
    </Empty>
  );
}
