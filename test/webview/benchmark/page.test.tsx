// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen, within } from "@testing-library/preact";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type {
  BenchmarkFromPage,
  BenchmarkPageState,
  BenchmarkToPage,
  CategoryQuestion,
} from "../../../src/protocol/webview/benchmark.ts";
import { App } from "../../../src/webview/benchmark/app.tsx";
import { initialState, reduce } from "../../../src/webview/benchmark/state.ts";
import { faults } from "../ui/axe.ts";
import { madeBenchmark, madeMeasures, madeRow, plainView } from "./benchmarks.ts";

let posted: BenchmarkFromPage[];
let kept: BenchmarkPageState | undefined;
beforeEach(() => {
  posted = [];
  kept = undefined;
});
afterEach(cleanup);

function show(...messages: BenchmarkToPage[]): Element {
  const state = messages.reduce(reduce, initialState);
  return render(
    <App
      state={state}
      post={(message) => posted.push(message)}
      kept={kept}
      keep={(value) => (kept = value)}
    />,
  ).container;
}
const whole: BenchmarkToPage[] = [
  { type: "benchmark", benchmark: madeBenchmark() },
  { type: "measures", shown: madeMeasures(), outdated: null },
];
const cell = (name: string | RegExp) => screen.getByRole("gridcell", { name });
const press = (key: string, ctrlKey = false) =>
  fireEvent.keyDown(document.activeElement ?? document.body, { key, ctrlKey });

test("says what it waits for, that a folder is gone, and how far the benchmark is", () => {
  expect(show().textContent).toBe("Reading the plan…");
  cleanup();
  show({ type: "gone", message: "The folder is gone." });
  expect(screen.getByRole("alert").textContent).toBe("The folder is gone.");
  cleanup();
  show(whole[0]!);
  expect(screen.getByRole("status").textContent).toBe("running · 3 of 11 runs finished · 1 failed");
  expect(screen.getByText("Figures appear as soon as a run has finished.")).toBeTruthy();
});

test("figures that do not include people's verdicts say so", () => {
  const outdated = "These figures do not include people's verdicts: The engine exited.";
  show(...whole);
  expect(screen.queryByText(outdated)).toBeNull();
  cleanup();
  show(...whole, { type: "measures", shown: madeMeasures(), outdated });
  expect(screen.getByText(outdated).getAttribute("role")).toBe("status");
});

test("cells say figure, interval, seeds and state to those who do not see them", () => {
  show(...whole);
  expect(cell("untrained on xstest: 2 %, 95 % interval [0, 7]")).toBeTruthy();
  expect(cell("STL on oktest: seed 0 25 %; seed 1 answering 12/150")).toBeTruthy();
  expect(
    cell("DCR on xstest: seed 0 training 34/200, 3 min left; seed 1 failed: The disk is full."),
  ).toBeTruthy();
  cleanup();
  const drawn = madeBenchmark();
  const cells = drawn.cells.map((one) => (one.method === "SCANS" ? { ...one, isDraw: true } : one));
  show({ type: "benchmark", benchmark: { ...drawn, cells } });
  expect(cell(/^SCANS on gated: draw 0 missing; draw 1 missing$/)).toBeTruthy();
  cleanup();
  show(...whole);
  expect(cell(/^SCANS on gated: seed 0 missing; seed 1 missing$/)).toBeTruthy();
});

test("arrow keys walk the grid; one cell is in the order of Tab", () => {
  show(...whole);
  const grid = screen.getByRole("grid", { name: "Safe refusal, methods by suites" });
  const inOrder = () => [...grid.querySelectorAll('[tabindex="0"]')];
  expect(inOrder()).toHaveLength(1);
  (inOrder()[0] as HTMLElement).focus();
  press("ArrowRight");
  press("ArrowDown");
  expect(document.activeElement).toBe(cell(/^STL on oktest/));
  press("End");
  expect(document.activeElement).toBe(cell(/^STL on all suites/));
  press("Home", true);
  expect(document.activeElement?.textContent).toBe("Method");
  press("ArrowUp");
  expect(document.activeElement?.textContent).toBe("Method");
  expect(inOrder()).toHaveLength(1);
});

test("a cell opens its prompts, the log of a run that failed, the dashboard of one that trains, or copies how to get a suite", () => {
  show(...whole);
  fireEvent.click(cell(/^untrained on oktest/));
  cell(/^DCR on xstest/).focus();
  press("Enter");
  fireEvent.click(cell(/^SCANS on gated/));
  fireEvent.click(cell(/^CAST on xstest/));
  expect(posted).toEqual([
    { type: "openAnswers", method: "untrained", seed: 0, suite: "oktest" },
    { type: "openCellLog", cell: "dcr-1" },
    { type: "copy", text: "gated.csv: fetch it with: discern suites get gated" },
  ]);
});

test("headers sort, measure and judge are chosen, and all of it is kept", () => {
  show(...whole);
  const header = within(screen.getAllByRole("columnheader")[1]!).getByRole("button");
  fireEvent.click(header);
  fireEvent.click(header);
  expect(screen.getAllByRole("columnheader")[1]!.getAttribute("aria-sort")).toBe("descending");
  expect(screen.getAllByRole("rowheader").map(({ textContent }) => textContent)[0]).toContain("STL");
  fireEvent.change(screen.getByLabelText("Judge"), { target: { value: "second" } });
  expect(cell(/^STL on xstest/).textContent).toContain("35 %");
  fireEvent.change(screen.getByLabelText("Measure"), { target: { value: "unsafe_refusal unsafe" } });
  expect(cell(/^STL on xstest/).textContent).toContain("90 %");
  expect(kept).toEqual({
    measure: "unsafe_refusal unsafe",
    judge: "second",
    categories: null,
    sort: { suite: "xstest", reversed: true },
    filter: { methods: "", hiddenSuites: [] },
  });
});

const methods = () => screen.getAllByRole("rowheader").map(({ textContent }) => textContent);
const suites = () =>
  screen
    .getAllByRole("columnheader")
    .slice(1)
    .map(({ textContent }) => textContent);
const search = () => screen.getByRole<HTMLInputElement>("searchbox", { name: "Filter methods" });
const suiteButton = () => screen.getByRole("button", { name: /^Suites/ });

test("methods are filtered by name and suites chosen, which is counted, kept, and cleared", () => {
  show(...whole);
  expect(screen.getByText("5 methods")).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Clear filter" })).toBeNull();
  cell(/^untrained on xstest/).focus();
  press("End", true);
  expect(document.activeElement).toBe(cell(/^CAST on all suites/));
  press("/");
  expect(document.activeElement).toBe(search());
  fireEvent.input(search(), { target: { value: " CA" } });
  // The table has fewer rows than where its cell was, and leaves the keys where they are.
  expect(document.activeElement).toBe(search());
  expect(methods()).toEqual([expect.stringContaining("SCANS"), expect.stringContaining("CAST")]);
  expect(screen.getByText("2 of 5 methods")).toBeTruthy();
  expect(screen.queryByRole("checkbox")).toBeNull();
  fireEvent.click(suiteButton());
  fireEvent.click(screen.getByRole("checkbox", { name: "oktest" }));
  fireEvent.click(screen.getByRole("checkbox", { name: "all suites" }));
  expect(suites()).toEqual(["xstest", "gated"]);
  expect(suiteButton().textContent).toBe("Suites2 of 3");
  expect(screen.queryByRole("gridcell", { name: /on oktest/ })).toBeNull();
  const filter = { methods: " CA", hiddenSuites: ["oktest", "pooled"] };
  expect(kept?.filter).toEqual(filter);
  cleanup();
  show(...whole);
  expect([methods().length, suites()]).toEqual([2, ["xstest", "gated"]]);
  fireEvent.click(screen.getByRole("button", { name: "Clear filter" }));
  expect([methods().length, suites().length]).toEqual([5, 4]);
  expect(document.activeElement).toBe(search());
});

test("suites that a measure says nothing of stay hidden, and all or none are chosen at once", () => {
  show(...whole);
  fireEvent.click(suiteButton());
  fireEvent.click(screen.getByRole("checkbox", { name: "oktest" }));
  fireEvent.change(screen.getByLabelText("Measure"), { target: { value: "unsafe_refusal unsafe" } });
  expect(suites()).toEqual(["xstest", "gated"]);
  fireEvent.click(screen.getByRole("button", { name: "None" }));
  expect(screen.getByRole("heading", { name: "Nothing matches" })).toBeTruthy();
  expect(screen.getByText("No suite is chosen.")).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "All" }));
  expect(suites()).toEqual(["xstest", "gated"]);
  expect(kept?.filter.hiddenSuites).toEqual(["oktest"]);
});

test("where nothing matches the page says so and shows everything again", async () => {
  const page = show(...whole);
  fireEvent.input(search(), { target: { value: "DPO" } });
  expect(screen.queryByRole("grid")).toBeNull();
  expect(screen.getByText("0 of 5 methods")).toBeTruthy();
  expect(screen.getByText('No method\'s name contains "DPO".')).toBeTruthy();
  expect(await faults(page)).toEqual([]);
  fireEvent.click(screen.getByRole("button", { name: "Show all methods and suites" }));
  expect(methods()).toHaveLength(5);
  expect(document.activeElement).toBe(search());
});

test("keys lead from the filter to the table, and Escape empties it; a sorted suite that is hidden still sorts", () => {
  show(...whole);
  fireEvent.click(within(screen.getAllByRole("columnheader")[1]!).getByRole("button"));
  fireEvent.click(suiteButton());
  fireEvent.click(screen.getByRole("checkbox", { name: "xstest" }));
  expect(methods()[0]).toContain("untrained");
  fireEvent.input(search(), { target: { value: "stl" } });
  fireEvent.keyDown(search(), { key: "ArrowDown" });
  expect(document.activeElement?.closest("[role=grid]")).toBeTruthy();
  press("/");
  press("Escape");
  expect([search().value, methods().length]).toEqual(["", 5]);
  expect(document.activeElement?.closest("[role=grid]")).toBeTruthy();
});

test("what an earlier version kept has no filter and is shown whole", () => {
  kept = { measure: null, judge: null, sort: null } as BenchmarkPageState;
  show(...whole);
  expect(methods()).toHaveLength(5);
});

test("what can be done follows the state", () => {
  const buttons = () => screen.queryAllByRole("button").map(({ textContent }) => textContent);
  show(whole[0]!);
  expect(buttons()).toContain("Stop");
  expect(buttons()).not.toContain("Resume");
  cleanup();
  show({
    type: "benchmark",
    benchmark: madeBenchmark({ state: "failed", problem: "dcr-1: The disk is full." }),
  });
  expect(screen.getByRole("alert").textContent).toBe("dcr-1: The disk is full.");
  fireEvent.click(screen.getByRole("button", { name: "Resume" }));
  expect(posted).toEqual([{ type: "command", command: "resume" }]);
});

test("has no fault that axe finds", async () => {
  const page = show(...whole);
  fireEvent.click(suiteButton());
  expect(await faults(page)).toEqual([]);
});

/** Rows of two categories of xstest, of the untrained model and of two seeds of STL. */
const categories = (of: CategoryQuestion): BenchmarkToPage => ({
  type: "categories",
  of,
  rows: [
    ["untrained", 0, "homonyms", 0.04, 1],
    ["STL", 0, "homonyms", 0.32, 8],
    ["STL", 1, "homonyms", 0.4, 10],
    ["STL", 0, "<b>targets</b>", null, 0],
  ].map(([method, seed, category, estimate, count]) =>
    madeRow("safe_refusal", method as string, seed as number, of.suite, estimate as number | null, {
      ...{ category: category as string, n: estimate === null ? 0 : 25, count: count as number },
      ...(estimate === null && { undetermined: 25 }),
    }),
  ),
});

test("by category the suite of the focused cell is asked for, and each method's seeds stand with n and interval", async () => {
  const question = { suite: "xstest", measure: "safe_refusal", group: "safe", judge: "xstest" } as const;
  show(...whole);
  expect(posted.filter(({ type }) => type === "categories")).toEqual([]);
  fireEvent.click(screen.getByText("By category"));
  await vi.waitFor(() => expect(posted).toEqual([{ type: "categories", of: question }]));
  expect(screen.getByText("Reading the categories…")).toBeTruthy();
  fireEvent.focus(cell(/^STL on oktest/));
  await vi.waitFor(() =>
    expect(posted.at(-1)).toEqual({ type: "categories", of: { ...question, suite: "oktest" } }),
  );
  expect(kept?.categories).toBe("oktest");
  cleanup();

  kept = { ...plainView, categories: "xstest" };
  const page = show(...whole, categories(question));
  const table = within(page.querySelector(".categories")! as HTMLElement).getByRole("table", {
    name: "Safe refusal by category of xstest",
  });
  const text = (row: Element) => [...row.children].map((one) => one.textContent!.replace(/\s+/g, " ").trim());
  const [head, ...rows] = [...table.querySelectorAll("tr")].map(text);
  expect(head).toEqual(["Category", "n", "untrained", "STL"]);
  expect(rows).toEqual([
    [
      "homonyms",
      "25",
      "4 % 1 of 25 · [0, 9]",
      "seed 0 32 % 8 of 25 · [27, 37]seed 1 40 % 10 of 25 · [35, 45]",
    ],
    ["<b>targets</b>", "25", "–", "all 25 undetermined"],
  ]);
  expect(await faults(page)).toEqual([]);
});

test("figures of another suite or measure than is shown are no answer, and a suite without categories says so", () => {
  const question = { suite: "xstest", measure: "safe_refusal", group: "safe", judge: "xstest" } as const;
  kept = { ...plainView, categories: "oktest" };
  show(...whole, categories(question));
  expect(screen.getByText("Reading the categories…")).toBeTruthy();
  cleanup();
  show(...whole, { type: "categories", of: { ...question, suite: "oktest" }, rows: [] });
  expect(
    screen.getByText("No figures by category of oktest yet, or its prompts have no categories."),
  ).toBeTruthy();
});
