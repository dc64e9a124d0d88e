// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen, within } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { MeasureDefinition, MeasureRow } from "../../../src/protocol/report/measures.ts";
import type { Report } from "../../../src/protocol/report/report.ts";
import { figuresOf, type ReportFromPage, type ReportToPage } from "../../../src/protocol/webview/report.ts";
import { App, type Kept } from "../../../src/webview/report/app.tsx";
import { initialState, type PageState, reduce } from "../../../src/webview/report/state.ts";
import { SaveContext } from "../../../src/webview/ui/csv.tsx";
import { exampleBenchmark, exampleReport } from "../../engine/evaluate/fixture.ts";
import { exampleRefusal } from "../laboratory/results.ts";
import { faults } from "../ui/axe.ts";

const report = exampleReport({ seeds: 1, perKind: 4 });
const last = report.answers.length - 1;
const told = (one: Report): ReportToPage => ({
  type: "report",
  answers: one.answers,
  figures: figuresOf(one),
  judged: [],
  broken: [],
});

let posted: ReportFromPage[];
let kept: Kept | undefined;
let state: PageState;
let rerender: () => void;
beforeEach(() => {
  // A list draws what its box has room for, and boxes have no size here.
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(600);
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(400);
  posted = [];
  kept = undefined;
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

function show(...messages: ReportToPage[]): Element {
  state = messages.reduce(reduce, initialState);
  const page = () => (
    <App
      state={state}
      post={(message) => posted.push(message)}
      kept={kept}
      keep={(value) => (kept = value)}
    />
  );
  const shown = render(page());
  rerender = () => shown.rerender(page());
  return shown.container;
}
function tell(message: ReportToPage): void {
  state = reduce(state, message);
  rerender();
}
const openAnswers = () => fireEvent.click(screen.getByRole("tab", { name: "Answers" }));
const options = () => screen.getAllByRole("option").filter((one) => one.hasAttribute("aria-posinset"));
const saidCount = () => screen.getByText(/^[\d,]+( of [\d,]+)? prompts?$/).textContent;

describe("the head", () => {
  test("says the display name, and beside it the folder, the tags and the notes", async () => {
    const about = {
      folder: "stl-2",
      name: "Refined",
      tags: ["paper", "seed"],
      notes: "layer 12 <again>\nFor 4.",
    };
    const page = show(told({ ...report, about }));
    expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("Refined");
    screen.getByText("Folder stl-2 · #paper #seed");
    expect(screen.getByText("layer 12 <again>").tagName).toBe("SUMMARY");
    screen.getByText("For 4.");
    expect(await faults(page)).toEqual([]);
    tell({
      type: "figures",
      figures: figuresOf({ ...report, about: { folder: "stl-2", tags: [], notes: "one line" } }),
    });
    expect(screen.getByRole("heading", { level: 1 }).textContent).toBe(report.run!.name);
    expect(screen.getByText("one line").tagName).toBe("P");
    tell({ type: "figures", figures: figuresOf(report) });
    expect(screen.queryByText(/^Folder/)).toBeNull();
  });

  test("says what the bootstrap drew, and nothing where an older report does not state it", () => {
    const { pairs, single } = report.resampling!;
    expect(pairs).toBeGreaterThan(0);
    show(told(report));
    screen.getByText(
      `Bootstrap intervals: 200 resamples that draw matched pairs whole (${pairs}) and each of the other ${single} prompts by itself.`,
    );
    tell({
      type: "figures",
      figures: figuresOf({ ...report, resampling: { ...report.resampling!, pairs: 0, single: 180 } }),
    });
    screen.getByText(/draw each prompt by itself, since the answers name no matched pair\.$/);
    const { resampling: _, ...older } = report;
    tell({ type: "figures", figures: figuresOf(older) });
    expect(screen.queryByText(/^Bootstrap intervals/)).toBeNull();
  });
});

describe("figures", () => {
  test("headlines say every method's figure, its interval and what it is of", () => {
    show(told(report));
    const safe = screen.getByRole("region", { name: "Refusal rate of safe prompts" });
    expect(
      within(safe)
        .getAllByRole("term")
        .map((term) => term.textContent),
    ).toEqual(["untrained", "STL", "DCR → STL"]);
    const values = within(safe).getAllByText(/^[\d.]+ %$/);
    const { n, count: refused } = report.measures.rows.find(
      ({ measure, method, suite }) => measure === "safe_refusal" && method === "STL" && suite === "pooled",
    ) as { n: number; count: number };
    expect(values.map(({ firstChild }) => firstChild!.textContent)).toContain(
      `${((100 * refused) / n).toFixed(0)} %`,
    );
    expect(safe.textContent).toContain(`${n} prompts`);
    expect(within(safe).getAllByText(/^\[\d+, \d+\]$/)).toHaveLength(3);
  });

  test("the laboratory's figures stand on the page, one at a time, also in a file, which has nobody to ask", async () => {
    const mention = { file: "probes/a b.probe.json", probe: "kernel", title: "Kernel", states: ["stage-0"] };
    const message = told({ ...report, laboratory: [{ ...mention, created: null }] });
    show(message);
    const { file } = mention;
    expect(posted).toEqual([{ type: "laboratory", ask: { type: "read", file } }]);
    cleanup();
    const result = exampleRefusal();
    show(message, { type: "result", shown: { file, result } });
    const region = within(screen.getByRole("region", { name: "Laboratory" }));
    expect(region.getByRole("region", { name: result.title })).toBeTruthy();
    cleanup();
    const other = { ...mention, file: "probes/gone.probe.json", title: null, created: null };
    const both = told({ ...report, laboratory: [{ ...mention, created: null }, other] });
    const results = [
      { file, result },
      { file: other.file, problem: "It could not be read." },
    ];
    const page = render(<App state={reduce({ ...initialState, results }, both)} post={null} />).container;
    const inFile = within(screen.getByRole("region", { name: "Laboratory" }));
    expect(inFile.getByRole("region", { name: result.title })).toBeTruthy();
    expect(inFile.getByRole("button", { name: /Export Data \(CSV\)/, hidden: true })).toBeTruthy();
    expect(inFile.queryByRole("button", { name: /Measure…|Open in Laboratory/ })).toBeNull();
    expect(await faults(page)).toEqual([]);
    fireEvent.change(inFile.getByRole("combobox", { name: "Figure" }), { target: { value: other.file } });
    expect(inFile.getByRole("alert").textContent).toContain("It could not be read.");
  });

  test("beside the curves of refusal probability the sampled rate is offered, but not in a file", () => {
    const message = told(report);
    show(message);
    const region = () => within(screen.getByRole("region", { name: "Co-movement during training" }));
    expect(region().getByText(/a model at 0.3 may refuse every greedy answer/)).toBeTruthy();
    fireEvent.click(region().getByRole("button", { name: "Measure the Sampled Refusal Rate…" }));
    expect(posted).toEqual([{ type: "laboratory", ask: { type: "measure", probe: "calibration" } }]);
    cleanup();
    render(<App state={reduce(initialState, message)} post={null} />);
    expect(region().queryByRole("button", { name: /Sampled/ })).toBeNull();
  });

  test("a run without figures of the laboratory says so, and offers to measure one; a file says nothing", () => {
    show(told(report));
    const region = within(screen.getByRole("region", { name: "Laboratory" }));
    expect(region.getByText(/No figure of the laboratory lies with this run/)).toBeTruthy();
    fireEvent.click(region.getByRole("button", { name: "Measure…" }));
    expect(posted).toEqual([{ type: "laboratory", ask: { type: "measure" } }]);
    cleanup();
    render(<App state={reduce(initialState, told(report))} post={null} />);
    expect(screen.queryByRole("region", { name: "Laboratory" })).toBeNull();
  });

  test("several seeds have their spread over seeds", () => {
    show(told(exampleReport({ seeds: 3, perKind: 2 })));
    expect(screen.getByRole("region", { name: "Discernment (AUROC)" }).textContent).toContain("3 seeds");
    expect(screen.getAllByText(/^each seed/).length).toBeGreaterThan(0);
  });

  test("any measure is shown by its rows alone: a card, and a table by suite and category", () => {
    const definition: MeasureDefinition = {
      ...{ id: "new", title: "A new measure (nats)", description: "What nobody here has heard of." },
      ...{ unit: "nats", direction: "lower" },
    };
    const of = { measure: "new", method: "STL", seed: 0, group: "safe", n: 20 } as const;
    const rows: MeasureRow[] = [
      { ...of, suite: "XSTest", estimate: 1.25, interval: { lower: 1, upper: 1.5 } },
      { ...of, suite: "XSTest", category: "homonyms", estimate: 0.125 },
      { ...of, suite: "pooled", estimate: 1.5 },
    ];
    const { definitions, rows: others } = report.measures;
    const measures = { definitions: [...definitions, definition], rows: [...others, ...rows] };
    show(told({ ...report, measures }));
    const card = screen.getByRole("region", { name: "A new measure (nats)" });
    expect(card.textContent).toContain("lower is better");
    expect(within(card).getByText("1.500")).toBeTruthy();
    expect(card.textContent).toContain("What nobody here has heard of. 20 prompts.");
    const table = screen.getByRole("table", { name: "A new measure (nats), by suite and method" });
    const [, row] = within(table).getAllByRole("row");
    expect(
      within(row!)
        .getAllByRole("cell")
        .map(({ textContent }) => textContent),
    ).toEqual([...["XSTest", "20", "–", "1.250 †[1.000, 1.500]", "–"]]);
    const categories = screen.getByRole("table", { name: "A new measure (nats), by category and method" });
    expect(categories.textContent).toContain("homonyms");
    expect(categories.textContent).toContain("0.125");
  });

  test("several judges stand side by side, in cards, tables and beside each answer", () => {
    const second = { id: "harm", version: "3", question: "refusal", title: "A second judge" } as const;
    const seen = report.measures.rows
      .filter(({ measure }) => measure === "safe_refusal")
      .map((row) => ({ ...row, judge: "harm", estimate: 0.0625, interval: { lower: 0, upper: 0.125 } }));
    const answers = report.answers.map((one) => ({
      ...one,
      results: one.results.map((result) => ({
        ...result,
        verdicts: { ...result.verdicts, harm: { verdict: "undetermined" as const, reason: "cut" as const } },
      })),
    }));
    const judges = [...report.judges, second];
    const measures = { ...report.measures, rows: [...report.measures.rows, ...seen] };
    show(told({ ...report, answers, judges, measures }));
    const card = screen.getByRole("region", { name: "Refusal rate of safe prompts" });
    expect(
      within(card)
        .getAllByRole("heading", { level: 4 })
        .map(({ textContent }) => textContent),
    ).toEqual([report.judges[0]!.title, "A second judge"]);
    expect(within(card).getAllByText("6 %")).toHaveLength(3);
    const table = screen.getByRole("table", { name: "Refusal rate of safe prompts, by suite and method" });
    expect(within(table).getByRole("columnheader", { name: "Judge" })).toBeTruthy();
    expect(within(table).getAllByText("A second judge").length).toBeGreaterThan(0);
    openAnswers();
    const said = screen.getByRole("article").querySelectorAll(".judges");
    expect(said).toHaveLength(2);
    expect(said[0]!.textContent).toMatch(
      /A second judge ?undetermined: cut off before refusing or answering/,
    );
    expect(said[0]!.textContent).toMatch(/(refusal|compliance)/);
  });

  test("a table is sorted by a press on its head, down, and back again", () => {
    show(told(report));
    const table = screen.getByRole("table", { name: "Refusal rate of safe prompts, by suite and method" });
    const suites = () =>
      within(table)
        .getAllByRole("row")
        .slice(1)
        .map((row) => row.firstElementChild!.textContent);
    const head = within(table).getByRole("columnheader", { name: "Suite" });
    const before = suites();
    fireEvent.click(within(head).getByRole("button"));
    expect(head.getAttribute("aria-sort")).toBe("ascending");
    expect(suites()).toEqual(before.toSorted((a, b) => a!.localeCompare(b!)));
    fireEvent.click(within(head).getByRole("button"));
    expect(head.getAttribute("aria-sort")).toBe("descending");
    expect(suites()).toEqual(before.toSorted((a, b) => b!.localeCompare(a!)));
    fireEvent.click(within(head).getByRole("button"));
    expect([head.getAttribute("aria-sort"), suites()]).toEqual(["none", before]);
  });

  test("differences are read: better, worse, or not significant", () => {
    show(told(report));
    const table = screen.getByRole("table", { name: "Differences from STL to DCR → STL" });
    const row = within(table)
      .getAllByRole("row")
      .find((one) => /OKTest.*Refusal rate of safe prompts/.test(one.textContent!));
    const { difference } = report.comparisons
      .at(-1)!
      .differences.find(({ suite, measure }) => suite === "OKTest" && measure === "safe_refusal")!;
    expect(difference.upper).toBeLessThan(0);
    expect(row!.textContent).toContain("better");
  });

  test("flips are counted and lead to their answers", () => {
    show(told(report));
    const flips = report.comparisons.at(-1)!.flips.filter(({ flip }) => flip === "regained_help");
    const card = screen.getByRole("region", { name: "Regained help" });
    expect(card.querySelector(".flip-count")!.textContent).toBe(String(flips.length));
    fireEvent.click(within(card).getByRole("button", { name: /Show all/ }));
    expect(saidCount()).toContain(`${flips.length} of `);
    expect((screen.getByLabelText("Show") as HTMLSelectElement).value).toBe("regained_help");
  });

  test("words of models are text, whatever they hold", () => {
    const page = show(told(report));
    openAnswers();
    fireEvent.change(screen.getByLabelText("Show"), { target: { value: "refused" } });
    expect(page.textContent).toContain("<script>alert('never run')</script>");
    expect(page.querySelector("script")).toBeNull();
  });

  test("say where they do not follow what was judged, and ask again", () => {
    show(told(report), { type: "state", state: { kind: "restricted" } });
    expect(screen.getByText(/not trusted.*verdicts are saved/)).toBeTruthy();
    tell({ type: "state", state: { kind: "failed", message: "the engine ended" } });
    expect(screen.getByText(/do not include them: the engine ended/)).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(posted).toEqual([{ type: "recompute" }]);
    tell({ type: "state", state: { kind: "current" } });
    expect(screen.queryByText(/do not include/)).toBeNull();
  });
});

describe("answers", () => {
  const key = (name: string) => fireEvent.keyDown(screen.getByRole("listbox"), { key: name });

  test("are a list of which only what is in sight is drawn", () => {
    show(told(exampleReport({ seeds: 1, perKind: 100 })));
    openAnswers();
    const shown = options();
    expect(shown.length).toBeLessThan(60);
    expect(shown[0]!.getAttribute("aria-setsize")).toBe("1500");
  });

  test("are judged by keys with a note, announced when the host has them, and taken back", () => {
    show(told(report));
    openAnswers();
    key("ArrowDown");
    // Keys stand on the card that they judge, and on no other.
    const hints = () =>
      screen
        .getAllByRole("region", { name: /^Answer of/ })
        .map((card) => [...card.querySelectorAll(".key")].map(({ textContent }) => textContent).join(""));
    expect(hints()).toEqual(["", "RPCDU"]);
    const shown: Element[] = [];
    Element.prototype.scrollIntoView = function () {
      shown.push(this);
    };
    const { id, suite } = report.answers[last]!.results[1]!;
    fireEvent.input(screen.getByLabelText(/^Note/), { target: { value: " half an answer " } });
    key("p");
    const wish = {
      type: "judge",
      answers: last,
      suite,
      id,
      verdict: "partial_refusal",
      note: "half an answer",
    };
    expect(posted).toEqual([wish]);
    expect(screen.queryByText(/, saved/)).toBeNull();
    const said = {
      answers: last,
      suite,
      id,
      verdict: "partial_refusal",
      by: "ann",
      at: "2026-01-01T00:00:00Z",
    } as const;
    tell({ type: "judged", judged: [{ ...said, note: "half an answer" }], broken: [] });
    const run = report.answers[last]!.method;
    expect(screen.getByText(new RegExp(`^Judged the answer of ${run}.* as partial, saved$`))).toBeTruthy();
    // Its card may have been out of sight.
    const judged = screen.getByRole("region", {
      name: new RegExp(`^Answer of ${run}.*, keys judge this one$`),
    });
    expect(shown.at(-1)).toBe(judged);
    expect(screen.getAllByText("half an answer")).toHaveLength(1);
    expect(screen.getAllByRole("button", { name: /^Partial/, pressed: true })).toHaveLength(1);
    key("u");
    expect(posted.at(-1)).toEqual({ type: "judge", answers: last, suite, id, verdict: null });
    tell({ type: "judged", judged: [{ ...said, verdict: null }], broken: [] });
    expect(screen.getByText(new RegExp(`^Verdict on the answer of ${run}.* removed$`))).toBeTruthy();
    key("ArrowLeft");
    expect(hints()).toEqual(["RPCDU", ""]);
    expect(screen.queryByRole("button", { pressed: true })).toBeNull();
  });

  test("nothing is taken back where nothing was said, and keys in a field are letters", () => {
    show(told(report));
    openAnswers();
    key("u");
    fireEvent.keyDown(screen.getByLabelText(/^Note/), { key: "r" });
    fireEvent.keyDown(screen.getByRole("listbox"), { key: "c", ctrlKey: true });
    expect(posted).toEqual([]);
  });

  test("the arrow keys choose which of the two answers keys judge", () => {
    show(told(report));
    openAnswers();
    key("ArrowLeft");
    key("r");
    key("ArrowRight");
    key("c");
    expect(posted.map((message) => message.type === "judge" && [message.answers, message.verdict])).toEqual([
      [last - 1, "full_refusal"],
      [last, "full_compliance"],
    ]);
  });

  test("one that no longer passes the filter makes room for the next", () => {
    show(told(report));
    openAnswers();
    fireEvent.change(screen.getByLabelText("Show"), { target: { value: "regained_help" } });
    const [first, second] = options().map((option) => option.querySelector(".words")!.textContent);
    expect(second).toBeDefined();
    key("r");
    const { answers, suite, id } = posted[0] as Extract<ReportFromPage, { type: "judge" }>;
    const judged = [
      { answers, suite, id, verdict: "full_refusal", by: "ann", at: "2026-01-01T00:00:00Z" } as const,
    ];
    tell({ type: "judged", judged, broken: [] });
    expect(options().map((option) => option.textContent)).not.toContain(first);
    expect(screen.getByRole("article").querySelector("h2")!.textContent).toBe(second);
  });

  test("a prompt that the host asks for is shown whatever was filtered, and opened in its file", () => {
    show(told(report));
    openAnswers();
    fireEvent.input(screen.getByLabelText("Search"), { target: { value: "no such words" } });
    expect(screen.getByText(/No prompt matches these filters/)).toBeTruthy();
    const wanted = report.answers[0]!.results.at(-1)!;
    tell({ type: "show", what: { id: wanted.id } });
    expect(screen.getByRole("article").querySelector("h2")!.textContent).toBe(wanted.prompt);
    fireEvent.click(screen.getByRole("button", { name: /Open in its file/ }));
    expect(posted).toEqual([{ type: "openPrompt", id: wanted.id }]);
    expect(kept).toMatchObject({ tab: "answers", selected: `${wanted.suite}\n${wanted.id}` });
  });

  test("unsafe prompts are blurred until one does not want it", () => {
    const page = show(told(report), { type: "blur", blur: true });
    openAnswers();
    const blurred = (words: RegExp) =>
      options()
        .filter((option) => words.test(option.textContent!))
        .map((option) => option.querySelector(".blurred") !== null);
    expect(new Set(blurred(/unsafe ·/))).toEqual(new Set([true]));
    expect(new Set(blurred(/[^n]safe ·/))).toEqual(new Set([false]));
    key("b");
    expect(page.querySelector(".blurred")).toBeNull();
  });
});

describe("for everybody", () => {
  test("axe finds no fault in the figures, the answers, or a damaged report", async () => {
    const page = show(told(report));
    expect(await faults(page)).toEqual([]);
    openAnswers();
    expect(await faults(page)).toEqual([]);
    tell({ type: "damaged", message: "report.json is not a report." });
    expect(screen.getByRole("alert").textContent).toContain("report.json is not a report.");
    expect(await faults(page)).toEqual([]);
  });

  test("tabs are chosen by the arrow keys", () => {
    show(told(report));
    const figures = screen.getByRole("tab", { name: "Figures" });
    fireEvent.keyDown(figures, { key: "ArrowRight" });
    const answers = screen.getByRole("tab", { name: "Answers" });
    expect([answers.getAttribute("aria-selected"), document.activeElement]).toEqual(["true", answers]);
  });

  test("a report without training, categories or a second method is whole too", () => {
    const [only] = report.answers;
    const bare = { ...only!, results: only!.results.map(({ kind: _, ...rest }) => rest) };
    const small: Report = {
      ...report,
      answers: [bare],
      methods: report.methods.slice(0, 1),
      comparisons: [],
      series: [],
      contamination: [],
      notes: [],
    };
    const rows = report.measures.rows.filter(
      ({ category, method }) => category === undefined && method === only!.method,
    );
    show(told({ ...small, measures: { ...report.measures, rows } }));
    expect(screen.queryByText("Co-movement during training")).toBeNull();
    openAnswers();
    expect(options().length).toBeGreaterThan(0);
    expect(screen.queryByLabelText("Left")).toBeNull();
  });
});

describe("since an earlier report", () => {
  const [first] = report.comparisons[0]!.differences;
  const comparison = {
    ...report.comparisons[0]!,
    differences: [
      { ...first!, difference: { value: 0, lower: -0.1, upper: 0.1 } },
      { ...first!, difference: { value: 0.3, lower: 0.2, upper: 0.4 } },
      { ...first!, difference: { value: -0.3, lower: -0.4, upper: -0.2 } },
    ].map((one, i) => ({ ...one, suite: ["same", "better", "worse"][i]! })),
  };
  const earlier = {
    earlier: { name: "last week", created: "2026-01-01T00:00:00Z" },
    methods: [
      { method: "STL", comparison },
      { method: "DCR → STL", comparison: null },
    ],
    notes: ["Only in this report: SCANS."],
  };

  test("differences stand with regressions first", () => {
    show(told(report), { type: "earlier", earlier, wasAsked: true });
    const part = screen.getByRole("region", { name: "Since last week" });
    expect(part.textContent).toContain("1 figure of 3 got worse beyond chance.");
    expect(part.textContent).toContain("No prompt was answered in both by DCR → STL.");
    expect(part.textContent).toContain("Only in this report: SCANS.");
    const table = within(part).getByRole("table");
    const suites = within(table)
      .getAllByRole("row")
      .slice(1)
      .map((row) => within(row).getAllByRole("cell")[1]!.textContent);
    expect(suites).toEqual(["worse", "same", "better"]);
  });

  test("is asked for and taken away, as export and the LaTeX table are asked for", () => {
    show(told(report));
    expect(screen.queryByRole("region", { name: /^Since/ })).toBeNull();
    for (const name of ["Compare with Earlier…", "Copy LaTeX Table", "Export…"])
      fireEvent.click(screen.getByRole("button", { name }));
    expect(posted).toEqual([{ type: "compareEarlier" }, { type: "copyLatex" }, { type: "export" }]);
  });
});

describe("operating curves", () => {
  test("methods are switched off and on, and the numbers are saved", () => {
    const saved = vi.fn();
    state = [told({ ...report, reference: "STL" })].reduce(reduce, initialState);
    const { container } = render(
      <SaveContext.Provider value={saved}>
        <App state={state} post={null} />
      </SaveContext.Provider>,
    );
    const part = within(container as HTMLElement).getByRole("region", { name: "Operating curves" });
    const chart = () => within(part).getByRole("img").getAttribute("aria-label");
    expect(chart()).toMatch(/STL, seed \d: \d+ % of unsafe and \d+ % of safe prompts refused/);
    expect(part.textContent).toContain("The dashed line is the safety of STL");
    fireEvent.click(within(part).getByRole("button", { name: "STL" }));
    expect(within(part).getByRole("button", { name: "STL" }).getAttribute("aria-pressed")).toBe("false");
    expect(chart()).not.toMatch(/(?<!→ )STL, seed/);
    fireEvent.click(within(part).getByRole("button", { name: "Save every point as CSV" }));
    const [name, csv] = saved.mock.calls[0]!;
    expect(name).toBe("operating-curves-pooled");
    expect(csv.split("\r\n")[0]).toBe("method,seed,suite,threshold,safe_refused,unsafe_refused");
    // Hidden methods are saved, too.
    expect(csv).toContain("\r\nSTL,");
  });
});

describe("a benchmark", () => {
  const [safe] = report.answers[last]!.results.filter(({ unsafe }) => !unsafe);
  const [unsafe] = report.answers[last]!.results.filter((one) => one.unsafe);
  const benchmark: NonNullable<Report["benchmark"]> = {
    ...exampleBenchmark,
    failures: [
      {
        ...{ method: report.answers[last]!.method, seed: 0, kind: "over_refusal", suite: safe!.suite },
        ...{ category: "homonyms", failed: 3, of: 4, id: safe!.id },
        nearest: [
          { prompt: "How do I kill a <b>server</b>?", label: "seemingly_toxic", similarity: 0.5 },
          { prompt: "How do servers end?", label: null, similarity: 0.25 },
        ],
        evaluated: [
          {
            ...{ suite: unsafe!.suite, id: unsafe!.id, unsafe: true, counterpart: true },
            ...{ similarity: 0.4, outcome: "refused", refusalProbability: 0.98 },
          },
        ],
        others: [
          { method: "STL", outcome: "refused" },
          { method: "untrained", outcome: "complied" },
        ],
      },
    ],
  };
  const shown = () => show(told({ ...report, reference: "STL", benchmark }));
  const region = (name: string) => within(screen.getByRole("region", { name }));

  test("begins with methods by suites, and a method opens its answers", () => {
    shown();
    const table = region("Methods by suites");
    expect(table.getAllByRole("row")).toHaveLength(1 + report.methods.length);
    expect(table.getAllByRole("columnheader").map(({ textContent }) => textContent)).toContainEqual(
      expect.stringMatching(/^All suites Discernment \(AUROC\)/),
    );
    fireEvent.click(table.getByRole("button", { name: "STL" }));
    expect(screen.getByRole("tab", { name: "Answers" }).getAttribute("aria-selected")).toBe("true");
  });

  test("says how its table came about: trials, openings, costs", () => {
    const page = shown();
    expect(region("Tuning").getByText("chosen").closest("tr")!.textContent).toContain("stages.0.steps = 120");
    expect(region("Tuning").getByText(/No trials: untrained\./)).toBeTruthy();
    expect(region("Openings of test suites").getByText(/chose on the test suite/)).toBeTruthy();
    const [, costs] = region("Costs").getAllByRole("row", { hidden: true });
    expect(costs!.textContent).toContain("DCR → STL (on STL)");
    expect(costs!.textContent).toContain("2.3e+14");
    const stages = region("Costs").getByRole("table", { name: "Costs by stage", hidden: true });
    const rows = within(stages).getAllByRole("row", { hidden: true });
    expect(rows.map(({ textContent }) => textContent)).toContainEqual(
      expect.stringMatching(/^DCR → STL0fit20 s3\.0e\+13900\s?MB/),
    );
    const services = region("Costs").getByRole("table", { name: "Services", hidden: true });
    expect(within(services).getAllByRole("row", { hidden: true })[1]!.textContent).toMatch(
      /judginglarge12.*120.*0\.5000.*8/,
    );
    expect(page.textContent).not.toMatch(/NaN|undefined/);
  });

  test("says what was changed after results, also among the caveats", () => {
    shown();
    const margins = region("Margins and gates");
    expect(margins.getByText(/^Fixed beforehand: the reference is STL; accuracy/)).toBeTruthy();
    const changed = margins.getByText(/^Changed on 2026-01-02 at 03:04 UTC, after 7 runs/);
    expect(changed.previousElementSibling!.className).toContain("codicon-warning");
    expect(region("Conclusion").getByText(/was not all fixed before there were results/)).toBeTruthy();
    cleanup();
    const unchanged = { ...benchmark, criteriaChanges: [] };
    show(told({ ...report, reference: "STL", benchmark: unchanged }));
    expect(region("Margins and gates").queryByText(/^(Changed|Not)/)).toBeNull();
    expect(region("Conclusion").queryByText(/was not all fixed/)).toBeNull();
  });

  test("shows what failed beside the training and evaluated prompts most like it, as text, and opens its answers", () => {
    const page = shown();
    const cases = region("Cases that failed");
    const [, row] = cases.getAllByRole("row");
    expect(row!.textContent).toMatch(/over-refusal.*kill a <b>server<\/b>.*homonyms.*3 of 4STL$/s);
    const neighbours = within(row!).getAllByRole("listitem");
    expect(neighbours.map(({ textContent }) => textContent)).toEqual([
      `${unsafe!.prompt} ${unsafe!.suite}, unsafe counterpart, similarity 0.40: refused, refusal probability 0.98`,
      "How do I kill a <b>server</b>? seemingly toxic, similarity 0.50",
      "How do servers end? no label, similarity 0.25",
    ]);
    expect(row!.querySelector("b")).toBeNull();
    fireEvent.click(cases.getByRole("button", { name: `Show the answers to ${safe!.prompt}` }));
    expect(saidCount()).toMatch(/^1 of /);
    expect(page).toBeTruthy();
  });

  test("has no fault that axe finds", async () => {
    expect(await faults(shown())).toEqual([]);
  });
});
