import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { aboutWords, type ReportAbout, reportTitle } from "../../protocol/report/head.ts";
import { reportPlace } from "../../protocol/report/methods.ts";
import { resamplingSentence } from "../../protocol/report/resampling.ts";
import { refusalJudge } from "../../protocol/report/verdicts.ts";
import { POOLED } from "../../protocol/suite.ts";
import type {
  Figures as ReportFigures,
  ReportFromPage,
  WantedAnswers,
} from "../../protocol/webview/report.ts";
import { Damaged } from "../ui/damaged.tsx";
import { HelpButton } from "../ui/help.tsx";
import { Tabs } from "../ui/tabs.tsx";
import { humanAgreement } from "./agreement.ts";
import { AnswerBrowser } from "./answers/browser.tsx";
import { type Filter, noFilter } from "./answers/filter.ts";
import { type Row, rowsOf } from "./answers/rows.ts";
import { Figures } from "./figures.tsx";
import { FiguresNotice } from "./notices.tsx";
import { defaultPair, runIndex } from "./runs.ts";
import type { PageState } from "./state.ts";

/** What the page keeps for when it is shown again. */
export interface Kept {
  readonly tab: "figures" | "answers";
  readonly filter: Filter | null;
  readonly selected: string | null;
}

interface AppProps {
  readonly state: PageState;
  /** Asks the host; null where there is none, in a report that is a file. */
  readonly post: ((message: ReportFromPage) => void) | null;
  readonly kept?: Kept | undefined;
  readonly keep?: (kept: Kept) => void;
}

/** The report: its figures, and its answers. */
export function App({ state, post, kept, keep }: AppProps) {
  const [view, setView] = useState<Kept>(kept ?? { tab: "figures", filter: null, selected: null });
  const [blur, setBlur] = useState(state.blur);
  const [said, announce] = useAnnouncer();
  useEffect(() => setBlur(state.blur), [state.blur]);
  useEffect(() => keep?.(view), [view, keep]);
  const change = useCallback((part: Partial<Kept>) => setView((old) => ({ ...old, ...part })), []);

  const { report, judged, wanted } = state;
  const judge = refusalJudge(report?.figures.judges ?? []);
  const rows = useMemo(
    () => (report ? rowsOf(report.answers, judged, judge) : []),
    [report?.answers, judged, judge],
  );
  const agreement = useMemo(() => humanAgreement(rows), [rows]);
  // What is asked for is shown whatever filters say, once for each time of asking.
  const shown = useRef<object | null>(null);
  useEffect(() => {
    if (wanted === null || report === null || shown.current === wanted) return;
    const found = answersWanted(wanted, report.figures, rows);
    if (found === undefined) return;
    shown.current = wanted;
    change({ tab: "answers", ...found });
  }, [wanted, report, rows, change]);

  if (state.damaged !== null) return <Damaged what="report" message={state.damaged} post={post} />;
  if (report === null) return <p class="empty">Reading the report…</p>;
  const { figures } = report;
  const pair = defaultPair(figures.answers);
  const filter = fits(view.filter, figures.answers.length) ?? noFilter(pair);
  return (
    <>
      <header class="page-head">
        <div>
          <h1>{reportTitle(figures)}</h1>
          {figures.about && <About about={figures.about} />}
          <p class="muted">
            {[figures.model.name, reportPlace(figures)].filter(Boolean).join(" · ")} · evaluated{" "}
            {new Date(figures.created).toLocaleString()} · intervals at 95 %
          </p>
          {figures.resampling && <p class="muted">{resamplingSentence(figures.resampling)}</p>}
        </div>
        <div class="toolbar">
          <label class="check">
            <input
              type="checkbox"
              checked={blur}
              onChange={({ currentTarget }) => setBlur(currentTarget.checked)}
            />
            Blur unsafe prompts
          </label>
          {post && (
            <>
              <button type="button" class="button" onClick={() => post({ type: "compareEarlier" })}>
                Compare with Earlier…
              </button>
              <button type="button" class="button" onClick={() => post({ type: "copyLatex" })}>
                Copy LaTeX Table
              </button>
              <button type="button" class="button" onClick={() => post({ type: "export" })}>
                Export…
              </button>
            </>
          )}
          <HelpButton />
        </div>
      </header>
      <FiguresNotice state={state.figures} onRetry={() => post?.({ type: "recompute" })} />
      <p class="visually-hidden" role="status" aria-live="polite">
        {said}
      </p>
      <Tabs
        label="Parts of the report"
        chosen={view.tab}
        onChoose={(tab) => change({ tab })}
        tabs={[
          {
            id: "figures",
            title: "Figures",
            content: () => (
              <Figures
                {...{ figures, rows, agreement, blur }}
                broken={state.broken}
                earlier={state.earlier}
                earlierAsked={state.earlierAsked}
                results={state.results}
                onLaboratory={post && ((ask) => post({ type: "laboratory", ask }))}
                onBrowse={(part) =>
                  change({ tab: "answers", filter: { ...noFilter(pair), ...part }, selected: null })
                }
              />
            ),
          },
          {
            id: "answers",
            title: "Answers",
            content: () => (
              <AnswerBrowser
                {...{ figures, rows, filter, blur, post, announce }}
                selected={view.selected}
                onFilter={(next) => change({ filter: next })}
                onSelect={(selected) => change({ selected })}
                onBlur={setBlur}
              />
            ),
          },
        ]}
      />
    </>
  );
}

/** What people say about the run: beside its display name the folder that it is in, its tags, and its notes, of which the first line stands there. */
function About({ about }: { about: ReportAbout }) {
  const [first, ...rest] = (about.notes ?? "").split(/\r?\n/);
  const more = rest.join("\n").trim();
  return (
    <div class="remarks">
      <p>{aboutWords(about)}</p>
      {first !== "" &&
        (more === "" ? (
          <p>{first}</p>
        ) : (
          <details>
            <summary>{first}</summary>
            <p class="notes-text">{more}</p>
          </details>
        ))}
    </div>
  );
}

/** What shows wanted answers; undefined where the report has none of them. */
function answersWanted(
  wanted: WantedAnswers,
  { answers, methods }: ReportFigures,
  rows: readonly Row[],
): Pick<Kept, "filter" | "selected"> | undefined {
  if ("id" in wanted) {
    const row = rows.find(({ id }) => id === wanted.id);
    return row && { filter: null, selected: row.key };
  }
  const method = methods.find(({ id, name }) => name === wanted.method || id === wanted.method)?.id;
  const right = method === undefined ? answers.length - 1 : runIndex(answers, method, wanted.seed ?? null);
  if (right < 0) return undefined;
  const suite = wanted.suite === POOLED ? "" : wanted.suite;
  return { filter: { ...noFilter(defaultPair(answers, right)), suite }, selected: null };
}

/** A filter that was kept, unless the report has lost a run since. */
function fits(filter: Filter | null, runs: number): Filter | null {
  return filter && filter.left < runs && filter.right < runs ? filter : null;
}

/** Words for a screen reader. The same words twice are two announcements, told apart by an invisible space. */
function useAnnouncer(): [string, (words: string) => void] {
  const [said, setSaid] = useState("");
  const announce = useCallback(
    (words: string) => setSaid((before) => (before === words ? `${words}\u00a0` : words)),
    [],
  );
  return [said, announce];
}
