import { useEffect, useLayoutEffect, useMemo, useReducer, useState } from "preact/hooks";
import { FrameQueue } from "../ui/frameQueue.ts";
import { usePageKeys } from "../ui/pageKeys.ts";
import { onThemeChange } from "../ui/theme.ts";
import type { ChartFrame } from "./chartCard.tsx";
import { Charts } from "./charts.tsx";
import { Controls } from "./controls.tsx";
import { keys } from "./keys.ts";
import { LaboratorySection } from "./laboratorySection.tsx";
import type { DashboardPage } from "./pageModel.ts";
import { themePalette } from "./palette.ts";
import { byMethod } from "./plots/methodLines.ts";
import { wholeSteps } from "./plots/plotView.ts";
import { PromptsSection } from "./promptsSection.tsx";
import { RunHead } from "./runHead.tsx";

/** The dashboard of one or more runs. */
export function App({ page }: { page: DashboardPage }) {
  usePage(page);
  const frame = useFrame(page);
  const { runs } = page;
  const { looking } = page;
  const probed = runs.some(({ series }) => series.probes.length > 0);
  const add = () => page.ask({ type: "add-run" });
  const isSmall = useSmallRoom();
  // Several heads, or one in little room, would leave no chart on the first screen.
  const folded = page.kept.folded ?? (probed && (isSmall || runs.length > 1));
  usePageKeys(keys, () => page.veil(!page.blur));
  return (
    <>
      <h1 class="visually-hidden">Dashboard</h1>
      <p class="visually-hidden" role="status">
        {page.announced}
      </p>
      {page.told && runs.length === 0 && (
        <div class="empty">
          <p>
            {page.kept.follows.length === 0
              ? "No run is shown."
              : "No run of the experiment is shown. Those that begin are added."}
          </p>
          <vscode-button onClick={add}>Choose a run…</vscode-button>
        </div>
      )}
      <div class="runs">
        {runs.map((run) => (
          <RunHead
            key={run.id}
            run={run}
            several={runs.length > 1}
            folded={folded}
            fold={() => page.fold(!folded)}
            ask={(command) => page.ask({ type: "command", run: run.id, command })}
            remove={() => page.ask({ type: "remove-run", run: run.id })}
          />
        ))}
      </div>
      {probed && (
        <>
          <Controls
            smoothing={page.kept.smoothing}
            smooth={(weight) => page.smooth(weight)}
            steps={page.steps}
            whole={wholeSteps(runs)}
            look={(steps) => page.look(steps)}
            seeds={byMethod(runs).length < runs.length ? page.kept.seeds : null}
            showSeeds={(seeds) => page.showSeeds(seeds)}
            add={add}
          />
          <Charts page={page} frame={frame} looking={looking} />
          <h2>Monitored prompts</h2>
          <PromptsSection page={page} frame={frame} looking={looking} />
        </>
      )}
      {runs.length > 0 && <LaboratorySection page={page} />}
    </>
  );
}

/** Whether the page has little room, in width or, as at 200 % zoom, in height. */
const smallRoom = "(max-width: 1100px), (max-height: 760px)";

function useSmallRoom(): boolean {
  const query = useMemo(() => globalThis.matchMedia?.(smallRoom) ?? null, []);
  const [isSmall, setSmall] = useState(query?.matches ?? false);
  useEffect(() => {
    const look = () => setSmall(query?.matches ?? false);
    query?.addEventListener("change", look);
    return () => query?.removeEventListener("change", look);
  }, [query]);
  return isSmall;
}

/** Milliseconds that news of the host is gathered before the page is drawn again. */
const gatherMs = 250;

/** Draws the page again after changes: at once after the person's own, a few times a second while runs go on. */
function usePage(page: DashboardPage): void {
  const [, redraw] = useReducer((drawn: number) => drawn + 1, 0);
  // With the drawing itself: what the host tells before an effect runs would be drawn only with the next news.
  useLayoutEffect(() => {
    let gathering: ReturnType<typeof setTimeout> | undefined;
    const draw = () => {
      clearTimeout(gathering);
      gathering = undefined;
      redraw(undefined);
    };
    const end = page.onChange((told) => {
      if (told) gathering ??= setTimeout(draw, gatherMs);
      else draw();
    });
    return () => {
      end();
      clearTimeout(gathering);
    };
  }, [page]);
}

/** What all charts share; new when the theme or the hidden series change. */
function useFrame(page: DashboardPage): ChartFrame {
  const [palette, setPalette] = useState(themePalette);
  useEffect(() => onThemeChange(() => setPalette(themePalette())), []);
  const frames = useMemo(() => new FrameQueue(), []);
  const { hidden } = page.kept;
  return useMemo(
    () => ({
      palette,
      frames,
      hidden: new Set(hidden),
      toggle: (series) => page.toggle(series),
      save: (name, format, content) => page.ask({ type: "save", name, format, content }),
    }),
    [palette, frames, hidden, page],
  );
}
