import { activityWords } from "../../protocol/activity.ts";
import { backendWords } from "../../protocol/backend.ts";
import { placeWords } from "../../protocol/place.ts";
import { telemetryWords } from "../../protocol/telemetry.ts";
import { panelNames, type RunCommand, type ShownProgress } from "../../protocol/webview/dashboard.ts";
import { tooFewProbes } from "../../statistics/comovement.ts";
import { count, counted, duration, figure, interval } from "../../wording/numbers.ts";
import { IconButton } from "../ui/iconButton.tsx";
import { markPath } from "../ui/marks.ts";
import { styleCount } from "../ui/methodStyle.ts";
import type { RunSeries } from "./model/runSeries.ts";
import { panelWords, stateWords } from "./model/words.ts";
import type { PageRun } from "./pageModel.ts";

/** What there is to know of a run at a glance, and what can be done with it. */
export function RunHead({
  run,
  several,
  folded,
  fold,
  ask,
  remove,
}: {
  run: PageRun;
  /** Whether there are other runs on the page. */
  several: boolean;
  /** Whether it is shown as a line, so that charts have the room. */
  folded: boolean;
  fold: () => void;
  ask: (command: RunCommand) => void;
  remove: () => void;
}) {
  const { label, series, progress, index } = run;
  const { started } = series;
  const facts = started ? [started.model, `seed ${started.seed}`, placeWords(series.place ?? started)] : [];
  return (
    <section class={`run${folded ? " folded" : ""}`} aria-label={`Run ${label}`}>
      <div class="run-head">
        <IconButton
          icon={folded ? "chevron-right" : "chevron-down"}
          name={folded ? `Show all of ${label}` : `Fold ${label}`}
          expanded={!folded}
          press={fold}
        />
        {several && (
          <svg
            class={`run-colour method-shape method-${index % styleCount}`}
            viewBox="-7 -7 14 14"
            aria-hidden="true"
          >
            <path d={markPath(index, 0, 0)} />
          </svg>
        )}
        <h2 class="words">{label}</h2>
        {progress && <State progress={progress} />}
        {folded ? (
          <span class="facts words" title={brief(run)}>
            {brief(run)}
          </span>
        ) : (
          <span class="facts muted words">{facts.join(" · ")}</span>
        )}
        <span class="actions">
          {progress && <Actions progress={progress} ask={ask} />}
          {several && <IconButton icon="close" name={`Remove ${label} from the page`} press={remove} />}
        </span>
      </div>
      {progress && (!folded || progress.stopping || progress.state === "gone") && (
        <Progress progress={progress} />
      )}
      {!folded && (
        <>
          <Computing series={series} isRunning={progress?.state === "running"} />
          <Headline run={run} />
        </>
      )}
      <Notes run={run} />
    </section>
  );
}

/** The last probe's figures and how far the run is, in a line. */
function brief({ series: { probes }, progress }: PageRun): string {
  const last = probes.at(-1);
  const isActive = progress?.state === "running";
  return [
    ...(last ? panelNames.map((panel) => `${panelWords[panel]} ${figure(last[panel]?.value)}`) : []),
    ...(last ? [`gap ${figure(last.gap)}`] : []),
    ...(progress && isActive
      ? [
          `step ${count(progress.step)}${progress.totalSteps === null ? "" : ` of ${count(progress.totalSteps)}`}`,
        ]
      : []),
    ...(isActive && progress.etaSeconds !== null && !progress.stopping
      ? [`${duration(progress.etaSeconds)} left`]
      : []),
  ].join(" · ");
}

/** How fast a run is and what it takes; where it is computed and what stays in memory, and why, to unfold. */
function Computing({ series, isRunning }: { series: RunSeries; isRunning: boolean }) {
  const { started, telemetry, place } = series;
  const facts = telemetry && isRunning ? telemetryWords(telemetry) : [];
  const { deviceChoice, memoryPlan } = started ?? {};
  const backend = place?.backend;
  const about = [
    ...(backend ? [`Backend: ${backendWords(backend)}.`] : []),
    ...(deviceChoice ? [`Chosen by auto: ${deviceChoice.reason}.`] : []),
    ...(memoryPlan ? [memoryPlan.text] : []),
  ];
  if (facts.length === 0 && about.length === 0) return null;
  return (
    <details class="computing">
      <summary class="muted words">{facts.length > 0 ? facts.join(" · ") : "Backend and memory"}</summary>
      <ul class="words">
        {about.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
    </details>
  );
}

function State({ progress }: { progress: ShownProgress }) {
  const { word, icon } = stateWords[progress.state];
  return (
    <span class={`state ${progress.state}`}>
      <span class={`codicon codicon-${icon}`} aria-hidden="true" />
      {word}
    </span>
  );
}

function Actions({ progress, ask }: { progress: ShownProgress; ask: (command: RunCommand) => void }) {
  const { state, hasReport, stopping } = progress;
  const isStopping = stopping !== null && !stopping.keepBest;
  return (
    <>
      {state === "running" && (
        <>
          <vscode-button appearance="secondary" disabled={isStopping} onClick={() => ask("stop")}>
            {isStopping ? "Stopping…" : "Stop"}
          </vscode-button>
          <vscode-button
            appearance="secondary"
            disabled={stopping !== null}
            onClick={() => ask("stopAndKeepBest")}
          >
            {stopping?.keepBest ? "Keeping best…" : "Stop and keep best"}
          </vscode-button>
        </>
      )}
      {(state === "stopped" || state === "failed" || state === "interrupted") && (
        <vscode-button onClick={() => ask("resume")}>Resume</vscode-button>
      )}
      {(state === "finished" || state === "stopped" || state === "failed" || state === "interrupted") && (
        <vscode-button appearance="secondary" onClick={() => ask("runAgain")}>
          Run recipe again…
        </vscode-button>
      )}
      {hasReport && <vscode-button onClick={() => ask("openReport")}>Open report</vscode-button>}
    </>
  );
}

function Progress({
  progress: { state, step, totalSteps, etaSeconds, activity, stopping },
}: {
  progress: ShownProgress;
}) {
  if (state === "gone") {
    return (
      <p class="note">
        The folder of this run was deleted or moved. What was read from it is shown until the page is closed.
      </p>
    );
  }
  const active = state === "running" || state === "starting";
  const done = activity && active ? activity.done : step;
  const total = activity && active ? activity.total : totalSteps;
  const words = [
    activity && active
      ? `${activityWords(activity)}: ${count(done)} of ${count(activity.total)}`
      : `Step ${count(step)}${totalSteps === null ? "" : ` of ${count(totalSteps)}`}`,
    ...(active && etaSeconds !== null && !stopping ? [`about ${duration(etaSeconds)} left`] : []),
  ];
  return (
    <div class="progress">
      {total !== null && (
        <progress
          aria-label="Progress"
          max={Math.max(1, total)}
          value={done}
          class={active ? "active" : ""}
        />
      )}
      <span class="muted">{words.join(" · ")}</span>
      {stopping && (
        <strong class="stopping">
          <span class="codicon codicon-debug-pause" aria-hidden="true" /> {stopping.words}
        </strong>
      )}
    </div>
  );
}

/** The figures of the last probe, with the numbers of prompts behind them. */
function Headline({ run: { series, progress } }: { run: PageRun }) {
  const last = series.probes.at(-1);
  if (!last) {
    return progress?.state === "running" || progress?.state === "starting" ? (
      <p class="measuring muted">
        <span class="codicon codicon-pulse" aria-hidden="true" /> Measuring the untrained model…
      </p>
    ) : null;
  }
  return (
    <dl class="run-headline">
      {panelNames.map((panel) => (
        <div key={panel} class={panel}>
          <dt>{panelWords[panel]}</dt>
          <dd>
            <strong>{figure(last[panel]?.value)}</strong>
            <small>
              {last[panel] && `${interval(last[panel])}, `}n = {series.promptsIn(panel)}
            </small>
          </dd>
        </div>
      ))}
      <div>
        <dt>gap</dt>
        <dd>
          <strong>{figure(last.gap)}</strong>
          <small>toxic − seemingly toxic</small>
        </dd>
      </div>
      {tooFewProbes(series.comovement.length) === null && (
        <div>
          <dt>spill-over slope</dt>
          <dd>
            <strong>{figure(last.spillOver)}</strong>
            <small>{series.probes.length} probes</small>
          </dd>
        </div>
      )}
    </dl>
  );
}

function Notes({ run: { series, progress } }: { run: PageRun }) {
  return (
    <>
      {progress?.problem && (
        <p class="note error words" role="alert">
          <span class="codicon codicon-error" aria-hidden="true" /> {progress.problem}
        </p>
      )}
      {series.warnings.length > 0 && (
        <details class="note">
          <summary>
            <span class="codicon codicon-warning" aria-hidden="true" />{" "}
            {counted(series.warnings.length, "warning")}
          </summary>
          <ul>
            {series.warnings.map((warning) => (
              <li key={warning} class="words">
                {warning}
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}
