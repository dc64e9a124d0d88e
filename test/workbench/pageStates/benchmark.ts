import { madeBenchmark, madeMeasures } from "../../webview/benchmark/benchmarks.ts";
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
      name: "without verdicts",
      async show(page) {
        const outdated =
          "These figures do not include people's verdicts: The engine exited before it responded.";
        await page.tell({ type: "measures", shown: madeMeasures(), outdated });
        await page.page.getByText(outdated).waitFor();
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
