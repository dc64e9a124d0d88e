import { access } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeWorkbench, useWorkbench } from "./useWorkbench.ts";
import { fillWorkspace } from "./workspace.ts";

describeWorkbench("the empty Runs view", () => {
  const workbench = useWorkbench({ fill: fillWorkspace });

  it("says what makes a run, and each of its buttons begins that", async () => {
    const { page, quickInput } = workbench();
    await workbench().openSideBar("Discern");
    const view = page.locator(".sidebar .pane", { hasText: "No runs yet" });
    await view.getByText(/^No runs yet. Score a prompt file/).waitFor();
    for (const [button, question] of [
      ["New Recipe", "New Recipe (1/4): Model"],
      ["Run a Recipe", "tiny.discern.json"],
      ["Score a Prompt File", "Score Prompts"],
    ] as const) {
      await view.getByRole("button", { name: button }).click();
      await quickInput.getByText(question).first().waitFor();
      await page.keyboard.press("Escape");
      await quickInput.waitFor({ state: "hidden" });
    }
    await workbench().screenshot("runs-empty");
  });

  it("starts no run on prompts of which some are to be refused: they are labelled first", async () => {
    const { page, quickInput } = workbench();
    await page.locator(".sidebar").getByRole("button", { name: "Score a Prompt File" }).click();
    await workbench().quickPick("prompts/to-label.csv");
    await workbench().quickPick("tiny");
    await quickInput.getByText("all are safe prompts").waitFor();
    await workbench().quickPick("Some of each");
    const panel = await workbench().webview(/to-label\.csv/);
    await panel.getByRole("region", { name: "Prompt to label" }).waitFor();
    await page
      .getByText(/^No runs yet/)
      .first()
      .waitFor();
    for (const folder of ["runs", "evaluations"]) {
      await expect(access(join(workbench.folder(), folder))).rejects.toThrow();
    }
  });
});
