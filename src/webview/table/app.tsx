import { useEffect, useLayoutEffect, useReducer, useRef } from "preact/hooks";
import { counted } from "../../wording/numbers.ts";
import { Empty } from "../ui/empty.tsx";
import { doLabelAction, isLabelAction } from "../ui/labelKeys.ts";
import { usePageKeys } from "../ui/pageKeys.ts";
import { Bar, Methods } from "./bar.tsx";
import { Details } from "./details.tsx";
import { Grid } from "./grid.tsx";
import { type Action, keys } from "./keys.ts";
import type { TablePage } from "./pageModel.ts";
import { wholeFile } from "./view.ts";

/** The prompt table. */
export function App({ page }: { page: TablePage }) {
  const [, redraw] = useReducer((drawn: number) => drawn + 1, 0);
  // With the drawing itself: what the host tells before an effect runs would be drawn only with the next news.
  useLayoutEffect(() => page.subscribe(() => redraw(undefined)), [page]);
  const work = useRef<HTMLElement>(null);
  const focusGrid = () => work.current?.focus();
  usePageKeys(keys, (action) => page.file !== null && doAction(page, action, focusGrid));
  const listed = page.places !== null && page.places.length > 0;
  useEffect(() => {
    if (listed && document.activeElement === document.body) focusGrid();
  }, [listed]);

  if (page.unreadable) return <Unreadable page={page} />;
  if (!page.file) return <p class="empty">Reading prompts…</p>;
  if (page.file.labels.length === 0) {
    const { problems } = page.file;
    const skipped = problems > 0 ? ` ${counted(problems, "row")} could not be used; Problems says why.` : "";
    return (
      <Empty title="No prompts in this file" words={`The file was read and contains no prompt.${skipped}`}>
        <Do page={page} what={problems > 0 ? "showProblems" : "openAsText"}>
          {problems > 0 ? "Show Problems" : "Open as Text"}
        </Do>
      </Empty>
    );
  }
  return (
    <div class="prompt-table">
      <Bar page={page} focusGrid={focusGrid} />
      <Methods page={page} />
      {page.error !== null && (
        <div class="notice error" role="alert">
          <span class="codicon codicon-error" aria-hidden="true" />
          <span class="words">{page.error}</span>
          <button type="button" class="link" onClick={() => page.dismissError()}>
            Dismiss
          </button>
        </div>
      )}
      <div class={page.detailOpen ? "panes with-details" : "panes"}>
        {page.places?.length === 0 ? (
          <Empty title="No prompt matches" words="No prompt of this file passes these filters.">
            <vscode-button onClick={() => page.ask(wholeFile)}>Show all prompts</vscode-button>
          </Empty>
        ) : (
          <Grid page={page} focusRef={work} />
        )}
        {page.detailOpen && listed && <Details page={page} leave={focusGrid} />}
      </div>
      <div class="visually-hidden" role="status" aria-live="polite">
        <span key={page.said.number}>{page.said.words}</span>
      </div>
    </div>
  );
}

/**
 * Does what a key says; `focusGrid` brings the keys back to the rows.
 *
 * @returns false where it is nothing at the moment
 */
function doAction(page: TablePage, action: Action, focusGrid: () => void): unknown {
  if (isLabelAction(action)) return doLabelAction(page, action, focusGrid);
  switch (action) {
    case "pairs":
      return page.file?.paired ? page.ask({ pairs: !page.view.pairs }) : false;
    case "reveal":
      return page.reveal();
    case "close":
      page.toggleDetail(false);
      return focusGrid();
    default:
      return page.judgeActive(action === "removeVerdict" ? null : action);
  }
}

function Unreadable({ page }: { page: TablePage }) {
  const { message, why, hasText } = page.unreadable!;
  return (
    <Empty title="This file cannot be shown as a table" words={message}>
      {why === "column" && (
        <Do page={page} what="chooseColumn">
          Choose Columns…
        </Do>
      )}
      {why === "large" && (
        <Do page={page} what="readLargeFile">
          Read Large File
        </Do>
      )}
      {hasText && (
        <Do page={page} what="openAsText">
          Open as Text
        </Do>
      )}
    </Empty>
  );
}

function Do(props: { page: TablePage; what: Parameters<TablePage["do"]>[0]; children: string }) {
  return <vscode-button onClick={() => props.page.do(props.what)}>{props.children}</vscode-button>;
}
