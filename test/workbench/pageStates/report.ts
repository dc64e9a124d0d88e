import type { EarlierComparison } from "../../../src/protocol/report/earlier.ts";
import type { Report } from "../../../src/protocol/report/report.ts";
import { figuresOf } from "../../../src/protocol/webview/report.ts";
import { exampleBenchmark, exampleFailures, exampleReport } from "../../engine/evaluate/fixture.ts";
import type { LookedAt } from "./lookedAt.ts";
import { mentions, shownResult } from "./runResults.ts";

const toldReport = (report: Report) => {
  return { type: "report", answers: report.answers, figures: figuresOf(report), judged: [], broken: [] };
};
export const report: LookedAt = {
  name: "report",
  states: [
    { name: "damaged", show: (page) => page.tell({ type: "damaged", message: "report.json is no report." }) },
    {
      name: "figures",
      async show(page) {
        await page.tell({ type: "blur", blur: true });
        await page.tell(
          toldReport({
            ...exampleReport({ seeds: 2, perKind: 4 }),
            benchmark: {
              ...exampleBenchmark,
              failures: exampleFailures(exampleReport({ seeds: 2, perKind: 4 })),
            },
          }),
        );
        await page.page.getByRole("region", { name: "Refusal rate of safe prompts", exact: true }).waitFor();
      },
    },
    {
      name: "compared with an earlier one",
      async show(page) {
        const made = exampleReport({ seeds: 2, perKind: 4 });
        const [first] = made.comparisons;
        const changes: [suite: string, value: number][] = [
          ["got worse", -0.3],
          ["got better", 0.3],
          ["as before", 0],
        ];
        const differences = changes.map(([suite, value]) => ({
          ...first!.differences[0]!,
          suite,
          difference: { value, lower: value - 0.1, upper: value + 0.1 },
        }));
        const earlier: EarlierComparison = {
          earlier: { name: "last week", created: "2026-01-01T00:00:00Z" },
          methods: [
            { method: "STL", comparison: { ...first!, differences } },
            { method: "DCR → STL", comparison: null },
          ],
          notes: ["Only in this report: SCANS."],
        };
        await page.tell({ type: "earlier", earlier, wasAsked: true });
        await page.page.getByRole("table", { name: /^Differences since last week/ }).waitFor();
      },
    },
    {
      name: "figure of the laboratory",
      async show(page) {
        await page.tell(
          toldReport({ ...exampleReport({ seeds: 2, perKind: 4 }), laboratory: [...mentions] }),
        );
        await page.tell({ type: "result", shown: shownResult });
        await page.page.getByRole("region", { name: shownResult.title }).scrollIntoViewIfNeeded();
      },
    },
    {
      name: "answers",
      async show({ page }) {
        await page.getByRole("tab", { name: "Answers" }).click();
        await page.getByRole("listbox").waitFor();
      },
    },
  ],
};
