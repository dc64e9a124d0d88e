import type { ComponentChildren } from "preact";
import { useContext, useMemo, useState } from "preact/hooks";
import type { SweepResults, TrialResult } from "../../../protocol/report/sweep.ts";
import { sweepCsv, trialColumns, trialWords } from "../../../protocol/report/sweepTable.ts";
import type { BenchmarkFromPage } from "../../../protocol/webview/benchmark.ts";
import { counted, estimate, percent } from "../../../wording/numbers.ts";
import { SaveContext } from "../../ui/csv.tsx";
import { type Column, SortableTable } from "../../ui/table.tsx";
import { Front } from "./front.tsx";
import { type Brushes, isKept, ParallelCoordinates } from "./parallel.tsx";
import { ResponseCurves } from "./responseCurves.tsx";
import { ofRung, rungsIn, sweepAxes } from "./series.ts";

interface SweepViewProps {
  readonly results: SweepResults;
  /** Asks the host; null in a file. */
  readonly post: ((message: BenchmarkFromPage) => void) | null;
}

/** A sweep: what came best, its curves, and every trial. */
export function SweepView({ results, post }: SweepViewProps) {
  const rungs = useMemo(() => rungsIn(results), [results]);
  const [chosen, setChosen] = useState<number | null>(null);
  const [brushes, setBrushes] = useState<Brushes>(new Map());
  // The first rung has the most trials.
  const rung = chosen ?? rungs[0] ?? null;
  const shown = useMemo(() => ofRung(results, rung), [results, rung]);
  const axes = useMemo(() => sweepAxes(shown), [shown]);
  const kept = shown.trials.filter((trial) => isKept(axes, brushes, trial));
  const isEmpty = !results.trials.some(({ figures }) => Object.keys(figures).length > 0);
  return (
    <>
      <Best {...{ results, post }} />
      <Caveats results={results} />
      {rungs.length > 1 && (
        <label class="field">
          Rung
          <select
            value={String(rung)}
            onChange={({ currentTarget }) => {
              setChosen(Number(currentTarget.value));
              setBrushes(new Map());
            }}
          >
            {rungs.map((each) => (
              <option key={each} value={String(each)}>
                {`${each}: ${counted(ofRung(results, each).trials.length, "trial")}`}
              </option>
            ))}
          </select>
        </label>
      )}
      {isEmpty ? (
        <p class="muted">Figures appear as soon as a trial has ended.</p>
      ) : (
        <>
          <Part title="Response curves">
            <ResponseCurves results={shown} />
          </Part>
          <Part title="Safe against unsafe refusal">
            <Front results={shown} />
          </Part>
          <Part title="Parallel coordinates">
            <ParallelCoordinates results={shown} brushes={brushes} onBrush={setBrushes} />
          </Part>
        </>
      )}
      <Importance results={results} />
      <Part title="Trials">
        <p class="muted" role="status">
          {brushes.size === 0
            ? counted(shown.trials.length, "trial")
            : `${kept.length} of ${counted(shown.trials.length, "trial")} within the brushes`}
          {brushes.size > 0 && (
            <>
              {" "}
              <button type="button" class="link" onClick={() => setBrushes(new Map())}>
                Show all
              </button>
            </>
          )}
        </p>
        <ExportData results={results} />
        <SortableTable
          caption="Trials"
          columns={columnsOf(shown, post)}
          rows={kept}
          keyOf={({ name }) => name}
        />
      </Part>
    </>
  );
}

/** A sweep that is a file: what its folder would say stands in its head. */
export function SweepFile({ results }: { results: SweepResults }) {
  const { name, model, created, trials, seeds } = results;
  return (
    <>
      <header class="benchmark-head">
        <div>
          <h1>{name}</h1>
          <p class="muted">
            {model} · {counted(trials.length, "trial")}, {counted(seeds.length, "seed")} each ·{" "}
            {new Date(created).toLocaleString()} · intervals at 95 %
          </p>
        </div>
      </header>
      <SweepView results={results} post={null} />
    </>
  );
}

function Part({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section aria-label={title} class="sweep-part">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

/** The trial that came first, and what can be done with its settings. */
function Best({ results, post }: SweepViewProps) {
  const best = results.trials.find(({ name }) => name === results.best);
  if (best === undefined) return null;
  const { measure } = results.objective;
  const definition = results.measures.find(({ id }) => id === measure);
  return (
    <section class="headline" aria-label="Best trial">
      <h2>
        <span>
          Best trial: {best.name} · {definition?.title ?? measure}{" "}
          {estimate(best.figures[measure], definition?.unit)}
        </span>
      </h2>
      <p class="words">{trialWords(results, best)}</p>
      {best.feasible === false && <p class="bad">It violates the constraint, as does every other trial.</p>}
      {post && (
        <p class="toolbar">
          <TrialButtons trial={best} post={post} />
        </p>
      )}
    </section>
  );
}

function Caveats({ results: { caveats } }: { results: SweepResults }) {
  if (caveats.length === 0) return null;
  return (
    <section aria-label="Caveats">
      <h2>Caveats</h2>
      <ul class="missing">
        {caveats.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </section>
  );
}

function Importance({ results: { importance } }: { results: SweepResults }) {
  if (importance === null) return null;
  return (
    <Part title="Variance between trials">
      <p class="muted about">
        Share of the objective's variance that the means of a key's values explain, beside the share that a
        key without any effect would explain on average. Interactions are in neither.
      </p>
      <SortableTable
        caption="Variance between trials"
        columns={[
          { id: "key", title: "key", cell: ({ key }) => key, sort: ({ key }) => key },
          {
            id: "share",
            title: "share",
            number: true,
            cell: ({ share }) => percent(share),
            sort: ({ share }) => share,
          },
          {
            id: "chance",
            title: "by chance",
            number: true,
            cell: ({ chance }) => percent(chance),
            sort: ({ chance }) => chance,
          },
        ]}
        rows={importance}
        keyOf={({ key }) => key}
      />
    </Part>
  );
}

function ExportData({ results }: { results: SweepResults }) {
  const save = useContext(SaveContext);
  return (
    <button type="button" class="link" onClick={() => save(`${results.name} trials`, sweepCsv(results))}>
      <span class="codicon codicon-save" aria-hidden="true" /> Export data
    </button>
  );
}

function columnsOf(results: SweepResults, post: SweepViewProps["post"]): Column<TrialResult>[] {
  const columns = trialColumns(results).map(
    ({ id, title, isNumber, words, sort }): Column<TrialResult> => ({
      ...{ id, title, sort, number: isNumber },
      cell: (trial) => <span class={id === "state" ? "words state-words" : ""}>{words(trial)}</span>,
    }),
  );
  if (post === null) return columns;
  const [rank, name, ...rest] = columns;
  return [
    rank!,
    name!,
    { id: "actions", title: "actions", cell: (trial) => <TrialButtons trial={trial} post={post} /> },
    ...rest,
  ];
}

/** Opens the run of a trial, or writes a recipe with its settings. */
function TrialButtons({ trial, post }: { trial: TrialResult; post: (message: BenchmarkFromPage) => void }) {
  const begun = trial.runs.filter(({ state }) => state !== "waiting" && state !== "skipped");
  return (
    <span class="trial-buttons">
      {begun.map(({ cell, seed }) => (
        <button key={cell} type="button" class="link" onClick={() => post({ type: "openDashboard", cell })}>
          {trial.runs.length > 1 ? `Open seed ${seed}` : "Open run"}
        </button>
      ))}
      {trial.settings !== null && (
        <button
          type="button"
          class="link"
          onClick={() => post({ type: "useSettings", cell: trial.runs[0]!.cell })}
        >
          Use these settings
        </button>
      )}
    </span>
  );
}
