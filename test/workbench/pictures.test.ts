import { existsSync } from "node:fs";
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { it } from "vitest";
import { writeSample } from "../../src/extension/sample/files.ts";
import { cellProgress, readCellEvents } from "../../src/runFolder/comparison.ts";
import { skipWhen } from "../skip.ts";
import { describeWorkbench, useWorkbench } from "./useWorkbench.ts";

const root = join(import.meta.dirname, "../..");
const pictures = join(root, "docs/images/workbench");
const trained = process.env.DISCERN_PICTURES ?? "";

/**
 * The sample workspace as a newcomer goes through it, with the real model: pull, label, compare methods, watch, read. It takes
 * the pictures of the documents on the way, and about twenty minutes, so it runs only when `DISCERN_PICTURES` is set:
 * to 1, or to a sample workspace in which the comparison has finished.
 */
const unasked = skipWhen(
  !process.env.DISCERN_PICTURES,
  "the documents' pictures: DISCERN_PICTURES is not set.",
);
describeWorkbench.skipIf(unasked)("the sample workspace", () => {
  const workbench = useWorkbench({
    fill: async (folder) => {
      if (existsSync(trained)) await cp(trained, folder, { recursive: true });
      await writeSample(folder, root);
      await mkdir(pictures, { recursive: true });
    },
    settings: { "discern.labels.author": "Ada" },
  });
  const picture = (name: string) => workbench().page.screenshot({ path: join(pictures, `${name}.png`) });
  /** Where the pointer raises no hover of its own. */
  const aside = () => workbench().page.mouse.move(1, 899);
  const comparison = () => join(workbench.folder(), "runs/dcr-sample-comparison");
  const settle = () => workbench().settled();
  const quiet = () => workbench().runCommand("Notifications: Clear All Notifications");

  it("pulls the model", async () => {
    await workbench().openSideBar("Discern");
    await workbench().runCommand("Discern: Pull a Model…");
    await workbench().quickPick("smollm2-135m");
    await workbench()
      .treeItem(/^(smollm2-135m|HuggingFaceTB\/SmolLM2-135M-Instruct)\b/)
      .first()
      .waitFor({ timeout: 240_000 });
  });

  it("labels a few prompts", async () => {
    await quiet();
    await workbench().openFile("prompts/to-label.csv");
    await workbench().runCommand("Discern: Open Labelling Panel");
    const page = await workbench().webview("Label to-label.csv");
    await page.locator("body").press("b");
    for (const [i, key] of ["2", "2", "2", "1", "2"].entries()) {
      await page.locator("body").press(key);
      await page.getByText(`${i + 1} of 26 labelled`).waitFor();
    }
    await workbench().unfold(/to-label\.csv/);
    await quiet();
    await aside();
    await settle();
    await picture("labelling");
  });

  it("says what a recipe costs", async () => {
    const { page } = workbench();
    await workbench().openFile("dcr.discern.json");
    await page.getByText(/≈ .* of memory/).waitFor();
    await page.getByText('"layer"').first().hover();
    await page.locator(".monaco-hover").getByText("What the run costs").waitFor();
    await settle();
    await picture("recipe");
    await page.keyboard.press("Escape");
  });

  it.skipIf(existsSync(trained))(
    "compares methods",
    async () => {
      const { page } = workbench();
      await page.getByRole("button", { name: "Compare methods" }).click();
      // The dashboard opens once a run trains, and the first evaluates the untrained model.
      while (!existsSync(join(comparison(), "stl-0/events.jsonl"))) await page.waitForTimeout(1000);
      await workbench().webview(/^Dashboard: .*stl-0/);
      for (;;) {
        const { state, failed } = cellProgress(await readCellEvents(comparison()));
        if (state === "finished") break;
        if (failed.length > 0) throw new Error("A run failed.");
        await page.waitForTimeout(2000);
      }
    },
    1_800_000,
  );

  it("shows both methods in one dashboard", async () => {
    await quiet();
    await workbench().runCommand("Discern: Open Dashboard");
    for (const run of ["dcr-stl-0", "stl-0"]) {
      const name = workbench().page.getByText(run, { exact: true });
      await workbench().quickInput.locator(".monaco-list-row", { has: name }).click();
    }
    await workbench().quickInput.getByText("2 Selected").waitFor();
    await workbench().page.keyboard.press("Enter");
    const page = await workbench().webview(/^Dashboard: .*, .*/);
    await page.getByText("Refusal of toxic prompts").first().waitFor();
    // The charts stand below the figures of both runs.
    await workbench().page.setViewportSize({ width: 1400, height: 1010 });
    await aside();
    await settle();
    await picture("dashboard-dark");
    await workbench().setTheme("light");
    await aside();
    await settle();
    await picture("dashboard-light");
    await workbench().setTheme("dark");
    await workbench().page.setViewportSize({ width: 1400, height: 900 });
  });

  it("shows the evaluation in the prompt file", async () => {
    const { page } = workbench();
    await workbench().openFile("prompts/pairs.csv");
    await page
      .getByText(/safe refused/)
      .first()
      .waitFor();
    await workbench().runCommand("Discern: Next Refusal Failure");
    await page
      .locator(".statusbar")
      .getByText(/^Failure \d+ of/)
      .waitFor();
    await aside();
    await page.keyboard.press("Control+K");
    await page.keyboard.press("Control+I");
    await page
      .locator(".monaco-hover")
      .getByText(/untrained: /)
      .waitFor();
    await settle();
    await picture("evaluation");
    await page.keyboard.press("Escape");
  });

  it("shows the report", async () => {
    await workbench().openSideBar("Discern");
    const item = workbench()
      .treeItem(/^dcr-sample-comparison,/)
      .or(workbench().treeItem(/^dcr-sample-comparison /))
      .first();
    await item.hover();
    await item.getByRole("button", { name: "Open Report" }).click();
    const page = await workbench().webview("Report: dcr-sample-comparison");
    await page.getByRole("region", { name: "Refusal rate of safe prompts", exact: true }).waitFor();
    await aside();
    await settle();
    await picture("report");
  });
});
