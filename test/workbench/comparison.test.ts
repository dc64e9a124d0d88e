import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { comparisonSchema } from "../../src/protocol/comparison.ts";
import { changeAbout } from "../../src/runFolder/about.ts";
import { cellProgress, readCellEvents } from "../../src/runFolder/comparison.ts";
import { lockHolder } from "../../src/runFolder/lock.ts";
import { describeWorkbench, useWorkbench } from "./useWorkbench.ts";
import { fillWorkspace, tinyRecipe } from "./workspace.ts";

/** A comparison is a file and a process of its own: the window starts it, reads its folder, and may go meanwhile. */
describeWorkbench("a comparison of methods", () => {
  const workbench = useWorkbench({
    fill: async (folder) => {
      await fillWorkspace(folder);
      const recipe = JSON.stringify(tinyRecipe("short", 1500));
      await writeFile(join(folder, "short.discern.json"), recipe);
    },
    settings: { "discern.runs.openReport": true },
  });
  const patient = { timeout: 240_000, interval: 250 };
  const folder = (name: string) => join(workbench.folder(), "runs", `${name}-comparison`);
  const progress = async (name: string) => cellProgress(await readCellEvents(folder(name)));
  const compare = async (recipe: string) => {
    await workbench().openFile(`${recipe}.discern.json`);
    await workbench().askByLens("Compare methods");
    await workbench().quickPick("1 seed");
  };

  it("is not written where its runs cannot be carried out", async () => {
    const recipe = JSON.parse(await readFile(join(workbench.folder(), "tiny.discern.json"), "utf8"));
    const model = "nowhere/no-such-model";
    await writeFile(
      join(workbench.folder(), "lost.discern.json"),
      JSON.stringify({ ...recipe, name: "lost", model }),
    );
    await compare("lost");
    const dialog = await workbench().dialog(/cannot be run yet/);
    await workbench().screenshot("comparison-refused");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    expect(existsSync(join(workbench.folder(), "lost.comparison.json"))).toBe(false);
  });

  it("is written beside its recipe and started; its row says how far it is", async () => {
    await compare("long");
    const file = join(workbench.folder(), "long.comparison.json");
    await expect.poll(() => existsSync(file), patient).toBe(true);
    const { methods, recipe } = comparisonSchema.parse(JSON.parse(await readFile(file, "utf8")));
    expect([recipe, ...methods.map(({ name }) => name)]).toEqual([
      "long.discern.json",
      "untrained",
      "STL",
      "DCR → STL",
    ]);
    await workbench().openSideBar("Discern");
    await workbench()
      .treeItem(/^long-comparison, running, 1 of 3 runs finished · stl-0 at work/)
      .waitFor({ timeout: patient.timeout });
    await workbench().webview("Dashboard: untrained-0, stl-0");
    await workbench().screenshot("comparison-running");
  });

  it("continues while the window is reloaded, and is stopped with its run from there", async () => {
    const holder = await lockHolder(folder("long"));
    // The side bar comes back as it was.
    await workbench().reload();
    await workbench()
      .treeItem(/^long-comparison, running/)
      .waitFor({ timeout: patient.timeout });
    expect((await lockHolder(folder("long")))?.token).toBe(holder!.token);
    await workbench().runCommand("Discern: Stop and Save Run");
    await expect.poll(async () => (await progress("long")).state, patient).toBe("stopped");
    await workbench()
      .treeItem(/^long-comparison, stopped, stopped · 1 of 3 runs finished/)
      .waitFor();
    expect(existsSync(join(folder("long"), "dcr-stl-0"))).toBe(false);
  });

  it("adds runs that begin to a dashboard that the status bar opened, also after a reload", async () => {
    const { page } = workbench();
    await workbench().closeEditors();
    await compare("short");
    await workbench().webview("Dashboard: untrained-0, stl-0");
    await workbench().closeEditors();
    await page.getByRole("button", { name: /^short-comparison · / }).click();
    const dashboard = workbench().tab("Dashboard: untrained-0, stl-0");
    await dashboard.waitFor();
    // Another click shows the same one, also while the item changes.
    for (let clicks = 0; clicks < 20; clicks++)
      await page.getByRole("button", { name: /^short-comparison · / }).click();
    expect(await dashboard.count()).toBe(1);
    expect(await page.locator(".notifications-toasts .codicon-error").count()).toBe(0);
    await workbench().reload();
    await workbench().tab("Dashboard: untrained-0, stl-0, dcr-stl-0").waitFor({ timeout: patient.timeout });
    const shown = await workbench().webview("Dashboard: untrained-0, stl-0, dcr-stl-0");
    await shown.getByText("dcr-stl-0").first().waitFor();
    await workbench().screenshot("comparison-followed");
    // A person's name for a run is seen at once.
    await changeAbout(join(folder("short"), "dcr-stl-0"), () => ({ name: "Refined first" }));
    await workbench().tab("Dashboard: untrained-0, stl-0, Refined first").waitFor();
    await shown.getByText("Refined first").first().waitFor();
    await workbench().closeEditors();
    await workbench().runCommand("Discern: Stop and Save Run");
    await expect.poll(async () => (await progress("short")).state, patient).toBe("stopped");
  });

  it("ends with one report over all methods, which opens beside what is worked at, and is offered", async () => {
    await compare("tiny");
    const told = workbench().notification("tiny-comparison has finished.", patient.timeout);
    await expect.poll(async () => (await progress("tiny")).state, patient).toBe("finished");
    const ended = await told;
    await ended.hover();
    // Nobody asked for it: the recipe is still what is worked at.
    await workbench().webview("Report: tiny-comparison");
    const recipe = { name: /^tiny\.discern\.json/, selected: true };
    await workbench().page.getByRole("tab", recipe).waitFor();
    await workbench().screenshot("comparison-report-unasked");
    await ended.getByRole("button", { name: "Open Report" }).click();
    await workbench().webview("Report: tiny-comparison");
    await workbench().screenshot("comparison-report");
  });
});
