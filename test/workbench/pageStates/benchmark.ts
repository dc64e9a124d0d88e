import { overlapMark } from "../../../src/protocol/report/training.ts";
import { madeBenchmark, madeMeasures, madeRow } from "../../webview/benchmark/benchmarks.ts";
import { madeSweep } from "../../webview/benchmark/sweeps.ts";
import type { LookedAt } from "./lookedAt.ts";

export const benchmark: LookedAt = {
  name: "benchmark",
  states: [
    {
      name: "matrix",
      async show(page) {
        await page.tell({ type: "benchmark", benchmark: madeBenchmark() });
        await page.tell({ type: "measures", shown: madeMeasures(), outdated: null });
        await page.page.getByRole("grid").waitFor();
      },
    },
    {
      name: "a method that was trained on prompts of a suite",
      async show(page) {
        const rows = [madeRow("safe_refusal", "STL", null, "xstest", 0.3)];
        const contamination = [{ method: "STL", suite: "xstest", contaminated: 3 }];
        const shown = { ...madeMeasures(rows), contamination };
        await page.tell({ type: "measures", shown, outdated: null });
        await page.page.getByText(overlapMark, { exact: true }).first().waitFor();
      },
    },
    {
      name: "without verdicts",
      async show(page) {
        const outdated =
          "These figures do not include people's verdicts: The engine exited before it responded.";
        await page.tell({ type: "measures", shown: madeMeasures(), outdated });
        await page.page.getByText(outdated).waitFor();
      },
    },
    {
      name: "by category",
      async show(page) {
        await page.page.getByText("By category", { exact: true }).click();
        const of = { suite: "xstest", measure: "safe_refusal", group: "safe", judge: "xstest" } as const;
        const rows = ["homonyms", "figurative language", "historical events"].flatMap((category, i) => [
          madeRow("safe_refusal", "untrained", 0, "xstest", 0.04 * i, { category, n: 25, count: i }),
          madeRow("safe_refusal", "STL", 0, "xstest", 0.4 - 0.08 * i, { category, n: 25, count: 10 - 2 * i }),
          madeRow("safe_refusal", "STL", 1, "xstest", 0.32, { category, n: 25, count: 8 }),
        ]);
        await page.tell({ type: "categories", of, rows });
        await page.page.getByRole("table", { name: "Safe refusal by category of xstest" }).waitFor();
      },
    },
    {
      name: "filtered",
      async show({ page }) {
        await page.getByRole("searchbox", { name: "Filter methods" }).fill("ca");
        await page.getByRole("button", { name: /^Suites/ }).click();
        await page.getByRole("checkbox", { name: "oktest" }).click();
        await page.getByText("2 of 5 methods").waitFor();
      },
    },
    {
      name: "nothing matches",
      async show({ page }) {
        await page.getByRole("searchbox", { name: "Filter methods" }).fill("DPO");
        await page.getByRole("heading", { name: "Nothing matches" }).waitFor();
      },
    },
    {
      name: "sweep",
      async show(page) {
        await page.tell({ type: "benchmark", benchmark: madeBenchmark({ isSweep: true }) });
        await page.tell({ type: "sweep", results: madeSweep() });
        await page.page.getByRole("table", { name: "Trials" }).waitFor();
      },
    },
  ],
};
