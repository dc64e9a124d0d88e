import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { RefusalVerdict } from "../../../protocol/report/verdicts.ts";
import type { Figures, ReportFromPage } from "../../../protocol/webview/report.ts";
import { keyAction } from "../../ui/pageKeys.ts";
import { verdictChoices } from "../../ui/verdictChoices.ts";
import { Words } from "../../ui/words.tsx";
import { keys } from "../keys.ts";
import { defaultPair, runTitle, styleOf } from "../runs.ts";
import { SafetyTag } from "../safety.tsx";
import { AnswerCard } from "./card.tsx";
import { type Filter, filtered, noFilter } from "./filter.ts";
import { Filters } from "./filters.tsx";
import { AnswerList } from "./list.tsx";
import type { Row } from "./rows.ts";

interface BrowserProps {
  readonly figures: Figures;
  readonly rows: readonly Row[];
  readonly filter: Filter;
  readonly onFilter: (filter: Filter) => void;
  /** Key of the row that is selected. */
  readonly selected: string | null;
  readonly onSelect: (key: string) => void;
  readonly blur: boolean;
  readonly onBlur: (blur: boolean) => void;
  /** Asks the host; null where answers can be read and not judged. */
  readonly post: ((message: ReportFromPage) => void) | null;
  /** Has a screen reader say something. */
  readonly announce: (words: string) => void;
}

/** Every prompt with the answers of two methods side by side, to be filtered, read, and, with a host, judged. */
export function AnswerBrowser(props: BrowserProps) {
  const { figures, rows, filter, onFilter, selected, onSelect, blur, onBlur, post, announce } = props;
  const search = useRef<HTMLInputElement>(null);
  const note = useRef<HTMLInputElement>(null);
  const detail = useRef<HTMLElement>(null);
  const [side, setSide] = useState<"left" | "right">("right");
  const shown = useMemo(() => filtered(rows, filter), [rows, filter]);
  // What was judged may no longer pass the filter: the next prompt then takes its place.
  const place = useRef(0);
  const found = shown.findIndex(({ key }) => key === selected);
  const index = found >= 0 ? found : Math.min(place.current, shown.length - 1);
  place.current = Math.max(0, index);
  const row = shown[index];
  const titles = figures.answers.map((_, i) => runTitle(figures, i));
  const runs = [...new Set([filter.left, filter.right])].filter((run) => row?.answers[run]);
  const active = runs.includes(filter[side]) ? filter[side] : runs[0];

  const waiting = useRef<{ key: string; run: number; verdict: RefusalVerdict | null } | null>(null);
  const judge = (run: number | undefined, verdict: RefusalVerdict | null) => {
    const answer = run === undefined ? undefined : row?.answers[run];
    if (!post || !row || run === undefined || !answer) return;
    if (verdict === null && answer.result.human === undefined) return;
    const words = note.current?.value.trim();
    waiting.current = { key: row.key, run, verdict };
    post({
      ...{ type: "judge", answers: run, suite: row.suite, id: row.id, verdict },
      ...(words ? { note: words } : {}),
    });
    if (note.current) note.current.value = "";
  };
  // A judgement is announced when the host has it on the disk, not when it was wished for.
  useEffect(() => {
    const wish = waiting.current;
    if (!wish) return;
    const answer = rows.find(({ key }) => key === wish.key)?.answers[wish.run];
    if ((answer?.result.human ?? null) !== wish.verdict) return;
    waiting.current = null;
    const said = verdictChoices.find(({ verdict }) => verdict === wish.verdict)?.title.toLowerCase();
    const whose = `the answer of ${runTitle(figures, wish.run)}`;
    announce(said ? `Judged ${whose} as ${said}, saved` : `Verdict on ${whose} removed`);
    // A key judges an answer also while its card is out of sight.
    detail.current?.querySelectorAll(".answer")[runs.indexOf(wish.run)]?.scrollIntoView({ block: "nearest" });
  }, [rows, announce, figures]);

  const keyed = (event: KeyboardEvent) => {
    const target = event.target as HTMLElement;
    const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(target.tagName);
    if (typing) {
      if (event.key === "Escape" || (event.key === "Enter" && target === note.current)) target.blur();
      return;
    }
    const move = (by: number) => {
      const next = shown[Math.min(shown.length - 1, Math.max(0, index + by))];
      if (next) onSelect(next.key);
    };
    const acts = {
      removeVerdict: () => judge(active, null),
      next: () => move(1),
      previous: () => move(-1),
      left: () => setSide("left"),
      right: () => setSide("right"),
      veil: () => onBlur(!blur),
      note: () => note.current?.focus(),
      reveal: () => row && post?.({ type: "openPrompt", id: row.id }),
      search: () => search.current?.focus(),
    };
    const action = keyAction(event, keys);
    if (action === undefined) return;
    event.preventDefault();
    if (action in acts) acts[action as keyof typeof acts]();
    else judge(active, action as RefusalVerdict);
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys work wherever the focus is within the browser.
    <div class="answers" onKeyDown={keyed}>
      <Filters
        {...{ filter, rows, search }}
        shown={shown.length}
        runs={titles}
        onChange={(change) => onFilter({ ...filter, ...change })}
        onReset={() => onFilter(noFilter(defaultPair(figures.answers)))}
      />
      <div class="answer-panes">
        <AnswerList
          rows={shown}
          selected={index}
          onSelect={(i) => onSelect(shown[i]!.key)}
          runs={runs}
          blur={blur}
        />
        {row === undefined ? (
          <p class="empty">No prompt matches these filters. Change or reset them.</p>
        ) : (
          <article ref={detail} class="answer-detail" aria-label="Selected prompt">
            <h2>
              <Words text={row.prompt} hidden={blur && row.unsafe} />
            </h2>
            <p class="facts-line">
              <SafetyTag unsafe={row.unsafe} />
              <span class="muted">{[row.suite, row.kind].filter(Boolean).join(" · ")}</span>
              {post && (
                <button
                  type="button"
                  class="link"
                  aria-keyshortcuts="O"
                  onClick={() => post({ type: "openPrompt", id: row.id })}
                >
                  <span class="codicon codicon-go-to-file" aria-hidden="true" /> Open in its file
                </button>
              )}
            </p>
            <div class="answer-cards">
              {runs.map((run) => (
                <AnswerCard
                  key={run}
                  run={titles[run]!}
                  style={styleOf(figures.methods, figures.answers[run]!.method)}
                  answer={row.answers[run]!}
                  unsafe={row.unsafe}
                  hidden={blur && row.unsafe}
                  active={run === active}
                  onActivate={() => setSide(run === filter.right ? "right" : "left")}
                  judges={figures.judges}
                  onJudge={post && ((verdict) => judge(run, verdict))}
                />
              ))}
            </div>
            {post && (
              <label class="field note">
                <span>
                  Note <span class="muted">saved with your next verdict</span>
                </span>
                <input ref={note} type="text" aria-keyshortcuts="N" placeholder="Why?" />
              </label>
            )}
            <p class="keys muted">
              {post && active !== undefined && (
                <>
                  <kbd>R</kbd> <kbd>P</kbd> <kbd>C</kbd> <kbd>D</kbd> judge the answer of {titles[active]} ·{" "}
                  <kbd>U</kbd> remove verdict · <kbd>←</kbd> <kbd>→</kbd> which answer · <kbd>N</kbd> note ·{" "}
                  <kbd>O</kbd> open in its file ·{" "}
                </>
              )}
              <kbd>J</kbd> <kbd>K</kbd> next, previous · <kbd>B</kbd> blur · <kbd>/</kbd> search
            </p>
          </article>
        )}
      </div>
    </div>
  );
}
