import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";
import type { LabelRecord } from "../../src/protocol/label.ts";
import { describeWorkbench, useWorkbench } from "./useWorkbench.ts";
import { fillWorkspace } from "./workspace.ts";

/** About 12 MB of prompts. */
const large = Array.from(
  { length: 120_000 },
  (_, i) =>
    `"Prompt ${i + 1}: how do I kill ${i} idle processes, and what do they say of it in the manual?",general`,
);

describeWorkbench("bad input", () => {
  const workbench = useWorkbench({
    async fill(folder) {
      await fillWorkspace(folder);
      await writeFile(join(folder, "prompts/large.csv"), `prompt,label\n${large.join("\n")}\n`);
      const cli = join(import.meta.dirname, "../../dist/cli.js");
      await execa(process.execPath, [cli, "run", "tiny.discern.json", "--out", "runs/tiny"], { cwd: folder });
    },
    settings: { "discern.labels.author": "Ada", "discern.prompts.largeFileMegabytes": 1 },
  });
  const toasts = (kind: string) => workbench().page.locator(`.notifications-toasts .codicon-${kind}`).count();

  it("that is a large file is told, and read with its progress when one asks for it", async () => {
    const hosts = () => workbench().processes("--type=extensionHost");
    await expect.poll(hosts).toHaveLength(1);
    const [host] = await hosts();
    const told = workbench().notification(/large\.csv is \d+ MB large/);
    await workbench().openSideBar("Discern");
    await (await told).hover();
    await workbench()
      .treeItem(/large\.csv, large, not read/)
      .waitFor();
    await workbench().screenshot("large-told");
    await (await told).getByRole("button", { name: "Read It" }).click();
    const reading = await workbench().notification(/Reading prompts\/large\.csv: \d+ %/);
    // Whoever reads is held, so that it is not over before it is cancelled.
    process.kill(host!, "SIGSTOP");
    try {
      await workbench().screenshot("large-reading");
      await reading.getByRole("button", { name: "Cancel" }).click();
    } finally {
      process.kill(host!, "SIGCONT");
    }
    await workbench()
      .treeItem(/large\.csv, large, not read/)
      .waitFor();
    await workbench()
      .page.locator(".notifications-toasts", { hasText: "Reading" })
      .waitFor({ state: "detached" });
    expect(await toasts("error")).toBe(0);
    const row = workbench().treeItem(/large\.csv/);
    await row.hover();
    await row.getByRole("button", { name: "Read Large File" }).click();
    await workbench()
      .treeItem(/large\.csv, 120,000 general/)
      .waitFor();
    await workbench().screenshot("large-read");
  });

  it("of two people who label one file in two windows at once loses neither's", async () => {
    const other = await workbench().newWindow();
    const windows = [workbench(), other];
    const panels = [];
    for (const one of windows) {
      await one.openFile("prompts/to-label.csv");
      await one.runCommand("Discern: Open Labelling Panel");
      panels.push(await one.webview("Label to-label.csv"));
    }
    for (const panel of panels) await panel.getByText("0 of 26 labelled").waitFor();
    const [first, second] = panels as [(typeof panels)[0], (typeof panels)[0]];
    const shown = await second.getByRole("article", { name: "Prompt" }).textContent();
    await second.locator("body").press("ArrowRight");
    await expect.poll(() => second.getByRole("article", { name: "Prompt" }).textContent()).not.toBe(shown);
    await Promise.all([first.locator("body").press("1"), second.locator("body").press("3")]);
    for (const panel of panels) await panel.getByText("2 of 26 labelled").waitFor();
    const text = await readFile(join(workbench.folder(), "prompts/to-label.csv.labels.jsonl"), "utf8");
    const labels = text
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as LabelRecord).label);
    expect(labels.sort()).toEqual(["general", "toxic"]);
    await workbench().screenshot("two-panels");
    await other.page.close();
  });

  it("of a run folder that is deleted while its dashboard and its report are open is told there", async () => {
    const run = workbench().treeItem(/^tiny, finished/);
    await workbench().openSideBar("Discern");
    await run.hover();
    await run.getByRole("button", { name: "Open Dashboard" }).click();
    await (await workbench().webview(/Dashboard/)).getByText("finished").first().waitFor();
    await run.hover();
    await run.getByRole("button", { name: "Open Report" }).click();
    const report = await workbench().webview(/^Report: tiny/);
    await report.getByRole("tab", { name: "Figures" }).waitFor();
    await rm(join(workbench.folder(), "runs/tiny"), { recursive: true });
    await run.waitFor({ state: "detached" });
    await report
      .getByText(/There is no .*report\.json/)
      .first()
      .waitFor();
    await workbench().screenshot("report-deleted");
    await workbench().tab("Dashboard: tiny").click();
    await (await workbench().webview(/Dashboard/)).getByText(/The folder of this run was deleted/).waitFor();
    await workbench().screenshot("dashboard-deleted");
    expect(await toasts("error")).toBe(0);
  });
});
