import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { JSDOM, VirtualConsole } from "jsdom";
import { beforeAll, describe, expect, test } from "vitest";
import { reportHtml } from "../../../src/engine/report/html.ts";
import type { Report } from "../../../src/protocol/report.ts";
import { exampleChoice, exampleReport } from "../evaluate/fixture.ts";

const chartSource = readFileSync(
  createRequire(import.meta.url)
    .resolve("chart.js")
    .replace(/chart\.c?js$/, "chart.umd.js"),
  "utf8",
);

/** Opens the page and runs its scripts in a world of their own, where a function that needs a module would fail. */
function open(html: string): Document {
  const errors: unknown[] = [];
  const virtualConsole = new VirtualConsole();
  virtualConsole.on("jsdomError", (error: Error & { type?: string }) => {
    // jsdom has no canvas; Chart.js says so and goes on.
    if (error.type !== "not-implemented") errors.push(error.cause ?? error);
  });
  const { window } = new JSDOM(html, {
    runScripts: "dangerously",
    virtualConsole,
    beforeParse(view) {
      view.matchMedia = (() => ({ addEventListener: () => undefined })) as unknown as typeof view.matchMedia;
    },
  });
  expect(errors).toEqual([]);
  return window.document;
}

const texts = (page: Document, selector: string) =>
  [...page.querySelectorAll(selector)].map((e) => e.textContent);

describe("the report page", () => {
  let report: Report;
  let html: string;
  let page: Document;

  beforeAll(() => {
    report = exampleReport();
    html = reportHtml(report, chartSource);
    page = open(html);
  });

  test("has every section, and beside each chart its numbers", () => {
    expect(texts(page, "h2")).toEqual([
      "All suites together",
      "Refusal rates",
      "Discernment",
      "Co-movement during training",
      "Comparisons",
      "Prompts and answers",
      "Contamination",
      "About this report",
    ]);
    expect(page.title).toBe("demo · Discern");
    for (const canvas of page.querySelectorAll("canvas")) {
      expect(canvas.getAttribute("role")).toBe("img");
      expect(canvas.getAttribute("aria-label")).not.toBe("");
      expect(canvas.closest("section")?.querySelector("details table")).not.toBeNull();
    }
    expect(page.querySelectorAll("canvas")).toHaveLength(5);
    expect(texts(page, "main").filter((text) => /NaN|undefined/.test(text))).toEqual([]);
  });

  test("shows how the layer was chosen, with the controls, where a run left it to Discern", () => {
    const [first, ...others] = report.series;
    const chosen = open(
      reportHtml({ ...report, series: [{ ...first!, layerChoice: exampleChoice }, ...others] }, chartSource),
    );
    const section = [...chosen.querySelectorAll("section")].find(
      (one) => one.querySelector("h2")?.textContent === "Choice of the layer",
    );
    expect(section?.querySelectorAll("canvas")).toHaveLength(1);
    const cells = [...(section?.querySelector("tbody")?.querySelectorAll("td") ?? [])].map(
      (e) => e.textContent,
    );
    expect(cells.slice(2)).toEqual([
      "2 of 3",
      "0.90 (0.02)",
      "10 categories in 5 folds",
      "0.50 (0.57)",
      "0.63 (0.03)",
      "0.51 (0.01)",
    ]);
    expect(section?.querySelector("details table")?.textContent).toContain("– (–)");
  });

  test("shows what models wrote as text, never as markup", () => {
    expect(page.querySelectorAll("article script, article img")).toHaveLength(0);
    expect(texts(page, "blockquote").join()).toContain("<script>alert('never run')</script>");
    const data = html.slice(html.indexOf('id="report">') + 12);
    expect(data.slice(0, data.indexOf("</script>"))).not.toContain("<");
  });

  test("allows no script and no style but its own", () => {
    const policy = page.querySelector("meta[http-equiv]")?.getAttribute("content") ?? "";
    expect(policy).toMatch(/^default-src 'none'/);
    expect(policy).not.toContain("unsafe");
    const runnable = [...page.querySelectorAll("script:not([type])"), page.querySelector("style")!];
    expect(runnable).toHaveLength(3);
    for (const element of runnable) {
      const digest = createHash("sha256").update(element.textContent).digest("base64");
      expect(policy).toContain(`'sha256-${digest}'`);
    }
    expect(html).not.toMatch(/(src|href)="?https?:/);
  });

  test("finds flips, failures and words", () => {
    const [left, right, , show] = [...page.querySelectorAll("select")] as HTMLSelectElement[];
    const search = page.querySelector("input")!;
    const choose = (control: HTMLSelectElement | HTMLInputElement, value: string) => {
      control.value = value;
      control.dispatchEvent(new page.defaultView!.Event("input"));
    };
    const count = () => Number.parseInt(page.querySelector("[role=status]")?.textContent ?? "", 10);
    const [, , { flips }] = report.comparisons as [unknown, unknown, Report["comparisons"][number]];
    expect([left!.value, right!.value]).toEqual(["5", "8"]);
    expect(count()).toBe(flips.filter(({ seed }) => seed === 2).length);
    choose(show!, "4");
    expect(count()).toBe(flips.filter(({ seed, flip }) => seed === 2 && flip === "regained_help").length);
    choose(show!, "0");
    expect(count()).toBe(report.arms[8]!.results.length);
    expect(page.querySelectorAll("article")).toHaveLength(20);
    choose(search, "PYTHON PROCESS");
    expect(count()).toBe(
      report.arms[8]!.results.filter(({ prompt }) => prompt.includes("Python process")).length,
    );
  });

  test("does with one arm, one seed, no training curves and hostile names", () => {
    const small = exampleReport({ seeds: 1, perKind: 2 });
    const name = "</script><img src=x onerror=alert(1)>";
    const bare: Report = { ...small, comparisons: [], series: [], contamination: [], run: { name } };
    bare.arms = small.arms.slice(0, 1);
    const alone = open(reportHtml(bare, chartSource));
    expect(texts(alone, "h1")).toEqual([name]);
    expect(texts(alone, "h2")).not.toContain("Comparisons");
    expect(alone.querySelectorAll("img")).toHaveLength(0);
    expect(alone.querySelectorAll("article").length).toBeGreaterThan(0);
  });
});
