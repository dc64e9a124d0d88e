import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Frame } from "playwright-core";
import { expect, it } from "vitest";
import { timeline } from "../../src/protocol/timeline.ts";
import { readEvents } from "../../src/runFolder/eventLog.ts";
import { describeWorkbench, useWorkbench } from "./useWorkbench.ts";
import { fillWorkspace } from "./workspace.ts";

/** The whole way of a researcher, with a real engine: launch, watch, come back, stop, go on, read. */
describeWorkbench("from a recipe to its report", () => {
  const workbench = useWorkbench({
    fill: fillWorkspace,
    settings: { "discern.labels.author": "Ada", "discern.runs.openReport": true },
  });
  const run = (name: string) => join(workbench.folder(), "runs", name);
  const story = (name: string) => timeline(readEvents(join(run(name), "events.jsonl")));
  const patient = { timeout: 120_000, interval: 250 };
  const dashboard = (name: string) => workbench().webview(`Dashboard: ${name}`);
  /** The data table beside the first chart, opened where it is closed. */
  const tableOf = async (page: Frame) => {
    const table = page.getByRole("table", { name: /^Refusal probability by probe/ });
    if ((await table.count()) === 0) await page.getByRole("button", { name: /table/i }).first().click();
    // Asked again before it is drawn, the button would close it.
    await table.waitFor();
    return table;
  };
  /** How many probes the table holds, by its caption: it shows the last leaf of them. */
  const probesInTable = async (page: Frame): Promise<number> => {
    const caption = await (await tableOf(page)).locator("caption").textContent();
    return Number(/ of ([\d,]+)$/.exec(caption ?? "")?.[1]?.replaceAll(",", "") ?? 0);
  };
  const stepsShown = async (page: Frame): Promise<number[]> =>
    (await (await tableOf(page)).locator("tbody tr td:nth-child(2)").allTextContents()).map(Number);

  it("offers to run a recipe above its first line, and says what it costs", async () => {
    await workbench().openFile("long.discern.json");
    const { page } = workbench();
    await page.getByRole("button", { name: "Compare methods" }).waitFor();
    await page.getByText(/≈ .* of memory/).waitFor();
    await workbench().screenshot("recipe");
  });

  it("runs a recipe from the palette, and the dashboard shows points as they come", async () => {
    await workbench().runCommand("Discern: Run Recipe…");
    await expect.poll(() => story("long").probes.length, patient).toBeGreaterThan(5);
    const page = await dashboard("long");
    await expect.poll(() => probesInTable(page), patient).toBeGreaterThan(5);
    // Nobody asked for the dashboard: the recipe is still what is worked at.
    await workbench()
      .page.getByRole("tab", { name: /^long\.discern\.json/, selected: true })
      .waitFor();
    // How far it is stands in the status bar alone.
    const toasts = workbench().page.locator(".notifications-toasts .notification-list-item");
    expect((await toasts.allTextContents()).filter((text) => /toxic|\d+\/\d+/.test(text))).toEqual([]);
    await workbench().screenshot("dashboard-live");
  });

  it("shows the whole curve again after a reload in the middle of the run, and the run goes on", async () => {
    const before = story("long");
    expect(before.state).toBe("running");
    await workbench().reload();
    const page = await dashboard("long");
    await expect.poll(() => probesInTable(page), patient).toBeGreaterThanOrEqual(before.probes.length);
    const earlier = page.getByRole("button", { name: "Earlier rows" });
    while (await earlier.isEnabled()) await earlier.click();
    const first = before.probes.slice(0, 25).map(({ globalStep }) => globalStep);
    await expect.poll(async () => (await stepsShown(page)).slice(0, first.length)).toEqual(first);
    await expect.poll(() => story("long").steps.length, patient).toBeGreaterThan(before.steps.length);
    await workbench().screenshot("dashboard-reloaded");
  });

  it("stops the run from the dashboard, which says what happens and when before the engine has answered, and saves it", async () => {
    const page = await dashboard("long");
    await expect.poll(() => workbench().engines("run"), patient).toHaveLength(1);
    const [engine] = await workbench().engines("run");
    process.kill(engine!, "SIGSTOP");
    try {
      const told = workbench().notification(/Stopping by step \d+/);
      await page.getByRole("button", { name: "Stop", exact: true }).click();
      await page
        .getByText(
          /^\s*Stopping by step \d+, about .*\. The checkpoint is written then; Resume continues from there\.$/,
        )
        .waitFor();
      const buttons = page.getByRole("region", { name: "Run long" }).locator(".actions vscode-button");
      await expect
        .poll(() =>
          buttons.evaluateAll((all) => all.map((each) => [each.textContent, each.hasAttribute("disabled")])),
        )
        .toEqual([
          ["Stopping…", true],
          ["Stop and keep best", true],
        ]);
      await workbench()
        .page.locator(".statusbar-item", { hasText: /stopping by step \d+/ })
        .waitFor();
      await told;
      await workbench().screenshot("dashboard-stopping");
      // Nothing of this came from the engine.
      expect(story("long").state).toBe("running");
    } finally {
      process.kill(engine!, "SIGCONT");
    }
    await expect.poll(() => story("long").state, patient).toBe("stopped");
    await page
      .getByText(/stopped/i)
      .first()
      .waitFor();
    await workbench().screenshot("dashboard-stopped");
  });

  it("resumes it, and ends it with its best state", async () => {
    const { steps } = story("long");
    const page = await dashboard("long");
    await page.getByRole("button", { name: /^Resume/ }).click();
    await expect.poll(() => story("long").steps.length, patient).toBeGreaterThan(steps.length + 5);
    await page.getByRole("button", { name: /keep best/i }).click();
    await expect.poll(() => story("long").state, patient).toBe("finished");
    expect(story("long").ends.at(-1)).toMatchObject({ stage: 1, reason: "kept-best" });
    // The report opens behind the dashboard, at which somebody looks.
    await workbench().tab("report.json").waitFor();
    await dashboard("long");
  });

  it("saves a chart as its data and as pictures", async () => {
    const page = await dashboard("long");
    const save = async (format: "CSV" | "SVG" | "PNG") => {
      const file = join(workbench.folder(), `refusal.${format.toLowerCase()}`);
      await page.getByRole("button", { name: `Save Refusal probability as ${format}` }).click();
      await workbench().saveAs(file);
      await expect.poll(() => existsSync(file), patient).toBe(true);
      return readFile(file);
    };
    const { probes } = story("long");
    await expect.poll(() => probesInTable(page), patient).toBe(probes.length);
    const rows = (await save("CSV")).toString().trim().split("\n");
    expect(rows).toHaveLength(probes.length + 1);
    expect(rows[0]).toContain("step");
    expect((await save("SVG")).toString()).toMatch(/^<svg.*<\/svg>\s*$/s);
    expect((await save("PNG")).subarray(1, 4).toString()).toBe("PNG");
  });

  it("shows the evaluation in the dataset file: figures, marks, and both answers in the hover", async () => {
    const { page } = workbench();
    await workbench().openFile("prompts/pairs.csv");
    const figures = page.locator(".codelens-decoration", { hasText: /safe .* refused/ });
    await figures.waitFor();
    // Every prompt that was evaluated is counted, also where the small model's answer holds no words.
    await expect.poll(() => figures.textContent()).toContain("96 of ");
    await workbench().runCommand("Discern: Next Refusal Failure");
    await page
      .getByText(/(over|under)-refused/)
      .first()
      .waitFor();
    await workbench().screenshot("evaluation-lens");
    await workbench().hoverAtCursor(/untrained: /);
    await workbench().screenshot("evaluation-hover");
    await page.keyboard.press("Escape");
  });

  it("relabels by a quick fix, and the label log has it", async () => {
    await workbench().quickFix("Relabel as general", () => workbench().screenshot("evaluation-quick-fix"));
    const log = join(run(".."), "prompts/pairs.csv.labels.jsonl");
    await expect.poll(() => readFile(log, "utf8").catch(() => ""), patient).toContain("\n");
    expect(JSON.parse((await readFile(log, "utf8")).split("\n")[0]!)).toMatchObject({
      label: "general",
      by: "Ada",
    });
  });

  it("opens the report, where a verdict can be changed", async () => {
    await workbench().openSideBar("Discern");
    const item = workbench().treeItem(/^long/);
    await item.hover();
    await item.getByRole("button", { name: "Open Report" }).click();
    const page = await workbench().webview("Report: long");
    await page.getByRole("region", { name: "Refusal rate of safe prompts", exact: true }).waitFor();
    await page.getByRole("tab", { name: "Answers" }).click();
    await page.getByRole("listbox").press("c");
    await page.getByText("Judged the answer of long as compliance, saved").waitFor();
    await workbench().screenshot("report");
    const judged = JSON.parse((await readFile(join(run("long"), "judgements.jsonl"), "utf8")).trim());
    expect(judged).toMatchObject({ verdict: "full_compliance", by: "Ada" });
  });
});
