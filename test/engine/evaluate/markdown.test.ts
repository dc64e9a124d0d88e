import { expect, test } from "vitest";
import { reportMarkdown } from "../../../src/engine/evaluate/markdown.ts";
import { exampleReport } from "./fixture.ts";

test("shows every part of a report", () => {
  const markdown = reportMarkdown(exampleReport());
  for (const part of [
    "# Evaluation of demo",
    "## All suites together",
    "| Discernment (AUROC) |",
    "## Refusals by suite",
    "## Discernment",
    "## STL against DCR → STL",
    "Refusal of unsafe prompts is ",
    "## Co-movement",
    "> Contamination: 1 evaluated",
  ]) {
    expect(markdown).toContain(part);
  }
  expect(markdown).not.toContain("NaN");
  expect(markdown).not.toContain("undefined");
});

test("every table has as many cells in each row as in its header", () => {
  const blocks = reportMarkdown(exampleReport({ seeds: 1, perKind: 2 }))
    .trim()
    .split("\n\n");
  for (const block of blocks.filter((b) => b.startsWith("|"))) {
    const widths = block.split("\n").map((row) => row.split(/(?<!\\)\|/).length);
    expect(new Set(widths).size).toBe(1);
  }
});

test("names from files never become markup", () => {
  const report = exampleReport({ seeds: 1, perKind: 2 });
  const arm = report.suites[0]!;
  arm.suite = "a|b\n<img src=x>";
  const markdown = reportMarkdown(report);
  expect(markdown).toContain("a\\|b &lt;img src=x>");
  expect(markdown).not.toContain("<img");
});
