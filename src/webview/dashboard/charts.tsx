import { useMemo, useState } from "preact/hooks";
import { tooFewProbes } from "../../statistics/comovement.ts";
import { greatestOf } from "../../statistics/extremes.ts";
import { OfferSampledRate } from "../laboratory/sampledRate.tsx";
import { IconButton } from "../ui/iconButton.tsx";
import { ChartCard, type ChartFrame } from "./chartCard.tsx";
import { Figures } from "./figures.tsx";
import { within, zoomed } from "./model/view.ts";
import { type DashboardPage, hasRest } from "./pageModel.ts";
import { comovementPlot, ProbeLines } from "./plots/comovement.ts";
import { panelMeasurePlots } from "./plots/panelMeasures.ts";
import { type Looking, wholeSteps } from "./plots/plotView.ts";
import { refusalPlots } from "./plots/refusal.ts";
import { type PlaneView, trailPlot, wholePlane } from "./plots/trail.ts";
import { trainingPlots } from "./plots/training.ts";

/** The charts of all runs on the page. Those of probes are made anew with a probe, those of training with each step. */
export function Charts({
  page,
  frame,
  looking,
}: {
  page: DashboardPage;
  frame: ChartFrame;
  looking: Looking;
}) {
  const { runs } = page;
  const [plane, lookAt] = useState<PlaneView>(null);
  const lines = useMemo(() => new ProbeLines(), []);
  const probed = runs
    .map(({ id, series }) => `${id} ${series.probeRevision} ${series.stages.length}`)
    .join("\n");
  const looks = [looking.steps, page.kept, probed];
  // Series change in place: `probed` says when, and `kept` how they are looked at.
  const refusal = useMemo(() => refusalPlots(runs, looking), looks);
  const trail = useMemo(() => trailPlot(runs, looking, plane), [...looks, plane]);
  const gap = useMemo(() => comovementPlot("gap", runs, looking, lines), looks);
  const enough = runs.filter(({ series }) => tooFewProbes(series.comovement.length) === null);
  const spillOver = useMemo(
    () => (enough.length > 0 ? comovementPlot("spillOver", enough, looking, lines) : null),
    looks,
  );
  const most = Math.max(0, greatestOf(runs.map(({ series }) => series.comovement.length)));
  const measures = useMemo(() => panelMeasurePlots(runs, looking), looks);
  const training = useMemo(() => trainingPlots(runs, looking, lines), [page.revision]);
  const steps = {
    frame,
    onView: ({ x }: { x: { min: number; max: number } }) => page.look(within(x, wholeSteps(runs))),
  };
  const onPlane = (view: NonNullable<PlaneView>) =>
    lookAt({ x: within(view.x, wholePlane.x), y: within(view.y, wholePlane.y) });
  const zoomPlane = (factor: number) => {
    const { x, y } = plane ?? wholePlane;
    lookAt({ x: zoomed(x, wholePlane.x, factor), y: zoomed(y, wholePlane.y, factor) });
  };
  const resting = runs.filter(hasRest).length;
  // Charts of probes stay as they are while only steps come.
  const probeCharts = useMemo(
    () => (
      <>
        <div class={runs.length > 1 ? "grid pairs" : "grid main"}>
          {refusal.map((view) => (
            <ChartCard key={view.key} view={view} shape={runs.length > 1 ? "small" : "wide"} {...steps}>
              {runs.length === 1 && (
                <OfferSampledRate
                  disabled={!hasRest(runs[0]!)}
                  ask={(ask) => page.ask({ type: "laboratory", run: runs[0]!.id, ask })}
                />
              )}
            </ChartCard>
          ))}
          <ChartCard
            view={trail}
            frame={frame}
            shape="square"
            onView={onPlane}
            tools={
              <>
                <IconButton icon="zoom-in" name="Zoom in: Trail" press={() => zoomPlane(1.5)} />
                <IconButton
                  icon="screen-normal"
                  name="Show the whole plane"
                  disabled={plane === null}
                  press={() => lookAt(null)}
                />
              </>
            }
          />
        </div>
        {runs.length > 1 && (
          <div class="toolbar">
            {runs.map((run) => (
              <OfferSampledRate
                key={run.id}
                run={run.label}
                disabled={!hasRest(run)}
                ask={(ask) => page.ask({ type: "laboratory", run: run.id, ask })}
              />
            ))}
          </div>
        )}
        <div class="grid halves">
          <ChartCard view={gap} shape="small" {...steps} />
          {spillOver ? (
            <ChartCard view={spillOver} shape="small" {...steps} />
          ) : (
            <section class="card waiting" aria-label="Spill-over slope">
              <h3>Spill-over slope</h3>
              <p class="muted">{tooFewProbes(most)}</p>
            </section>
          )}
        </div>
      </>
    ),
    [refusal, trail, gap, spillOver, most, frame, resting],
  );
  const measureCharts = useMemo(
    () =>
      measures.length > 0 && (
        <>
          <h2>Other measures of the monitored prompts</h2>
          <div class="grid halves">
            {measures.map((view) => (
              <ChartCard key={view.key} view={view} shape="small" {...steps} />
            ))}
          </div>
        </>
      ),
    [measures, frame],
  );
  return (
    <>
      <h2>Refusal and co-movement</h2>
      {probeCharts}
      <Figures runs={runs} />
      {measureCharts}
      {training.length > 0 && (
        <>
          <h2>Training</h2>
          <div class="grid thirds">
            {training.map((view) => (
              <ChartCard key={view.key} view={view} shape="small" {...steps} />
            ))}
          </div>
        </>
      )}
    </>
  );
}
