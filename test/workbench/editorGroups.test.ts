import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeWorkbench, useWorkbench } from "./useWorkbench.ts";
import { fillWorkspace } from "./workspace.ts";

/** Pages that nobody asked for, while files are open in two groups of editors and a person works in the second. */
describeWorkbench("with several groups of editors", () => {
  const workbench = useWorkbench({
    fill: fillWorkspace,
    keybindings: [{ key: "ctrl+shift+alt+r", command: "discern.run.start" }],
  });
  /** The tab in front of each group, in the order of the window. */
  const shown = () =>
    workbench()
      .page.locator(".editor-group-container [role=tab][aria-selected=true]")
      .evaluateAll((tabs) => tabs.map((tab) => tab.getAttribute("data-resource-name")));
  /** What is typed now goes into the recipe, in the group that is worked in. */
  const typesIntoRecipe = async () => {
    const { page } = workbench();
    const dirty = page.locator(".editor-group-container.active .tab.dirty", {
      hasText: "long.discern.json",
    });
    await workbench().typeInEditor(" ");
    await dirty.waitFor();
    await page.keyboard.press("Control+z");
    await dirty.waitFor({ state: "detached" });
  };
  const bothFiles = ["pairs.csv", "long.discern.json"];

  it("shows the dashboard of a run in front of neither file, and the keyboard stays", async () => {
    await workbench().openFile("prompts/pairs.csv");
    await workbench().runCommand("View: New Editor Group to the Right");
    await workbench().openFile("long.discern.json");
    await expect.poll(shown).toEqual(bothFiles);
    await workbench().editorFocused();
    // A second press, when nothing is seen of the run yet, starts no second one.
    for (let presses = 0; presses < 2; presses++)
      await workbench().page.keyboard.press("Control+Shift+Alt+R");
    await workbench().webview("Dashboard: long");
    expect(await workbench().page.locator(".monaco-dialog-box").count()).toBe(0);
    const runs = await readdir(join(workbench.folder(), "runs"));
    expect(runs.filter((name) => name.startsWith("long"))).toEqual(["long"]);
    await expect.poll(shown).toEqual([...bothFiles, expect.stringContaining("discern.dashboard")]);
    await typesIntoRecipe();
    await workbench().screenshot("groups-run");
  });

  it("shows that of an experiment in the first one's place, and the keyboard stays", async () => {
    await workbench().runCommand("Discern: Stop and Save Run");
    await workbench().notification(/long was stopped/);
    await workbench().askByLens("Compare methods");
    await workbench().quickPick("1 seed");
    await workbench().webview("Dashboard: untrained-0, stl-0");
    await expect.poll(shown).toEqual([...bothFiles, expect.stringContaining("discern.dashboard")]);
    await typesIntoRecipe();
    await workbench().screenshot("groups-experiment");
    await workbench().runCommand("Discern: Stop and Save Run");
  });
});
