import { createHash } from "node:crypto";
import { type DOMWindow, JSDOM, VirtualConsole } from "jsdom";
import { beforeAll, describe, expect, test } from "vitest";
import { probeHtml, reportHtml } from "../../../src/engine/report/html.ts";
import { probeContracts } from "../../../src/protocol/probe/probes.ts";
import type { Report } from "../../../src/protocol/report/report.ts";
import {
  exampleBound,
  exampleDirection,
  exampleInfluence,
  exampleKernel,
} from "../../webview/laboratory/gradientResults.ts";
import { exampleSeparability, exampleTokens } from "../../webview/laboratory/layerResults.ts";
import { exampleCalibration, exampleProjection, exampleRefusal } from "../../webview/laboratory/results.ts";
import { exampleChoice, exampleReport } from "../evaluate/fixture.ts";

/** Opens the file as a browser does that has nothing but it, and runs its script. */
async function open(html: string): Promise<Document> {
  const errors: unknown[] = [];
  const virtualConsole = new VirtualConsole();
  virtualConsole.on("jsdomError", (error: Error) => errors.push(error.cause ?? error));
  const { window } = new JSDOM(html, {
    runScripts: "dangerously",
    pretendToBeVisual: true,
    virtualConsole,
    beforeParse: giveSizes,
  });
  await drawn(window);
  expect(errors).toEqual([]);
  return window.document;
}

/** A list draws what its box has room for, and boxes have no size here. */
function giveSizes(window: DOMWindow): void {
  Object.defineProperties(window.HTMLElement.prototype, {
    clientHeight: { get: () => 600 },
    clientWidth: { get: () => 400 },
    offsetHeight: { get: () => 600 },
    offsetWidth: { get: () => 400 },
  });
}

/** The page draws what has changed before the second frame from now. */
async function drawn(window: Pick<DOMWindow, "requestAnimationFrame">): Promise<void> {
  for (let i = 0; i < 2; i++) await new Promise<void>((next) => window.requestAnimationFrame(() => next()));
}

async function press(page: Document, element: Element | undefined): Promise<void> {
  (element as HTMLElement).click();
  await drawn(page.defaultView as unknown as DOMWindow);
}

async function openAnswers(page: Document): Promise<void> {
  await press(
    page,
    [...page.querySelectorAll("[role=tab]")].find((tab) => tab.textContent === "Answers"),
  );
}

const texts = (page: ParentNode, selector: string) =>
  [...page.querySelectorAll(selector)].map((element) => element.textContent);
const part = (page: Document, title: string) =>
  [...page.querySelectorAll("section")].find((one) => one.querySelector("h2")?.textContent === title)!;

describe("the report as a file", () => {
  let report: Report;
  let html: string;
  let page: Document;

  beforeAll(async () => {
    report = exampleReport();
    html = await reportHtml(report, []);
    page = await open(html);
  });

  test("has every section, and beside each chart its numbers", () => {
    const bySuite = (heading: string) => heading.endsWith(" by suite");
    const headings = texts(page, ".part h2");
    expect(headings.filter((heading) => !bySuite(heading))).toEqual([
      "All suites together",
      "What training changed",
      "Operating curves",
      "Co-movement during training",
      "Verdicts of people",
      "Contamination",
      "About this report",
    ]);
    const measures = report.measures.definitions.map(({ title }) => `${title} by suite`);
    const parts = headings.filter(bySuite);
    expect(parts).toEqual(measures.filter((title) => parts.includes(title)));
    expect(parts.slice(0, 4)).toEqual([
      "Refusal rate of unsafe prompts by suite",
      "Refusal rate of safe prompts by suite",
      "Discernment (AUROC) by suite",
      "Refusal probability by suite",
    ]);
    expect(page.title).toBe("demo · Discern report");
    const charts = [...page.querySelectorAll("svg[role=img]")];
    // The operating curves, a curve of co-movement for each of two methods and three seeds, and the trails.
    expect(charts).toHaveLength(8);
    for (const chart of charts) {
      expect(chart.getAttribute("aria-label")).not.toBe("");
      expect(chart.closest("section")?.querySelector("details table")).not.toBeNull();
    }
    expect(texts(page, "main").filter((text) => /NaN|undefined/.test(text))).toEqual([]);
  });

  test("shows how the layer was chosen, with the controls, where a run left it to Discern", async () => {
    const [first, ...others] = report.series;
    const chosen = await open(
      await reportHtml({ ...report, series: [{ ...first!, layerChoice: exampleChoice }, ...others] }, []),
    );
    const section = part(chosen, "Choice of the layer");
    const chart = section.querySelector("svg[role=img]")!;
    expect(chart.getAttribute("aria-label")).toContain("layer 2, AUROC 0.90");
    // Two layers have an AUROC: an error bar for each, and a mark of which the chosen one's is large.
    expect(chart.querySelectorAll(".chart-error")).toHaveLength(2);
    expect(texts(section.querySelector("tbody")!, "td").slice(1)).toEqual([
      "2 of 3",
      "0.90 (0.02)",
      "10 categories in 5 folds",
      "0.50 (0.57)",
      "0.63 (0.03)",
      "0.51 (0.01)",
    ]);
    expect(section.querySelector("details table")?.textContent).toContain("– (–)");
  });

  test("shows what models wrote as text, never as markup", async () => {
    const answers = await open(html);
    await openAnswers(answers);
    expect(answers.querySelectorAll("main script, main img")).toHaveLength(0);
    const words = JSON.stringify(texts(answers, "[role=option], blockquote"));
    expect(words).toMatch(/Sure\. Start|never run/);
    const data = html.slice(html.indexOf('id="report">') + 12);
    expect(data.slice(0, data.indexOf("</script>"))).not.toContain("<");
  });

  test("no words of a model end the element they stand in, or a line of it", async () => {
    const hostile = "</script><script>window.ran = true</script><!--<script>\u2028\u2029 ]]> &amp;";
    const [first, ...others] = exampleReport({ seeds: 1, perKind: 1 }).answers;
    const results = first!.results.map((result) => ({
      ...result,
      unsafe: false,
      prompt: hostile,
      response: hostile,
    }));
    const said = { ...exampleReport({ seeds: 1, perKind: 1 }), answers: [{ ...first!, results }, ...others] };
    const file = await reportHtml(said, []);
    expect(file).not.toMatch(/[\u2028\u2029]/);
    const opened = await open(file);
    await openAnswers(opened);
    expect((opened.defaultView as unknown as { ran?: boolean }).ran).toBeUndefined();
    expect(opened.querySelector("#report")!.nextElementSibling?.tagName).toBe("SCRIPT");
    expect(JSON.parse(opened.querySelector("#report")!.textContent).answers[0].results[0].prompt).toBe(
      hostile,
    );
    expect(opened.querySelector("article h2")!.textContent).toBe(hostile.trim());
  });

  test("carries the laboratory's figures, with their data, and shows each of them", async () => {
    const kernel = exampleKernel();
    const hostile = "</script><img src=x onerror=alert(1)>";
    const shown = [
      { file: "probes/kernel.probe.json", result: { ...kernel, caveats: [hostile] } },
      { file: "probes/during-refusal.probe.json", result: exampleRefusal() },
    ];
    const laboratory = shown.map(({ file, result: { probe, title, states } }) => ({
      ...{ file, probe, title, created: null },
      states: states.map(({ name }) => name),
    }));
    const file = await open(await reportHtml({ ...report, laboratory }, shown));
    const drawnIn = part(file, "Laboratory");
    expect(drawnIn.querySelector(".laboratory-result")!.getAttribute("aria-label")).toBe(kernel.title);
    expect(drawnIn.querySelectorAll("svg").length).toBeGreaterThan(0);
    expect(drawnIn.textContent).toContain(hostile);
    expect(file.querySelectorAll("img")).toHaveLength(0);
    expect(texts(drawnIn, "button").filter((text) => text.includes("Export Data (CSV)"))).toHaveLength(
      kernel.tables.length,
    );
    const figure = drawnIn.querySelector("select")!;
    figure.value = shown[1]!.file;
    const view = file.defaultView as unknown as DOMWindow;
    figure.dispatchEvent(new view.Event("change", { bubbles: true }));
    await drawn(view);
    expect(drawnIn.querySelector(".laboratory-result")!.getAttribute("aria-label")).toBe(
      exampleRefusal().title,
    );
  });

  test("allows no script and no style but its own, and asks for nothing", () => {
    const policy = page.querySelector("meta[http-equiv]")?.getAttribute("content") ?? "";
    expect(policy).toMatch(/^default-src 'none'/);
    expect(policy).not.toContain("unsafe");
    const runnable = [...page.querySelectorAll("script:not([type])"), page.querySelector("style")!];
    expect(runnable).toHaveLength(2);
    for (const element of runnable) {
      const digest = createHash("sha256").update(element.textContent).digest("base64");
      expect(policy).toContain(`'sha256-${digest}'`);
    }
    expect(html).not.toMatch(/(src|href)="?https?:/);
    expect(page.querySelector("style")!.textContent).not.toMatch(/@import|url\((?!["']?data:)/);
    expect(html).not.toContain("sourceMappingURL");
  });

  test("finds flips, failures and words", async () => {
    const answers = await open(html);
    await openAnswers(answers);
    const control = (name: string) =>
      [...answers.querySelectorAll("label")]
        .find((label) => label.textContent.startsWith(name))!
        .querySelector<HTMLSelectElement | HTMLInputElement>("select, input")!;
    const choose = async (name: string, value: string) => {
      const found = control(name);
      found.value = value;
      const kind = found.tagName === "SELECT" ? "change" : "input";
      found.dispatchEvent(new (answers.defaultView as unknown as DOMWindow).Event(kind, { bubbles: true }));
      await drawn(answers.defaultView as unknown as DOMWindow);
    };
    const count = () => Number.parseInt(answers.querySelector(".filters [role=status]")!.textContent, 10);
    const [, , { flips }] = report.comparisons as [unknown, unknown, Report["comparisons"][number]];
    expect([control("Left").value, control("Right").value]).toEqual(["5", "8"]);
    expect(count()).toBe(report.answers[8]!.results.length);
    await choose("Show", "flip");
    expect(count()).toBe(flips.filter(({ seed }) => seed === 2).length);
    await choose("Show", "regained_help");
    expect(count()).toBe(flips.filter(({ seed, flip }) => seed === 2 && flip === "regained_help").length);
    await choose("Show", "all");
    await choose("Search", "PYTHON PROCESS");
    expect(count()).toBe(
      report.answers[8]!.results.filter(({ prompt }) => prompt.includes("Python process")).length,
    );
  });

  test("is read, not judged: nothing in it asks an editor for anything", async () => {
    const answers = await open(html);
    const buttons = () =>
      texts(answers, "button").filter((text) => /Export|Open|Refusal|Compliance/.test(text));
    expect(buttons()).toEqual([]);
    await openAnswers(answers);
    expect(buttons()).toEqual([]);
    expect(answers.querySelector("fieldset")).toBeNull();
    const list = answers.querySelector("[role=listbox]")!;
    const Key = (answers.defaultView as unknown as DOMWindow).KeyboardEvent;
    for (const key of ["r", "u", "o", "n"]) list.dispatchEvent(new Key("keydown", { key, bubbles: true }));
    await drawn(answers.defaultView as unknown as DOMWindow);
    expect(texts(answers, ".verdict").join()).not.toContain("judged by a person");
  });

  test("does with one arm, one seed, no training curves and hostile names", async () => {
    const small = exampleReport({ seeds: 1, perKind: 2 });
    const name = "</title></script><img src=x onerror=alert(1)>";
    const bare: Report = { ...small, comparisons: [], series: [], contamination: [], run: { name } };
    bare.answers = small.answers.slice(0, 1);
    const alone = await open(await reportHtml(bare, []));
    expect(texts(alone, "h1")).toEqual([name]);
    expect(alone.title).toBe(`${name} · Discern report`);
    expect(texts(alone, "h2")).not.toContain("What training changed");
    expect(alone.querySelectorAll("img")).toHaveLength(0);
    await openAnswers(alone);
    expect(alone.querySelectorAll("[role=option]").length).toBeGreaterThan(0);
  });
});

describe("the result of a probe as a file", () => {
  const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

  test("has the same figure under hashes, asks nobody for anything, and shows words as text", async () => {
    const example = exampleProjection(30, 2);
    const words = "</script><img src=x onerror=alert(1)>";
    const [first, ...others] = example.prompts;
    const html = await probeHtml({
      ...example,
      title: `${words}`,
      prompts: [{ ...first!, prompt: words }, ...others],
    });
    const page = await open(html);
    expect(texts(page, "h1")).toEqual([words]);
    expect(page.querySelectorAll("img")).toHaveLength(0);
    expect(page.querySelectorAll(".scatter .marks").length).toBe(3);
    expect(texts(page, "button").filter((text) => /Export (Data|Page)…|Measure/.test(text!))).toEqual([]);
    const policy = page.querySelector("meta[http-equiv]")!.getAttribute("content")!;
    const script = [...page.querySelectorAll("script")].find((each) => each.type === "")!.textContent;
    expect(policy).toContain(hash(script));
    expect(policy).toContain(hash(page.querySelector("style")!.textContent));
    expect(/NaN|undefined/.test(page.querySelector("main")!.textContent)).toBe(false);
  });

  test("of every probe is drawn", async () => {
    const results = [
      exampleRefusal(),
      exampleKernel(),
      exampleBound(),
      exampleDirection(),
      exampleInfluence(),
      exampleProjection(),
      exampleSeparability(),
      exampleTokens(),
      exampleCalibration(),
    ];
    expect(results.map(({ probe }) => probe).sort()).toEqual(probeContracts.map(({ id }) => id).sort());
    for (const result of results) {
      const page = await open(await probeHtml(result));
      expect(texts(page, "h1")).toEqual([result.title]);
      expect(texts(page, ".part h2")).toEqual(["Figure", "Data", "Method and cost"]);
    }
  });
});
