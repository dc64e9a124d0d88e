import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { overlapNote } from "../../protocol/report/training.ts";
import type { BenchmarkFromPage, BenchmarkPageState } from "../../protocol/webview/benchmark.ts";
import { Categories } from "./categories.tsx";
import { Controls } from "./controls.tsx";
import { Filter, filtered, leavesNothing, NothingShown, noFilter } from "./filter.tsx";
import { Grid } from "./grid.tsx";
import { Head } from "./head.tsx";
import { matrixOf } from "./matrix.ts";
import type { PageState } from "./state.ts";
import { Legend } from "./status.tsx";
import { SweepFile, SweepView } from "./sweep/sweepView.tsx";

interface AppProps {
  readonly state: PageState;
  /** Asks the host; null where there is none, in a sweep that is a file. */
  readonly post: ((message: BenchmarkFromPage) => void) | null;
  readonly kept?: BenchmarkPageState | undefined;
  readonly keep?: (kept: BenchmarkPageState) => void;
}

const plain: BenchmarkPageState = {
  measure: null,
  judge: null,
  sort: null,
  filter: noFilter,
  categories: null,
};

/** The page of a comparison, benchmark or sweep. */
export function App({ state, post, kept, keep }: AppProps) {
  // What an earlier version kept has no filter.
  const [view, setView] = useState({ ...plain, ...kept });
  const search = useRef<HTMLInputElement>(null);
  const grid = useRef<HTMLDivElement>(null);
  useEffect(() => keep?.(view), [view, keep]);
  const { benchmark, shown, outdated, categories, sweep, gone } = state;
  const matrix = useMemo(
    () => (benchmark === null ? null : matrixOf(benchmark, shown, view)),
    [benchmark, shown, view],
  );
  if (gone !== null)
    return (
      <p class="empty" role="alert">
        {gone}
      </p>
    );
  if (post === null) {
    return sweep && <SweepFile results={sweep} />;
  }
  if (benchmark?.isSweep) {
    return (
      <>
        <Head benchmark={benchmark} post={post} />
        {sweep === null ? (
          <p class="empty">Reading the trials…</p>
        ) : (
          <SweepView results={sweep} post={post} />
        )}
      </>
    );
  }
  if (benchmark === null || matrix === null) return <p class="empty">Reading the plan…</p>;
  const shownPart = filtered(matrix, view.filter);
  const filter = (change: Partial<BenchmarkPageState["filter"]>) =>
    setView({ ...view, filter: { ...view.filter, ...change } });
  return (
    <>
      <Head benchmark={benchmark} post={post} />
      {outdated !== null && (
        <p class="notice warning" role="status">
          <span class="codicon codicon-warning" aria-hidden="true" />
          {outdated}
        </p>
      )}
      <Controls matrix={matrix} onChange={(change) => setView({ ...view, ...change })} />
      <Filter
        {...{ matrix, search }}
        shown={shownPart}
        filter={view.filter}
        onChange={filter}
        focusGrid={() => grid.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus()}
      />
      {leavesNothing(matrix, shownPart) ? (
        <NothingShown
          shown={shownPart}
          filter={view.filter}
          onClear={() => {
            filter(noFilter);
            search.current?.focus();
          }}
        />
      ) : (
        <div ref={grid}>
          <Grid
            matrix={shownPart}
            sort={view.sort}
            onSort={(sort) => setView({ ...view, sort })}
            onOpen={post}
            onSuite={(suite) => view.categories !== null && setView({ ...view, categories: suite })}
          />
        </div>
      )}
      <Categories
        matrix={shownPart}
        methods={benchmark.methods}
        suite={view.categories}
        told={categories}
        {...{ shown, post }}
        onSuite={(suite) => setView({ ...view, categories: suite })}
      />
      {shownPart.rows.some(({ cells }) => cells.some(({ row, overlaps }) => overlaps && row)) && (
        <p class="muted about">{overlapNote}</p>
      )}
      {benchmark.missing.length > 0 && (
        <section aria-label="Missing suites">
          <h2>Missing suites</h2>
          <ul class="missing">
            {benchmark.missing.map(({ suite, reason }) => (
              <li key={suite}>
                <strong>{suite}</strong>: <span class="words">{reason}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      <Legend />
    </>
  );
}
