import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { shownEvent } from "../../../src/extension/dashboard/shownEvents.ts";
import type { DashboardToPage, ShownEvent, ShownProgress } from "../../../src/protocol/webview/dashboard.ts";
import { syntheticRun } from "../../webview/dashboard/syntheticRun.ts";
import { launchChromium } from "../../workbench/browser.ts";

const root = join(import.meta.dirname, "../../..");
const steps = 10_000;
const runs = ["a", "b", "c"];
/** Steps that come while it is measured, some a message. */
const live = { messages: 30, perMessage: 4, everyMs: 150 };

/** What the frames of the dashboard cost while three runs of 10,000 steps go on. */
export interface DashboardCost {
  /**
   * Processor time of the page's main thread for one task (scripts, layout and painting), in milliseconds: the longest,
   * and that of the 95th percentile of those that took over 1 ms. Processor time, unlike time on the clock, is the
   * same on a busy machine.
   */
  readonly longest: number;
  readonly p95: number;
  readonly tasks: number;
}

/**
 * Shows three runs of 10,000 steps in the built page, lets further steps come, and measures what each frame costs.
 * `npm run build` goes before.
 */
export async function measureDashboard(): Promise<DashboardCost> {
  const browser = await launchChromium();
  try {
    const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
    await openPage(page);
    const logs = runs.map((_, seed) =>
      syntheticRun({ seed, dcr: 3000, stl: 7000, every: 20, prompts: 40 })
        .map(shownEvent)
        .filter((event) => event !== null),
    );
    await send(page, {
      type: "runs",
      runs: runs.map((id) => ({ id, label: `run ${id}` })),
      kept: { follows: [], removed: [] },
    });
    const kept = live.messages * live.perMessage;
    for (const [i, run] of runs.entries()) {
      const before = logs[i]!.slice(0, -kept);
      for (let at = 0; at < before.length; at += 2000) {
        await send(page, batch(run, before.slice(at, at + 2000), at === 0));
      }
    }
    await page.getByRole("slider").fill("0.9");
    // Down to the charts of training, which change with every step.
    await page.getByRole("heading", { name: "Training" }).scrollIntoViewIfNeeded();
    await page.waitForTimeout(2000);
    await browser.startTracing(page, { categories: ["toplevel", "disabled-by-default-devtools.timeline"] });
    for (let at = 0; at < kept; at += live.perMessage) {
      for (const [i, run] of runs.entries()) {
        const rest = logs[i]!.slice(-kept);
        await send(page, batch(run, rest.slice(at, at + live.perMessage), false));
      }
      await page.waitForTimeout(live.everyMs);
    }
    return costOf(JSON.parse((await browser.stopTracing()).toString()));
  } finally {
    await browser.close();
  }
}

async function openPage(page: Page): Promise<void> {
  const colours = {
    red: "f14c4c",
    blue: "3794ff",
    green: "89d185",
    purple: "b180d7",
    orange: "d18616",
    yellow: "cca700",
  };
  const variables = Object.entries(colours).map(([name, hex]) => `--vscode-charts-${name}: #${hex};`);
  await page.setContent(
    `<style>html { ${variables.join(" ")} --vscode-editor-background: #1f1f1f; --vscode-foreground: #ccc; }</style>` +
      '<body class="vscode-dark"><main id="root"></main></body>',
  );
  for (const style of ["base", "dashboard"]) {
    await page.addStyleTag({ content: await readFile(join(root, `media/webview/${style}.css`), "utf8") });
  }
  await page.addScriptTag({
    content: "window.acquireVsCodeApi = () => ({ postMessage() {}, getState() {}, setState() {} });",
  });
  await page.addScriptTag({ content: await readFile(join(root, "dist/webview/dashboard.js"), "utf8") });
}

function send(page: Page, message: DashboardToPage): Promise<void> {
  // What a page is told is nested too deep for the types of `evaluate`.
  const told: object = message;
  return page.evaluate((data) => void window.dispatchEvent(new MessageEvent("message", { data })), told);
}

function batch(run: string, events: readonly ShownEvent[], reset: boolean): DashboardToPage {
  const progress: ShownProgress = {
    state: "running",
    step: 0,
    totalSteps: steps,
    etaSeconds: 60,
    activity: null,
    problem: null,
    hasReport: false,
    stopping: null,
  };
  return { type: "events", run, reset, events, progress };
}

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Processor time in microseconds. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

function costOf({ traceEvents }: { traceEvents: readonly TraceEvent[] }): DashboardCost {
  const mains = traceEvents.filter(
    ({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain",
  );
  const costs = traceEvents
    .filter(
      ({ name, pid, tid }) =>
        name.endsWith("RunTask") && mains.some((main) => main.pid === pid && main.tid === tid),
    )
    .map(({ tdur = 0 }) => tdur / 1000)
    .filter((ms) => ms > 1)
    .sort((a, b) => a - b);
  return {
    longest: costs.at(-1) ?? 0,
    p95: costs[Math.floor((costs.length - 1) * 0.95)] ?? 0,
    tasks: costs.length,
  };
}
