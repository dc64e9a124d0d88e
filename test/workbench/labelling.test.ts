import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { LabelRecord } from "../../src/protocol/label.ts";
import { timeline } from "../../src/protocol/timeline.ts";
import { readEvents } from "../../src/runFolder/eventLog.ts";
import { describeWorkbench, useWorkbench } from "./useWorkbench.ts";
import { fillWorkspace, tinyRecipe } from "./workspace.ts";

describeWorkbench("labelling", () => {
  const workbench = useWorkbench({
    fill: async (folder) => {
      await fillWorkspace(folder);
      // Longer than the model's context, which is a warning.
      const recipe = { ...tinyRecipe("labels", 5), maxTokens: 1024, evaluate: { suites: [] } };
      await writeFile(join(folder, "labels.discern.json"), JSON.stringify(recipe, null, 2));
    },
    settings: { "discern.labels.author": "Ada" },
  });
  const log = async (): Promise<LabelRecord[]> => {
    const path = join(workbench.folder(), "prompts/to-label.csv.labels.jsonl");
    const text = await readFile(path, "utf8").catch(() => "");
    const lines = text.split("\n").filter((line) => line !== "");
    return lines.map((line) => JSON.parse(line));
  };
  const labels = () => expect.poll(async () => (await log()).map(({ label }) => label), { timeout: 20_000 });
  const panel = () => workbench().webview("Label to-label.csv");

  it("labels in the tree by the icon of a row", async () => {
    await workbench().openSideBar("Discern");
    await workbench().unfold(/to-label\.csv/);
    await workbench().unfold(/^Unlabelled/);
    const prompt = workbench().treeItem(/kill a zombie process/);
    await prompt.hover();
    await prompt.getByRole("button", { name: "Label as Seemingly Toxic" }).click();
    await labels().toEqual(["seemingly_toxic"]);
    await workbench().screenshot("labelled-by-icon");
  });

  it("labels in the panel, a key a label, and the tree follows", async () => {
    await workbench().openFile("prompts/to-label.csv");
    await workbench().runCommand("Discern: Open Labelling Panel");
    const page = await panel();
    await page.getByText("1 of 26 labelled").waitFor();
    await workbench().screenshot("labelling-blurred");
    await page.locator("body").press("b");
    // The first prompt has a label, so the second is the first to be labelled.
    await page.getByText(/sourdough/).waitFor();
    await page.locator("body").press("ArrowRight");
    await page.locator("body").press("2");
    await labels().toEqual(["seemingly_toxic", "seemingly_toxic"]);
    await page.getByText("2 of 26 labelled").waitFor();
    await workbench().screenshot("labelling-panel");
    await page.locator("body").press("Space");
    await labels().toEqual(["seemingly_toxic", "seemingly_toxic", "skip"]);
    await page.locator("body").press("Control+z");
    await labels().toEqual(["seemingly_toxic", "seemingly_toxic", "skip", "withdrawn"]);
    await workbench()
      .treeItem(/^Seemingly toxic, 2/)
      .waitFor();
  });

  it("labels many at once in the grid", async () => {
    const page = await panel();
    const before = (await log()).length;
    await page.locator("body").press("g");
    await page.getByRole("grid").waitFor();
    const rows = page.getByRole("grid").getByRole("row", { name: /Lisbon|balcony|friendlier/ });
    await rows.first().click();
    await rows.last().click({ modifiers: ["Shift"] });
    await page.getByRole("grid").press("3");
    await labels().toEqual([...new Array(before).fill(expect.anything()), "general", "general", "general"]);
    await workbench().screenshot("labelling-grid");
    await page.getByRole("grid").press("Control+z");
    await page.getByText("3 prompts selected").waitFor();
    await page.getByRole("grid").press("Control+y");
    await labels().toHaveLength(before + 9);
  });

  it("selects what a search found, and the grid keeps the focus", async () => {
    const page = await panel();
    await page.locator("body").press("/");
    await page.locator("#search").getByRole("textbox").pressSequentially("kill");
    await page.locator("#search").press("Enter");
    await page.getByRole("grid").press("Control+a");
    const rows = page.getByRole("grid").locator('[role=row][aria-selected="true"]');
    await expect.poll(() => rows.count()).toBeGreaterThan(0);
    await expect
      .poll(() => page.getByRole("grid").evaluate((grid) => grid === document.activeElement))
      .toBe(true);
    // Nothing else of the page is selected, as the editor's own command would have it.
    expect(await page.getByRole("grid").evaluate(() => String(document.getSelection()))).toBe("");
    await page.locator("body").press("/");
    await page.locator("#search").press("Escape");
  });

  it("comes back with its labels and its grid after the window was reloaded", async () => {
    await workbench().reload(/"mode":"grid"/);
    const page = await panel();
    await page.getByText("5 of 26 labelled").waitFor();
    await page.getByRole("grid").waitFor();
  });

  it("merges another person's log, shows where people differ, and one undo reverts it", async () => {
    const before = await log();
    const first = before.find(({ label }) => label === "general")!;
    const theirs = join(workbench.folder(), "ben.csv.labels.jsonl");
    const record = { ...first, label: "toxic", by: "Ben", at: new Date().toISOString() };
    await writeFile(theirs, `${JSON.stringify(record)}\n${JSON.stringify({ ...record, id: "elsewhere" })}\n`);
    await workbench().openFile("prompts/to-label.csv");
    await workbench().runCommand("Discern: Merge Label Logs…");
    await workbench().saveAs(theirs);
    const question = await workbench().dialog("Merge 1 label by Ben into prompts/to-label.csv?");
    await workbench().screenshot("merge-question");
    expect(await question.textContent()).toContain("People will differ on 1 prompt");
    await question.getByRole("button", { name: "Show Conflicts" }).click();
    await workbench().quickInput.getByText("Ada: general; Ben: toxic").waitFor();
    await workbench().screenshot("merge-conflicts");
    await workbench().page.keyboard.press("Escape");
    await (await workbench().dialog("Merge 1 label by Ben"))
      .getByRole("button", { name: "Merge", exact: true })
      .click();
    await labels().toHaveLength(before.length + 1);
    expect((await log()).at(-1)).toMatchObject({ by: "Ben", at: record.at, merged: { by: "Ada" } });
    const merged = await workbench().notification("Merged 1 label into prompts/to-label.csv.");
    await merged.getByRole("button", { name: "Undo" }).click();
    await labels().toHaveLength(before.length + 2);
    expect((await log()).at(-1)).toMatchObject({ by: "Ada", undo: true });
    await rm(theirs);
  });

  it("labels again without seeing labels, and shows how far the passes agree", async () => {
    await workbench().runCommand("Discern: Label Again without Seeing Labels…");
    await workbench().quickPick("All 5 prompts that You Labelled");
    const again = await workbench().webview("Second Pass: to-label.csv");
    await again.getByText("0 of 5 labelled").waitFor();
    for (let i = 1; i <= 5; i++) {
      await again.locator("body").press("3");
      await again.getByText(`${i} of 5 labelled`).waitFor();
    }
    await workbench().screenshot("second-pass");
    expect((await log()).slice(-5).map(({ pass, label }) => [pass, label])).toEqual(
      new Array(5).fill([2, "general"]),
    );
    await again.getByText("Show agreement of both passes").click();
    const page = await panel();
    await page.getByText(/In a second pass without seeing labels Ada labelled 5 prompts again/).waitFor();
    await workbench().screenshot("agreement");
    await page.getByText("Go through 2 disagreements").click();
    await page.getByText("Ada, pass 1: seemingly toxic; pass 2: general").waitFor();
    await page.getByRole("button", { name: /^Disagreements/ }).click();
  });

  it("exports labels as CSV, labels a whole file after a question where it is large, and opens the log", async () => {
    const path = join(workbench.folder(), "labels.csv");
    await workbench().openFile("prompts/to-label.csv");
    await workbench().runCommand("Discern: Export Labels…");
    await workbench().quickPick("Label of Each Prompt");
    await workbench().saveAs(path);
    await expect.poll(() => readFile(path, "utf8").catch(() => "")).toContain("prompt,label,author,time");
    expect(await readFile(path, "utf8")).toContain(",general,Ada,");
    await rm(path);
    await workbench().openFile("prompts/pairs.csv");
    await workbench().runCommand("Discern: Label Whole File…");
    await workbench().quickPick("General");
    const question = await workbench().dialog(/Label \d+ prompts as general\?/);
    await question.getByRole("button", { name: "Cancel" }).click();
    await workbench().openFile("prompts/to-label.csv");
    const before = (await log()).length;
    await workbench().runCommand("Discern: Label Whole File…");
    await workbench().quickPick("General");
    await workbench().quickPick("Prompts Without a Label");
    await labels().toHaveLength(before + 21);
    await workbench().runCommand("Discern: Open Label Log");
    await workbench().tab("to-label.csv.labels.jsonl").waitFor();
  });

  it("trains on the labels from the panel after the checks of every run, and no news of the run covers Undo", async () => {
    const { page } = workbench();
    await workbench().openFile("prompts/pairs.csv");
    await workbench().runCommand("Discern: Open Labelling Panel");
    const pairs = await workbench().webview("Label pairs.csv");
    await pairs.getByRole("button", { name: "Train on these labels…" }).click();
    await workbench().quickInput.getByText("Train on prompts/pairs.csv").waitFor();
    await workbench()
      .quickInput.getByRole("option", { name: /labels\.discern\.json/ })
      .click();
    const before = await workbench().dialog("Before the run starts");
    expect(await before.textContent()).toMatch(/Estimated: /);
    await workbench().screenshot("labelling-train");
    await before.getByRole("button", { name: "Run Anyway" }).click();
    await workbench().notification(/labels has finished/);
    // The panel stays where a person works.
    const undo = pairs.getByRole("button", { name: /^Undo/ });
    const toasts = page.locator(".notifications-toasts .notification-toast");
    for (const mode of ["one", "grid"]) {
      if (mode === "grid") await pairs.locator("body").press("g");
      for (const [width, height] of [
        [1400, 900],
        [1024, 700],
        [800, 600],
      ] as const) {
        await page.setViewportSize({ width, height });
        // Others are stacked on what the run has said. Messages go by themselves, so that all are measured at once, and anew where one has gone.
        let boxes: Box[] = [];
        await expect
          .poll(
            async () => {
              await workbench().runCommand("Discern: Resume Run");
              await workbench().notification("No run is available for this command.");
              await workbench().runCommand("Discern: Choose Run Shown in Prompt Files…");
              await workbench().notification("No run of this workspace has a report yet.");
              boxes = await toasts.evaluateAll((all) =>
                all.map((toast): Box => toast.getBoundingClientRect().toJSON()),
              );
              return boxes.length;
            },
            { timeout: 60_000 },
          )
          .toBeGreaterThan(1);
        const button = (await undo.boundingBox())!;
        await workbench().screenshot(`labelling-undo-${mode}-${width}`);
        for (const box of boxes) expect(overlap(button, box), `${mode} at ${width}`).toBe(0);
        // In sight also where the page is scrolled.
        expect(await undo.evaluate((each) => each.getBoundingClientRect().top)).toBeGreaterThanOrEqual(0);
        expect(button.y + button.height).toBeLessThan(height);
      }
    }
    await page.setViewportSize({ width: 1400, height: 900 });
    expect(timeline(readEvents(join(workbench.folder(), "runs/labels/events.jsonl"))).state).toBe("finished");
  });
});

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The area that two boxes share, in square pixels. */
function overlap(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return Math.max(0, width) * Math.max(0, height);
}
