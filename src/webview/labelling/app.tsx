import { useLayoutEffect, useReducer, useRef } from "preact/hooks";
import { counted } from "../../wording/numbers.ts";
import { Empty } from "../ui/empty.tsx";
import { doLabelAction, isLabelAction } from "../ui/labelKeys.ts";
import { usePageKeys } from "../ui/pageKeys.ts";
import { Agreement } from "./agreement.tsx";
import { Grid } from "./grid.tsx";
import { Guidelines } from "./guidelines.tsx";
import { Header } from "./header.tsx";
import { type Action, keys } from "./keys.ts";
import { LabelKeys } from "./labelKeys.tsx";
import { ListBar } from "./listBar.tsx";
import { Note } from "./note.tsx";
import type { LabellingPage } from "./pageModel.ts";
import { Stage } from "./stage.tsx";
import { Steps } from "./steps.tsx";

/** The labelling page. */
export function App({ page }: { page: LabellingPage }) {
  const [, redraw] = useReducer((drawn: number) => drawn + 1, 0);
  // With the drawing itself: what the host tells before an effect runs would be drawn only with the next news.
  useLayoutEffect(() => page.subscribe(() => redraw(undefined)), [page]);
  const work = useRef<HTMLElement>(null);
  const act = (action: Action) => doAction(page, action, () => work.current?.focus());
  usePageKeys(keys, (action) => {
    // The words of one prompt are selected as any text is.
    if (!page.file || (action === "selectAll" && page.mode !== "grid")) return false;
    return act(action);
  });

  if (!page.file) {
    return page.unreadable === null ? (
      <p class="empty">Reading prompts…</p>
    ) : (
      <Empty title="This file cannot be shown" words={page.unreadable}>
        <vscode-button onClick={() => page.send({ type: "chooseFile" })}>Choose another file</vscode-button>
      </Empty>
    );
  }
  const empty = page.places?.length === 0;
  if (page.mode === "agreement") {
    return (
      <div class="labelling mode-agreement">
        <Header page={page} act={act} />
        <Steps act={act} />
        <Agreement page={page} focusRef={work} />
      </div>
    );
  }
  return (
    <div class={`labelling mode-${page.mode}`}>
      <Header page={page} act={act} />
      <Steps act={act} />
      <ListBar page={page} act={act} />
      {page.error !== null && (
        <div class="error" role="alert">
          <span class="codicon codicon-error" aria-hidden="true" />
          <span class="words">{page.error}</span>
          <button type="button" class="icon" aria-label="Dismiss" onClick={() => page.dismissError()}>
            <span class="codicon codicon-close" aria-hidden="true" />
          </button>
        </div>
      )}
      {empty ? (
        <EmptyList page={page} />
      ) : (
        <>
          {page.mode === "grid" ? (
            <Grid page={page} focusRef={work} />
          ) : (
            <Stage page={page} focusRef={work} />
          )}
          <LabelKeys page={page} act={act} />
          {page.mode === "one" && <Note page={page} leave={() => work.current?.focus()} />}
        </>
      )}
      <Guidelines page={page} />
      <div class="visually-hidden" role="status" aria-live="polite">
        <span key={page.said.number}>{page.said.words}</span>
      </div>
    </div>
  );
}

/** Does what a key or its button says; `focusWork` brings the keys back to the prompt or the grid. */
function doAction(page: LabellingPage, action: Action, focusWork: () => void): void {
  if (isLabelAction(action)) doLabelAction(page, action, focusWork);
  else if (action === "next") page.move(1);
  else if (action === "note") document.querySelector<HTMLElement>("#note")?.focus();
  else if (action === "pair") page.pair();
  else if (action !== "agreement" || !page.file?.blind) {
    page.setMode(page.mode === action ? "one" : action);
    // What takes the keys then is drawn only now.
    setTimeout(focusWork);
  }
}

function EmptyList({ page }: { page: LabellingPage }) {
  const { total, labelled } = page.board.counts;
  if (total === 0) {
    return (
      <Empty title="No prompts in this file" words="The file was read and contains no prompt to label.">
        <vscode-button onClick={() => page.send({ type: "chooseFile" })}>Choose another file</vscode-button>
      </Empty>
    );
  }
  const showAll = (
    <vscode-button onClick={() => page.ask({ text: "", label: "all", differ: undefined })}>
      Show all prompts
    </vscode-button>
  );
  if (page.query.differ) {
    return (
      <Empty title="No disagreement left" words="These labels say the same of every prompt." done>
        {showAll}
      </Empty>
    );
  }
  if (page.query.label === "unlabelled" && page.query.text === "" && labelled === total) {
    return (
      <Empty title="All labelled" words={`All ${counted(total, "prompt")} have a label.`} done>
        {showAll}
      </Empty>
    );
  }
  return (
    <Empty title="No prompt matches" words="No prompt contains these words and has this label.">
      {showAll}
    </Empty>
  );
}
