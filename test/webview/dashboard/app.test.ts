// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/preact";
import { render as draw, h } from "preact";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { shownEvent } from "../../../src/extension/dashboard/shownEvents.ts";
import type {
  DashboardFromPage,
  DashboardState,
  ShownEvent,
  ShownProgress,
} from "../../../src/protocol/webview/dashboard.ts";
import { App } from "../../../src/webview/dashboard/app.tsx";
import { DashboardPage } from "../../../src/webview/dashboard/pageModel.ts";
import type { PlotSpec } from "../../../src/webview/ui/plotSpec.ts";
import { exampleRefusal } from "../laboratory/results.ts";
import { syntheticRun } from "./syntheticRun.ts";

/** What the charts were told to draw last; jsdom has no canvas to draw on. */
const drawn = vi.hoisted(() => new Map<HTMLCanvasElement, unknown>());
vi.mock("../../../src/webview/ui/chart.ts", () => ({
  Plot: class {
    private readonly canvas: HTMLCanvasElement;
    constructor(canvas: HTMLCanvasElement) {
      this.canvas = canvas;
    }
    layOut(spec: unknown) {
      return () => drawn.set(this.canvas, spec);
    }
    destroy() {}
  },
  plotPng: () => "cGljdHVyZQ==",
  plotSvg: () => "<svg/>",
}));

const log = syntheticRun({ seed: 1, dcr: 30, stl: 40, every: 5, prompts: 3 })
  .map(shownEvent)
  .filter((event) => event !== null);

let page: DashboardPage;
let asked: DashboardFromPage[];
let kept: DashboardState | undefined;

beforeEach(() => {
  drawn.clear();
  asked = [];
  kept = undefined;
  page = new DashboardPage();
});
afterEach(cleanup);

function open(state?: DashboardState): void {
  page.connect({ post: (message) => asked.push(message), state, keep: (now) => (kept = now) });
  render(h(App, { page }));
}

function tell(
  run: string,
  events: readonly ShownEvent[],
  progress: Partial<ShownProgress> = {},
  reset = true,
): void {
  const whole: ShownProgress = {
    state: "running",
    step: 0,
    totalSteps: 70,
    etaSeconds: 120,
    activity: null,
    problem: null,
    hasReport: false,
    stopping: null,
    ...progress,
  };
  page.receive({ type: "events", run, reset, events, progress: whole });
}

function show(...runs: string[]): void {
  page.receive({
    type: "runs",
    runs: runs.map((id) => ({ id, label: id })),
    kept: { follows: [], removed: [] },
  });
}

const drawing = (name: string) => {
  const canvas = screen.getByRole("region", { name }).querySelector("canvas")!;
  return drawn.get(canvas) as PlotSpec | undefined;
};

test("what the host tells before anything else has run is shown", async () => {
  page.connect({ post: (message) => asked.push(message), state: undefined, keep: (now) => (kept = now) });
  const root = document.body.appendChild(document.createElement("div"));
  draw(h(App, { page }), root);
  page.receive({ type: "runs", runs: [], kept: { follows: [], removed: [] } });
  await waitFor(() => expect(root.textContent).toContain("No run is shown."));
  draw(null, root);
});

test("before the first probe the page says what is going on", async () => {
  open();
  show("a");
  tell("a", log.slice(0, 1));
  await screen.findByText(/Measuring the untrained model/);
  expect(screen.queryByText("Refusal probability")).toBeNull();
});

test("a run says where it is computed, how fast, what it takes, and why; an older log says the device alone", async () => {
  open();
  show("a", "b");
  const [begun, ...rest] = log as [Extract<ShownEvent, { type: "run-started" }>, ...ShownEvent[]];
  const gpu = { name: "torch", version: "2.11.0", deviceName: "NVIDIA H100" } as const;
  tell("a", [
    {
      ...begun,
      device: "cuda",
      backend: { ...gpu, dtype: "bfloat16", processes: 2 },
      deviceChoice: { backend: "torch", device: "cuda", reason: "it was the fastest" },
      memoryPlan: { mode: "keep", peakBytes: 3e9, text: "Weights stay in memory." },
    },
    {
      ...{ type: "telemetry", at: begun.at, seq: 1, stage: 0, step: 1 },
      ...{ tokensPerSecond: 51_200, processBytes: 2e9 },
      use: {
        ...{ bytes: 12.4e9, peakBytes: null, totalBytes: 80e9, utilisation: 0.93 },
        ...{ processBytes: null, processPeakBytes: null },
      },
    },
    ...rest,
  ]);
  tell("b", log, { state: "finished" });
  const run = within(await screen.findByRole("region", { name: "Run a" }));
  // The heads of several runs are folded, and unfolded by a button.
  expect(run.queryByText(/torch on cuda/)).toBeNull();
  fireEvent.click(run.getByRole("button", { name: "Show all of a" }));
  await run.findByText(/torch on cuda \(bfloat16, 2 processes\)/);
  run.getByText("51,200 tokens/s · memory 2.0 GB · GPU memory 12.4 GB of 80.0 GB · GPU 93 % busy");
  run.getByText("Backend: torch 2.11.0, bfloat16, 2 processes on NVIDIA H100.");
  run.getByText("Chosen by auto: it was the fastest.");
  run.getByText("Weights stay in memory.");
  const older = within(screen.getByRole("region", { name: "Run b" }));
  older.getByText(/onnx on cpu \(float32\)/);
  expect(older.queryByText("Backend and memory")).toBeNull();
});

test("the spill-over slope waits for 15 probes, in its card and in the head of the run", async () => {
  open();
  show("a");
  const probes = log.flatMap((event, i) => ("type" in event && event.type === "probe" ? [i] : []));
  const fifteenth = probes[14]!;
  tell("a", log.slice(0, fifteenth));
  await screen.findByText(/^Shown from 15 probes on; there are 14\./);
  expect(screen.getByRole("region", { name: "Spill-over slope" }).querySelector("canvas")).toBeNull();
  expect(screen.queryByText("spill-over slope")).toBeNull();
  tell("a", log.slice(fifteenth, fifteenth + 1), {}, false);
  await screen.findByText("spill-over slope");
  expect(screen.queryByText(/^Shown from 15 probes on/)).toBeNull();
  await waitFor(() => expect(drawing("Spill-over slope")).toBeDefined());
});

test("without a run it offers to choose one", async () => {
  open();
  show();
  fireEvent.click(await screen.findByText("Choose a run…"));
  expect(asked).toContainEqual({ type: "add-run" });
});

test("each chart has a summary in words and, when wanted, a table of its data", async () => {
  open();
  show("a");
  tell("a", log);
  const card = await screen.findByRole("region", { name: "Gap" });
  expect(within(card).getByRole("img", { name: /Gap over steps\. a: .* after 15 probes/ })).toBeTruthy();
  expect(within(card).queryByRole("table")).toBeNull();
  fireEvent.click(within(card).getByRole("button", { name: "Table: Gap" }));
  const table = await within(card).findByRole("table", { name: /Gap by probe\. Rows 1 to 15 of 15/ });
  expect(within(table).getAllByRole("row")).toHaveLength(16);
});

test("a further measure of the monitored prompts has a chart of its own, with its table, and others none", async () => {
  open();
  show("a");
  tell("a", log);
  await screen.findByText("Refusal probability");
  expect(screen.queryByText("Other measures of the monitored prompts")).toBeNull();
  const measure = { measure: "new", title: "A new measure (nats)", unit: "nats" } as const;
  const measured = syntheticRun({ seed: 1, dcr: 0, stl: 10, every: 5, prompts: 3, measure }).map(shownEvent);
  tell(
    "a",
    measured.filter((event) => event !== null),
  );
  const card = await screen.findByRole("region", { name: "A new measure (nats)" });
  await waitFor(() => expect(drawing("A new measure (nats)")?.series).toHaveLength(3));
  fireEvent.click(within(card).getByRole("button", { name: /^Table/ }));
  expect(
    within(card)
      .getAllByRole("columnheader")
      .map(({ textContent }) => textContent),
  ).toEqual([...["run", "step", "toxic", "seemingly toxic", "general"]]);
});

test("long tables are turned leaf by leaf", async () => {
  open();
  show("a");
  tell("a", log);
  const card = await screen.findByRole("region", { name: "Safety-tuning loss" });
  fireEvent.click(within(card).getByRole("button", { name: "Table: Safety-tuning loss" }));
  await within(card).findByRole("table", { name: /Rows 26 to 40 of 40/ });
  fireEvent.click(within(card).getByRole("button", { name: "Earlier rows" }));
  await within(card).findByRole("table", { name: /Rows 1 to 25 of 40/ });
});

test("what the person chose is kept, and there again after a reload", async () => {
  open({
    runs: ["a"],
    follows: [],
    removed: [],
    smoothing: 0.6,
    hidden: ["a general"],
    selected: ["toxic:1"],
    order: "panel",
    folded: null,
    seeds: "mean",
  });
  show("a");
  tell("a", log);
  await waitFor(() => expect(drawing("Refusal probability")?.series).toHaveLength(2));
  expect(drawing("Refusal probability")!.series[0]!.raw).toBeDefined();
  await waitFor(() => expect(drawing("Individual prompts")?.series).toHaveLength(1));
  fireEvent.click(screen.getByRole("button", { name: "seemingly toxic" }));
  fireEvent.input(screen.getByRole("slider"), { target: { value: "0" } });
  await waitFor(() => expect(drawing("Refusal probability")?.series).toHaveLength(1));
  expect(kept).toEqual({
    runs: ["a"],
    follows: [],
    removed: [],
    smoothing: 0,
    hidden: ["a general", "a seeminglyToxic"],
    selected: ["toxic:1"],
    order: "panel",
    folded: null,
    seeds: "mean",
  });
});

test("which experiment is followed is kept, and said while none of its runs is shown; names follow those that people give", async () => {
  open();
  const tellRuns = (...labels: string[]) =>
    page.receive({
      type: "runs",
      runs: labels.map((label) => ({ id: "a", label })),
      kept: { follows: ["e"], removed: ["b"] },
    });
  tellRuns();
  await screen.findByText(/No run of the experiment is shown. Those that begin are added./);
  expect(kept).toMatchObject({ runs: [], follows: ["e"], removed: ["b"] });
  tellRuns("stl-0");
  await screen.findByText("stl-0");
  tellRuns("Safety tuning alone");
  await screen.findByText("Safety tuning alone");
});

test("the buttons of the bar zoom all charts over steps", async () => {
  open();
  show("a");
  tell("a", log);
  await waitFor(() => expect(drawing("Gap")?.x).toMatchObject({ min: 0, max: 70 }));
  fireEvent.click(screen.getByRole("button", { name: "Zoom in" }));
  await waitFor(() => expect(drawing("Gap")!.x.min).toBeGreaterThan(0));
  await waitFor(() => expect(drawing("Separation")!.x).toEqual(drawing("Gap")!.x));
  fireEvent.click(screen.getByRole("button", { name: "Show all steps" }));
  await waitFor(() => expect(drawing("Gap")?.x).toMatchObject({ min: 0, max: 70 }));
});

test("a prompt is found by its words, and opened where it stands", async () => {
  open();
  show("a");
  tell("a", log);
  expect(asked).toContainEqual({ type: "prompts", run: "a" });
  const texts = (words: string) => [1, 2, 3].map((n) => ({ text: `${words} ${n}` }));
  page.receive({
    type: "prompts",
    run: "a",
    prompts: {
      toxic: texts("<b>rob</b>"),
      seeminglyToxic: texts("kill a process"),
      general: texts("boil an egg"),
    },
  });
  // Words are blurred, and hidden from a screen reader, as in the labelling panel.
  const blurred = await screen.findByRole("button", { name: "toxic 1" });
  expect(blurred.classList.contains("blurred")).toBe(true);
  fireEvent.mouseEnter(blurred.closest("li")!);
  await screen.findByRole("button", { name: "<b>rob</b> 1" });
  fireEvent.mouseLeave(blurred.closest("li")!);
  fireEvent.keyDown(document.body, { key: "b" });
  await screen.findByRole("button", { name: "<b>rob</b> 1" });
  fireEvent.input(screen.getByRole("searchbox"), { target: { value: "PROCESS 2" } });
  await waitFor(() => expect(screen.queryByRole("button", { name: "<b>rob</b> 1" })).toBeNull());
  fireEvent.click(screen.getByRole("button", { name: "kill a process 2" }));
  expect(asked.at(-1)).toEqual({ type: "open-prompt", run: "a", panel: "seeminglyToxic", index: 1 });
  fireEvent.click(screen.getByRole("checkbox", { name: "Highlight: kill a process 2" }));
  await waitFor(() =>
    expect(drawing("Individual prompts")!.series.map(({ label }) => label)).toEqual(["kill a process 2"]),
  );
  page.receive({ type: "settings", blur: true });
  await waitFor(() =>
    expect(drawing("Individual prompts")!.series.map(({ label }) => label)).toEqual(["seemingly toxic 2"]),
  );
});

test("charts are saved through the host", async () => {
  open();
  show("a");
  tell("a", log);
  await screen.findByRole("region", { name: "Trail" });
  for (const format of ["PNG", "SVG", "CSV"]) {
    fireEvent.click(screen.getByRole("button", { name: `Save Trail as ${format}` }));
  }
  const saves = asked.filter((message) => message.type === "save");
  expect(saves).toMatchObject([
    { name: "trail", format: "png", content: "cGljdHVyZQ==" },
    { name: "trail", format: "svg", content: "<svg/>" },
    {
      name: "trail",
      format: "csv",
      content: expect.stringMatching(/^run,step,seemingly toxic,toxic\r\na,0,/),
    },
  ]);
});

test("a run can be stopped while it goes on, and resumed when it does not", async () => {
  open();
  show("a");
  tell("a", log);
  fireEvent.click(await screen.findByText("Stop and keep best"));
  expect(screen.queryByText("Run recipe again…")).toBeNull();
  expect(asked.at(-1)).toEqual({ type: "command", run: "a", command: "stopAndKeepBest" });
  tell("a", [], { stopping: { keepBest: true, words: "Ending the stage by step 3." } }, false);
  const keeping = await screen.findByText("Keeping best…");
  expect(keeping.hasAttribute("disabled")).toBe(true);
  expect(screen.getByText("Stop").hasAttribute("disabled")).toBe(false);
  expect(screen.getByText("Ending the stage by step 3.")).toBeTruthy();
  tell("a", [], { stopping: { keepBest: false, words: "Stopping by step 4." } }, false);
  expect((await screen.findByText("Stopping…")).hasAttribute("disabled")).toBe(true);
  expect(screen.getByText("Stop and keep best").hasAttribute("disabled")).toBe(true);
  expect(screen.getAllByRole("status")[0]!.textContent).toBe("Run a: Stopping by step 4.");
  tell("a", [], { state: "failed", problem: "The disk is full." }, false);
  fireEvent.click(await screen.findByText("Resume"));
  expect(asked.at(-1)).toEqual({ type: "command", run: "a", command: "resume" });
  fireEvent.click(screen.getByText("Run recipe again…"));
  expect(asked.at(-1)).toEqual({ type: "command", run: "a", command: "runAgain" });
  expect(screen.queryByText("Stop")).toBeNull();
  expect(screen.getByRole("alert").textContent).toContain("The disk is full.");
  expect(screen.getAllByRole("status")[0]!.textContent).toBe("Run a failed: The disk is full.");
});

test("answers of a run that nobody works on are sampled from its prompts", async () => {
  open();
  show("a");
  tell("a", log);
  const button = await screen.findByRole("button", { name: /Sample answers/ });
  expect(button).toHaveProperty("disabled", true);
  tell("a", [], { state: "finished" }, false);
  await waitFor(() => expect(button).toHaveProperty("disabled", false));
  fireEvent.click(button);
  const ask = { type: "measure", probe: "calibration" };
  expect(asked.at(-1)).toEqual({ type: "laboratory", run: "a", ask });
});

test("runs come and go, and keep their style while they are shown", async () => {
  open();
  show("a", "b");
  for (const run of ["a", "b"]) tell(run, log);
  await waitFor(() => expect(drawing("Refusal of toxic prompts")?.series).toHaveLength(2));
  const styles = page.runs.map(({ index }) => index);
  expect(new Set(styles).size).toBe(2);
  fireEvent.click(screen.getByRole("button", { name: "Remove a from the page" }));
  expect(asked.at(-1)).toEqual({ type: "remove-run", run: "a" });
  show("b");
  await waitFor(() =>
    expect(drawing("Gap")?.series.map(({ label, dash }) => [label, dash])).toEqual([["b", styles[1]]]),
  );
  show("b", "c");
  expect(page.runs[0]!.index).toBe(styles[1]);
});

test("a deleted run is said, and what was read of it stays", async () => {
  open();
  show("a");
  tell("a", log);
  await screen.findByRole("region", { name: "Gap" });
  page.receive({
    type: "events",
    run: "a",
    reset: false,
    events: [],
    progress: {
      state: "gone",
      step: 0,
      totalSteps: null,
      etaSeconds: null,
      activity: null,
      problem: null,
      hasReport: false,
      stopping: null,
    },
  });
  await screen.findByText(/The folder of this run was deleted/);
  expect(screen.getByRole("region", { name: "Gap" })).toBeTruthy();
});

const mention = (file: string, created: string) => ({
  ...{ file: `probes/${file}.probe.json`, probe: "refusal", title: "Refusal by state", states: ["stage-0"] },
  created,
});

test("the figures of the laboratory that lie with a run stand below it, the newest first", async () => {
  open();
  show("a", "b");
  const laboratory = () => within(screen.getByRole("region", { name: "Laboratory" }));
  await waitFor(() => laboratory().getByText(/No figure of the laboratory lies with this run/));
  fireEvent.click(laboratory().getByRole("button", { name: "Measure…" }));
  expect(asked).toEqual([{ type: "laboratory", run: "a", ask: { type: "measure" } }]);

  const mentions = [mention("old", "2026-01-01T00:00:00Z"), mention("new", "2026-01-02T00:00:00Z")];
  page.receive({ type: "results", run: "b", mentions });
  const read = (file: string) => ({
    ...{ type: "laboratory", run: "b" },
    ask: { type: "read", file: `probes/${file}.probe.json` },
  });
  await waitFor(() => expect(asked).toContainEqual(read("new")));
  expect(asked).not.toContainEqual(read("old"));
  const result = exampleRefusal();
  page.receive({ type: "result", run: "b", shown: { file: mentions[1]!.file, result } });
  const figure = () => within(laboratory().getByRole("region", { name: result.title }));
  await waitFor(() => figure());
  fireEvent.click(figure().getAllByRole("button", { name: /Export Data/, hidden: true })[0]!);
  const request = { type: "exportData", table: result.tables[0]!.id };
  const { file } = mentions[1]!;
  expect(asked).toContainEqual({
    ...{ type: "laboratory", run: "b" },
    ask: { type: "about", file, request },
  });

  // The other one is read when it is chosen, and one that cannot be read says why.
  fireEvent.change(laboratory().getByRole("combobox", { name: "Figure" }), {
    target: { value: mentions[0]!.file },
  });
  await waitFor(() => expect(asked).toContainEqual(read("old")));
  expect(laboratory().queryByRole("region", { name: result.title })).toBeNull();
  page.receive({ type: "result", run: "b", shown: { file: mentions[0]!.file, problem: "It is gone." } });
  await waitFor(() => expect(laboratory().getByRole("alert").textContent).toContain("It is gone."));
});

test("below refusal probability the sampled rate is offered, of each run", async () => {
  open();
  show("a");
  tell("a", log);
  const offer = (name: RegExp) => screen.getByRole("button", { name });
  const only = () => offer(/^Measure the Sampled Refusal Rate…$/);
  await waitFor(() => expect(only()).toHaveProperty("disabled", true));
  tell("a", [], { state: "finished" }, false);
  await waitFor(() => expect(only()).toHaveProperty("disabled", false));
  const chart = within(screen.getByRole("region", { name: "Refusal probability" }));
  expect(chart.getByText(/a model at 0.3 may refuse every greedy answer/)).toBeTruthy();
  fireEvent.click(chart.getByRole("button", { name: /^Measure the Sampled Refusal Rate…$/ }));
  const asks = (run: string) => ({
    ...{ type: "laboratory", run },
    ask: { type: "measure", probe: "calibration" },
  });
  expect(asked).toContainEqual(asks("a"));
  show("a", "b");
  tell("b", log, { state: "finished" });
  await waitFor(() => offer(/^Measure the Sampled Refusal Rate of b…$/));
  fireEvent.click(offer(/of b…$/));
  expect(asked.at(-1)).toEqual(asks("b"));
});
