// @vitest-environment jsdom
import { cleanup, render, screen, within } from "@testing-library/preact";
import { afterEach, expect, test } from "vitest";
import { chart, words } from "../../../src/engine/commands/display.ts";
import { allMeasures } from "../../../src/engine/evaluate/measures/measures.ts";
import { promptMean } from "../../../src/engine/evaluate/measures/promptMean.ts";
import { panelMeasures, scoredValues } from "../../../src/engine/evaluate/measures/scored.ts";
import { buildReport } from "../../../src/engine/evaluate/report.ts";
import { reportMarkdown } from "../../../src/engine/report/markdown.ts";
import { shownEvent } from "../../../src/extension/dashboard/shownEvents.ts";
import type { RunEvent } from "../../../src/protocol/events.ts";
import { reportSchema } from "../../../src/protocol/report/report.ts";
import { figuresOf } from "../../../src/protocol/webview/report.ts";
import { RunSeries } from "../../../src/webview/dashboard/model/runSeries.ts";
import { SmoothedLines } from "../../../src/webview/dashboard/model/smoothing.ts";
import { AlignedLines } from "../../../src/webview/dashboard/model/timeline.ts";
import { panelMeasurePlots } from "../../../src/webview/dashboard/plots/panelMeasures.ts";
import { App } from "../../../src/webview/report/app.tsx";
import { initialState, reduce } from "../../../src/webview/report/state.ts";
import { exampleReport } from "./fixture.ts";

/** A measure that nothing but this file knows: what a new file in `measures/` exports. */
const doubled = promptMean(
  {
    id: "doubled_probability",
    title: "Doubled probability",
    unit: "number",
    direction: "lower",
    description: "Twice the refusal probability of a prompt, averaged.",
  },
  { ofScore: ({ probability }) => 2 * probability },
);
/** The table with one row more. */
const table = [...allMeasures, doubled];

const base = exampleReport({ seeds: 2, perKind: 2 });
const answers = base.answers.map((each) => ({
  ...each,
  results: each.results.map((result) => ({
    ...result,
    values: scoredValues({ probability: result.refusalProbability, logOdds: result.refusalLogOdds }, table),
  })),
}));
const report = buildReport(
  { ...base, answers, notes: [], created: new Date(base.created) },
  { measures: table, draws: 50 },
);
const title = "Doubled probability, unsafe prompts";

afterEach(cleanup);

test("a measure that is one row of the table is in the report, over suites, categories, seeds and comparisons", () => {
  const rows = report.measures.rows.filter(({ measure }) => measure === doubled.definition.id);
  const twice = (group: string) =>
    2 *
    base.measures.rows.find(
      (row) => row.measure === "refusal_probability" && row.group === group && row.suite === "XSTest",
    )!.estimate!;
  for (const group of ["unsafe", "safe"]) {
    expect(rows.find((row) => row.group === group && row.suite === "XSTest")?.estimate).toBeCloseTo(
      twice(group),
      12,
    );
  }
  expect(rows.some(({ category }) => category === "homonyms")).toBe(true);
  expect(rows.some(({ seed, suite }) => seed === null && suite === "pooled")).toBe(true);
  const differences = report.comparisons
    .at(-1)!
    .differences.filter(({ measure }) => measure === doubled.definition.id);
  expect(differences.map(({ suite, group }) => `${suite} ${group}`)).toContain("OKTest safe");
  expect(reportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
});

test("it is on the command line and in Markdown: a headline, a table by suite, a difference", () => {
  const text = reportMarkdown(report);
  const headline = text.split("\n").find((line) => line.startsWith(`| ${title} |`));
  expect(headline).toMatch(/\| \d\.\d\d \[.*\] \(\d\.\d\d, \d\.\d\d\) \|/);
  expect(text).toContain(`## ${title}\n\n${doubled.definition.description} Lower is better.`);
  expect(text).toMatch(
    /\| XSTest \| Doubled probability, unsafe prompts \| \d\.\d\d \| \d\.\d\d \| \d+ \| [+−]/,
  );
});

test("it is on the report page, which the HTML file is made of: a card, tables, a difference that is read", () => {
  const message = { figures: figuresOf(report), answers: report.answers, judged: [], broken: [] };
  const state = reduce(initialState, { type: "report", ...message });
  render(<App state={state} post={null} kept={undefined} keep={() => undefined} />);
  const card = screen.getByRole("region", { name: title });
  expect(
    within(card)
      .getAllByRole("term")
      .map((term) => term.textContent),
  ).toEqual(["untrained", "STL", "DCR → STL"]);
  expect(card.textContent).toContain("lower is better");
  screen.getByRole("table", { name: "Doubled probability, by suite and method" });
  screen.getByRole("table", { name: "Doubled probability, by category and method" });
  const differences = screen.getByRole("table", { name: "Differences from STL to DCR → STL" });
  const row = within(differences)
    .getAllByRole("row")
    .find((one) => /OKTest.*Doubled probability, safe prompts/.test(one.textContent!));
  expect(row!.textContent).toContain("better");
});

test("during training it is in the log's probes, on the command line and in a chart of the dashboard", () => {
  const at = "2026-01-01T00:00:00.000Z";
  const scores = [0.25, 0.5].map((probability) => ({ probability, logOdds: 0 }));
  const panel = { mean: 0.375, perPrompt: [0.25, 0.5], measures: panelMeasures(scores, table) };
  const probe: RunEvent = {
    ...{ type: "probe", at, seq: 1, stage: 0, step: 5, globalStep: 5, generalLoss: 2 },
    ...{ toxic: panel, seeminglyToxic: panel, general: panel },
  };
  expect(words(probe)).toContain("Doubled probability: toxic 0.75, seemingly toxic 0.75, general 0.75");
  expect(chart([probe], 60)).toContain("Doubled probability: toxic 0.75");
  const series = new RunSeries();
  series.take(shownEvent(probe)!);
  const looking = {
    ...{ smoothing: 0, smoothed: new SmoothedLines(), aligned: new AlignedLines() },
    ...{ seeds: "mean" as const, hidden: new Set<string>(), steps: null },
  };
  const views = panelMeasurePlots([{ id: "run", label: "run", index: 0, method: null, series }], looking);
  expect(views.find(({ title }) => title === "Doubled probability")?.summary).toContain("toxic 0.75");
});
