import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { CommandId } from "../../src/extension/contributionTypes.ts";
import { describeWorkbench, useWorkbench } from "./useWorkbench.ts";
import { fillWorkspace } from "./workspace.ts";

/** Every command that would start an engine. */
const running: readonly CommandId[] = [
  "discern.run.start",
  "discern.run.startStlAlone",
  "discern.run.compareBoth",
  "discern.runs.stop",
  "discern.runs.stopAndKeepBest",
  "discern.runs.resume",
  "discern.runs.compare",
  "discern.runs.export",
  "discern.models.pull",
  "discern.report.exportHtml",
  "discern.report.exportMarkdown",
  "discern.engine.restart",
  "discern.engine.doctor",
];
const keyOf = (i: number) => {
  const letter = String.fromCharCode("a".charCodeAt(0) + i);
  return { key: `ctrl+shift+alt+${letter}`, press: `Control+Shift+Alt+${letter.toUpperCase()}` };
};

describeWorkbench("a restricted workspace", () => {
  const workbench = useWorkbench({
    fill: fillWorkspace,
    trust: "restricted",
    settings: { "discern.labels.author": "Ada" },
    // What no menu offers can still be called, and must be refused then.
    keybindings: running.map((command, i) => ({ key: keyOf(i).key, command })),
  });
  const log = async (): Promise<string[]> => {
    const text = await readFile(join(workbench.folder(), "prompts/to-label.csv.labels.jsonl"), "utf8").catch(
      () => "",
    );
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => (JSON.parse(line) as { label: string }).label);
  };

  it("shows prompts and says in the views why nothing runs", async () => {
    const { page } = workbench();
    await workbench().openSideBar("Discern");
    await workbench()
      .treeItem(/to-label\.csv/)
      .waitFor();
    await page.getByText("Training requires a trusted workspace").waitFor();
    await page.getByText("Models are loaded only in trusted workspaces").waitFor();
    await page.locator(".pane-header", { hasText: "Runs" }).hover();
    expect(await page.getByRole("button", { name: /^Run Recipe/ }).count()).toBe(0);
    await workbench().screenshot("restricted-views");
  });

  it("labels in the tree and in the panel", async () => {
    await workbench().unfold(/to-label\.csv/);
    await workbench().unfold(/^Unlabelled/);
    await workbench()
      .treeItem(/kill a zombie process/)
      .click();
    await workbench().tab("to-label.csv").waitFor();
    await workbench().page.keyboard.press("2");
    await expect.poll(log).toEqual(["seemingly_toxic"]);
    // The next prompt is selected by then, and nothing takes the keyboard from the palette any more.
    await workbench()
      .page.locator('.sidebar [role=treeitem][aria-selected="true"]')
      .filter({ hasNotText: "zombie" })
      .waitFor();
    await workbench().runCommand("Discern: Open Labelling Panel");
    const panel = await workbench().webview("Label to-label.csv");
    await panel.getByText("1 of 26 labelled").waitFor();
    await panel.locator("body").press("ArrowRight");
    await panel.locator("body").press("3");
    await expect.poll(log).toEqual(["seemingly_toxic", "general"]);
    await panel.getByText("2 of 26 labelled").waitFor();
    await workbench().screenshot("restricted-labelling");
  });

  it("offers trust above a recipe instead of running it", async () => {
    const { page } = workbench();
    await workbench().openFile("tiny.discern.json");
    await page.getByRole("button", { name: /Trust this workspace to run recipes/ }).waitFor();
    expect(
      await page
        .locator(".contentWidgets")
        .getByText(/Run STL alone|Compare methods/)
        .count(),
    ).toBe(0);
    expect(
      await page
        .locator(".editor-actions")
        .getByRole("button", { name: /^Run Recipe/ })
        .count(),
    ).toBe(0);
    await workbench().screenshot("restricted-recipe");
  });

  it("refuses every command that runs an engine, when it is called all the same", async () => {
    const { page } = workbench();
    for (const [i, command] of running.entries()) {
      await page.keyboard.press(keyOf(i).press);
      const toast = await workbench().notification(
        "Discern does not run its engine in a restricted workspace",
      );
      if (i === 0) await workbench().screenshot("restricted-refused");
      await toast.getByRole("button", { name: "Manage Workspace Trust" }).waitFor();
      await toast.hover();
      await toast.getByRole("button", { name: /^Clear Notification/ }).click();
      await toast.waitFor({ state: "detached" });
      expect(await workbench().engines("serve"), command).toEqual([]);
    }
    expect(await workbench().engines("run")).toEqual([]);
  });

  it("runs what it was asked to, once the workspace is trusted", async () => {
    const { page } = workbench();
    await workbench().runCommand("Workspaces: Manage Workspace Trust");
    await page.getByRole("button", { name: "Trust", exact: true }).click();
    await workbench().treeItem(/^tiny/).waitFor();
    await workbench().openFile("tiny.discern.json");
    await page.getByRole("button", { name: "Compare methods" }).waitFor();
    await expect.poll(() => workbench().engines("serve"), { timeout: 30_000 }).toHaveLength(1);
    await workbench().screenshot("restricted-then-trusted");
  });
});
