import { useMemo, useState } from "preact/hooks";
import { calibrationContract } from "../../protocol/probe/calibration.ts";
import {
  type PanelName,
  type PromptOrder,
  panelNames,
  promptOrders,
} from "../../protocol/webview/dashboard.ts";
import { count, counted, figure } from "../../wording/numbers.ts";
import { IconButton } from "../ui/iconButton.tsx";
import { styleCount } from "../ui/methodStyle.ts";
import { ChartCard, type ChartFrame } from "./chartCard.tsx";
import { panelWords } from "./model/words.ts";
import { type DashboardPage, hasRest } from "./pageModel.ts";
import type { Looking } from "./plots/plotView.ts";
import {
  mostSelected,
  orderWords,
  type PanelPrompt,
  panelPrompts,
  placeName,
  promptsPlot,
  sortedPrompts,
} from "./plots/prompts.ts";

/** Rows that are shown at most; the search narrows longer lists. */
const mostRows = 300;

/** The monitored prompts one by one: a list to search, select and open, and how refusal of each moved. */
export function PromptsSection({
  page,
  frame,
  looking,
}: {
  page: DashboardPage;
  frame: ChartFrame;
  looking: Looking;
}) {
  const [runId, chooseRun] = useState<string | null>(null);
  const [panel, choosePanel] = useState<PanelName | "all">("all");
  const [search, setSearch] = useState("");
  const run = page.runs.find(({ id }) => id === runId) ?? page.runs[0]!;
  const { series, prompts: texts } = run;
  // A series changes in place; its revision says when.
  const prompts = useMemo(() => panelPrompts(run, texts), [series, texts, series.probeRevision]);
  const words = search.trim().toLowerCase();
  const { blur } = page;
  const { order } = page.kept;
  const listed = useMemo(
    () =>
      sortedPrompts(prompts, order)
        .filter((prompt) => panel === "all" || prompt.panel === panel)
        .filter(({ text }) => text.toLowerCase().includes(words)),
    [prompts, panel, words, order],
  );
  const selected = page.kept.selected.flatMap((key) => prompts.find((prompt) => prompt.key === key) ?? []);
  const chosen = new Map(selected.map(({ key }, i) => [key, i]));
  // As above; the selection is part of what is kept.
  const view = useMemo(
    () => promptsPlot(run, listed, selected, looking, blur),
    [listed, blur, page.kept, looking.steps, series.probeRevision],
  );
  // Rows are many, and change with probes and the person's choices alone.
  const list = useMemo(
    () => (
      <ul aria-label="Prompts">
        {listed.slice(0, mostRows).map((prompt) => (
          <Row
            key={prompt.key}
            prompt={prompt}
            blur={blur}
            place={chosen.get(prompt.key)}
            toggle={() => page.select(prompt.key)}
            open={
              texts &&
              (() => page.ask({ type: "open-prompt", run: run.id, panel: prompt.panel, index: prompt.index }))
            }
          />
        ))}
      </ul>
    ),
    [listed, page.kept, texts, blur],
  );
  return (
    <div class="prompts">
      <section class="card list" aria-label="Monitored prompts">
        <div class="filters">
          <input
            type="search"
            placeholder="Search prompts"
            aria-label="Search prompts"
            value={search}
            onInput={({ currentTarget }) => setSearch(currentTarget.value)}
          />
          <select
            aria-label="Group"
            value={panel}
            onChange={({ currentTarget }) => choosePanel(currentTarget.value as PanelName | "all")}
          >
            <option value="all">all groups</option>
            {panelNames.map((name) => (
              <option key={name} value={name}>
                {panelWords[name]}
              </option>
            ))}
          </select>
          <select
            aria-label="Order"
            value={order}
            onChange={({ currentTarget }) => page.sort(currentTarget.value as PromptOrder)}
          >
            {promptOrders.map((name) => (
              <option key={name} value={name}>
                {orderWords[name]}
              </option>
            ))}
          </select>
          {page.runs.length > 1 && (
            <select
              aria-label="Run"
              value={run.id}
              onChange={({ currentTarget }) => chooseRun(currentTarget.value)}
            >
              {page.runs.map(({ id, label }) => (
                <option key={id} value={id}>
                  {label}
                </option>
              ))}
            </select>
          )}
          <IconButton
            icon={blur ? "eye-closed" : "eye"}
            name={blur ? "Show prompts (B)" : "Blur prompts (B)"}
            press={() => page.veil(!blur)}
          />
          <IconButton
            icon="clear-all"
            name="Select none"
            disabled={selected.length === 0}
            press={() => page.clearSelection()}
          />
          <IconButton
            icon="beaker"
            name="Sample answers at the ends of stages…"
            disabled={!hasRest(run)}
            press={() =>
              page.ask({
                type: "laboratory",
                run: run.id,
                ask: { type: "measure", probe: calibrationContract.id },
              })
            }
          />
        </div>
        {run.promptsProblem && (
          <p class="note words">The texts of the prompts cannot be shown. {run.promptsProblem}</p>
        )}
        <p class="muted count" role="status">
          {count(listed.length)} of {counted(prompts.length, "prompt")}; up to {mostSelected} can be selected
        </p>
        {list}
        {listed.length > mostRows && (
          <p class="muted">
            The first {mostRows} of {count(listed.length)}. Search to see others.
          </p>
        )}
      </section>
      <ChartCard view={view} frame={frame} shape="wide" onView={({ x }) => page.look(x)} />
    </div>
  );
}

function Row({
  prompt,
  blur,
  place,
  toggle,
  open,
}: {
  prompt: PanelPrompt;
  /** Whether its words are blurred until it is pointed at or has the focus. */
  blur: boolean;
  /** Its place among the selected; undefined when it is not. */
  place: number | undefined;
  toggle: () => void;
  /** Opens the line it stands in; null where that is not known. */
  open: (() => void) | null;
}) {
  const { text, panel, first, last } = prompt;
  const [near, setNear] = useState(false);
  const veiled = blur && !near;
  const name = veiled ? placeName(prompt) : text;
  const selected = place !== undefined;
  return (
    <li
      class={selected ? "selected" : ""}
      onMouseEnter={() => setNear(true)}
      onMouseLeave={() => setNear(false)}
      onFocusCapture={() => setNear(true)}
      onBlurCapture={() => setNear(false)}
    >
      <input
        type="checkbox"
        class={selected ? `method-${place % styleCount}` : ""}
        aria-label={`Highlight: ${name}`}
        checked={selected}
        onChange={toggle}
      />
      <span class={`dot ${panel}`} title={panelWords[panel]}>
        <span class="visually-hidden">{panelWords[panel]}</span>
        {panelLetters[panel]}
      </span>
      <span class="place muted">{prompt.index + 1}</span>
      {open ? (
        <button
          type="button"
          class={`text words${veiled ? " blurred" : ""}`}
          title="Open its line in the file"
          aria-label={name}
          onClick={open}
        >
          {text}
        </button>
      ) : (
        <span class={`text words${veiled ? " blurred" : ""}`} aria-hidden={veiled}>
          {text}
        </span>
      )}
      <span class="move">
        {figure(first)} → {figure(last)}
      </span>
    </li>
  );
}

/** A letter a panel, so that colour is not its only mark. */
const panelLetters: Record<PanelName, string> = { toxic: "T", seeminglyToxic: "S", general: "G" };
