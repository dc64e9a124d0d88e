import type { RefObject } from "preact";
import { labelOfByte, unpackLabel } from "../../protocol/webview/labelBytes.ts";
import type { Beside, PromptDetail } from "../../protocol/webview/labelling.ts";
import { count, percent } from "../../wording/numbers.ts";
import { LabelChip, stateNames } from "../ui/labelChip.tsx";
import { Veil } from "../ui/veil.tsx";
import { KeyCap } from "./keyCap.tsx";
import { ModelOpinion } from "./modelOpinion.tsx";
import type { LabellingPage } from "./pageModel.ts";
import { stateOfChoice } from "./words.ts";

/** One prompt, large, beside its counterpart in a matched pair or the nearest prompt of the opposite label. */
export function Stage({ page, focusRef }: { page: LabellingPage; focusRef: RefObject<HTMLElement | null> }) {
  const { detail, place } = page;
  return (
    <section
      class="stage"
      ref={focusRef}
      tabIndex={-1}
      data-work
      aria-label="Prompt to label"
      aria-busy={detail === undefined}
    >
      {detail && place !== undefined ? (
        <>
          <article class="prompt" aria-label="Prompt">
            <Facts page={page} detail={detail} place={place} />
            <Veil key={detail.place} class="words-large" words={detail.prompt} revealed={page.revealed} />
            {detail.reason !== undefined && (
              <p class="reason">
                <span class="codicon codicon-list-ordered" aria-hidden="true" /> {detail.reason}
              </p>
            )}
            <Standing page={page} detail={detail} place={place} />
          </article>
          {detail.beside && <BesideCard page={page} beside={detail.beside} />}
        </>
      ) : (
        <p class="muted waiting">Reading the prompt…</p>
      )}
    </section>
  );
}

function Facts({ page, detail, place }: { page: LabellingPage; detail: PromptDetail; place: number }) {
  return (
    <p class="facts">
      <LabelChip state={page.stateAt(place)} />
      {detail.kind !== undefined && <span class="fact">{detail.kind}</span>}
      {detail.split !== undefined && <span class="fact">{detail.split}</span>}
      {!page.file?.blind && (
        <button type="button" class="link" onClick={() => page.send({ type: "reveal", place })}>
          Line {count(detail.line)}
        </button>
      )}
    </p>
  );
}

/** Who gave the label, what the file says, where people differ, and what the model did. */
function Standing({ page, detail, place }: { page: LabellingPage; detail: PromptDetail; place: number }) {
  const { decision, fileLabel, opinions, run } = detail;
  const { disputed } = unpackLabel(page.board.at(place));
  return (
    <div class="standing">
      {decision && (
        <p>
          <span class="codicon codicon-account" aria-hidden="true" />{" "}
          {stateNames[stateOfChoice(decision.label)]}, by {decision.by}, {timeOf(decision.at)}
        </p>
      )}
      {fileLabel !== undefined && (
        <p class="muted">
          <span class="codicon codicon-file" aria-hidden="true" /> The file says{" "}
          {stateNames[fileLabel].toLowerCase()}
        </p>
      )}
      {disputed && opinions.length > 0 && (
        <p class="disputed">
          <span class="codicon codicon-comment-unresolved" aria-hidden="true" /> Disputed:{" "}
          {opinions.map(({ by, label }) => `${by} says ${stateNames[label].toLowerCase()}`).join("; ")}
        </p>
      )}
      {run && <ModelOpinion run={run} />}
    </div>
  );
}

function BesideCard({ page, beside }: { page: LabellingPage; beside: Beside }) {
  const own = page.place === undefined ? undefined : labelOfByte(page.board.at(page.place));
  const nearest = own === undefined ? "Nearest labelled prompt" : "Nearest prompt of the opposite label";
  const names = {
    twin: "Counterpart in its matched pair",
    named: "Counterpart in its matched pair",
    proposed: "Proposed counterpart",
    nearest,
  };
  const why = names[beside.why];
  return (
    <aside class="beside" aria-label={why}>
      <p class="facts">
        <strong>{why}</strong>
        <LabelChip state={page.stateAt(beside.place)} />
        {beside.similarity !== undefined && <span class="fact">similarity {percent(beside.similarity)}</span>}
        <button type="button" class="link" onClick={() => page.send({ type: "reveal", place: beside.place })}>
          Line {count(beside.line)}
        </button>
      </p>
      <Veil key={beside.place} class="words-beside" words={beside.prompt} revealed={page.revealed} />
      {(beside.why === "proposed" || beside.why === "named") && (
        <button type="button" class="small" aria-keyshortcuts="P" onClick={() => page.pair()}>
          <span
            class={`codicon codicon-${beside.why === "proposed" ? "link" : "debug-disconnect"}`}
            aria-hidden="true"
          />
          {beside.why === "proposed" ? "Accept as a matched pair" : "Not a matched pair"}
          <KeyCap shown="P" />
        </button>
      )}
    </aside>
  );
}

function timeOf(at: string): string {
  return new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
