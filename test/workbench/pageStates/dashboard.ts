import { shownEvent } from "../../../src/extension/dashboard/shownEvents.ts";
import { stoppingOf } from "../../../src/extension/runs/stopping.ts";
import type { ShownEvent, ShownProgress } from "../../../src/protocol/webview/dashboard.ts";
import { syntheticRun } from "../../webview/dashboard/syntheticRun.ts";
import type { PageInBrowser } from "../pageInBrowser.ts";
import type { LookedAt } from "./lookedAt.ts";
import { mentions, shownResult } from "./runResults.ts";

const log = syntheticRun({ seed: 1, dcr: 30, stl: 40, every: 5, prompts: 3 });
const firstProbe = log.findIndex(({ type }) => type === "probe");
const shown = (events: typeof log) => events.map(shownEvent).filter((event) => event !== null);
const warning = {
  type: "warning",
  at: log[0]!.at,
  seq: 1,
  message: "3 rows of prompts.csv were left out.",
} as const;

const ended = { step: 70, totalSteps: 70, etaSeconds: null, activity: null, problem: null, stopping: null };
const finished: ShownProgress = { ...ended, state: "finished", hasReport: true };
const running: ShownProgress = { ...ended, state: "running", hasReport: false, step: 0 };

function showRuns(page: PageInBrowser, ids: readonly string[]): Promise<unknown> {
  const runs = ids.map((id) => ({ id, label: id, method: id }));
  return page.tell({ type: "runs", runs, kept: { follows: [], removed: [] } });
}

function tell(
  page: PageInBrowser,
  run: string,
  progress: ShownProgress,
  events: readonly ShownEvent[] = shown(log),
) {
  return page.tell({ type: "events", run, reset: true, events, progress });
}

export const dashboard: LookedAt = {
  name: "dashboard",
  states: [
    { name: "empty", show: (page) => showRuns(page, []) },
    {
      name: "before the first probe",
      async show(page) {
        await showRuns(page, ["a"]);
        await tell(page, "a", running, shown([...log.slice(0, firstProbe), warning]));
        await page.page.getByText("Measuring the untrained model…").waitFor();
      },
    },
    {
      name: "one run",
      async show(page) {
        await tell(page, "a", finished);
        await page.page.getByRole("heading", { name: "Refusal and co-movement" }).waitFor();
      },
    },
    {
      name: "stopping",
      async show(page) {
        const asked = { label: "a", state: "running", step: 35, totalSteps: 70, last: null } as const;
        const { long, keepBest } = stoppingOf({ ...asked, stepSeconds: 4 }, false);
        const progress = { ...running, step: 35, etaSeconds: 900, stopping: { keepBest, words: long } };
        await tell(page, "a", progress, shown(log.slice(0, Math.floor(log.length / 2))));
        await page.page.getByText(long).first().waitFor();
      },
    },
    {
      name: "of a folder that is gone",
      async show(page) {
        await tell(page, "a", { ...finished, state: "gone", totalSteps: null, hasReport: false });
        await page.page.getByText("The folder of this run was deleted or moved.").waitFor();
      },
    },
    {
      name: "two runs",
      async show(page) {
        await showRuns(page, ["a", "b"]);
        await tell(page, "a", finished);
        await tell(page, "b", { ...finished, state: "failed", problem: "The loss is not finite." });
        await page.page.getByRole("alert").waitFor();
      },
    },
    {
      name: "tables",
      async show({ page }) {
        const buttons = page.getByRole("button", { name: /table/i, pressed: false });
        for (let left = await buttons.count(); left > 0; left--) await buttons.first().click();
      },
    },
    {
      name: "figure of the laboratory",
      async show(page) {
        await page.tell({ type: "settings", blur: true });
        await page.tell({ type: "results", run: "a", mentions });
        await page.tell({ type: "result", run: "a", shown: shownResult });
        await page.page.getByRole("region", { name: shownResult.title }).scrollIntoViewIfNeeded();
      },
    },
  ],
};
