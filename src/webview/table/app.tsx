import { useEffect, useReducer, useRef } from "preact/hooks";
import { counted } from "../../wording/numbers.ts";
import { Empty } from "../ui/empty.tsx";
import { KeysHelp } from "../ui/keysHelp.tsx";
import { verdictChoices } from "../ui/verdictChoices.ts";
import { Bar, Methods } from "./bar.tsx";
import { Details } from "./details.tsx";
import { Grid } from "./grid.tsx";
import { type Action, actionOf, toldKeys } from "./keys.ts";
import { type TablePage, wholeFile } from "./pageModel.ts";

/** The prompt table. */
export function App({ page }: { page: TablePage }) {
  const [, redraw] = useReducer((drawn: number) => drawn + 1, 0);
  useEffect(() => page.subscribe(() => redraw(undefined)), [page]);
  const work = useRef<HTMLElement>(null);
  const focusGrid = () => work.current?.focus();
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || !page.file) return;
      const action = actionOf(event);
      if (action === undefined && !judgeKey(page, event)) return;
      event.preventDefault();
      // The editor would select the whole page besides, which takes the focus from the grid.
      if (action === "selectAll") event.stopPropagation();
      if (action !== undefined) doAction(page, action, focusGrid);
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  });
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
      {page.keysShown && <KeysHelp keys={toldKeys} close={() => doAction(page, "keys", focusGrid)} />}
      <div class="visually-hidden" role="status" aria-live="polite">
        <span key={page.said.number}>{page.said.words}</span>
      </div>
    </div>
  );
}

/** Judges the active answer where its key is pressed and the details are open. */
function judgeKey(page: TablePage, event: KeyboardEvent): boolean {
  const { detail, methods } = page;
  const target = event.target instanceof Element ? event.target : document.body;
  const typing = target.closest("input, select, textarea") !== null;
  if (!page.detailOpen || typing || event.ctrlKey || event.metaKey || event.altKey) return false;
  if (!detail || detail.place !== page.place || !methods || methods.length === 0) return false;
  const column = page.activeAnswer ?? ((methods.length - 1) as 0 | 1);
  const key = event.key.toUpperCase();
  const choice = verdictChoices.find((each) => each.key === key);
  if ((!choice && key !== "U") || !detail.answers[column]) return false;
  page.judge(column, choice?.verdict ?? null);
  return true;
}

/** Does what a key or its button says; `focusGrid` brings the keys back to the rows. */
function doAction(page: TablePage, action: Action, focusGrid: () => void): void {
  switch (action) {
    case "toxic":
    case "seemingly_toxic":
    case "general":
    case "skip":
      page.choose(action);
      break;
    case "previous":
      page.select(page.selection.focus - 1, "alone");
      break;
    case "undo":
    case "redo":
      page.send({ type: action });
      break;
    case "veil":
      page.toggle("revealed");
      break;
    case "pairs":
      if (page.file?.paired) page.ask({ pairs: !page.view.pairs });
      break;
    case "reveal":
      page.reveal();
      break;
    case "selectAll":
      page.selectAll();
      break;
    case "search":
      document.querySelector<HTMLElement>("#search")?.focus();
      break;
    case "close":
      page.toggleDetail(false);
      focusGrid();
      break;
    case "keys":
      page.toggle("keysShown");
      if (!page.keysShown) focusGrid();
      break;
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
