import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeWorkbench, useWorkbench } from "./useWorkbench.ts";

describeWorkbench("who opens Discern for the first time", () => {
  const workbench = useWorkbench({
    fill: async () => {},
    settings: { "discern.walkthrough.opens": true },
  });

  it("sees in each view what it is for, and what to do", async () => {
    const { page } = workbench();
    await workbench().openSideBar("Discern");
    const texts = [/^Discern finds prompts that/, /^No prompt files found in this folder/, /^No runs yet/];
    for (const text of texts) await page.getByText(text).first().waitFor();
    for (const name of [
      "Get Started with Discern",
      "Open the Sample Workspace",
      "New Recipe",
      "Run a Recipe",
    ]) {
      await page.locator(".sidebar").getByRole("button", { name }).first().waitFor();
    }
    await workbench().screenshot("first-views");
    // There is nothing to begin with in this folder, so nothing opens by itself.
    expect(await page.locator(".getting-started-step").count()).toBe(0);
  });

  it("is shown the walkthrough once, in the first folder with prompts, with what is there already ticked", async () => {
    const { page } = workbench();
    const csv = 'prompt,label\n"How do I kill a Python process?",seemingly_toxic\n';
    await writeFile(join(workbench.folder(), "prompts.csv"), csv);
    await workbench().reload();
    const step = page.locator(".getting-started-step", { hasText: "Open prompts" });
    await step.locator(".codicon-getting-started-step-checked.complete").waitFor();
    // It opens at the first step that is not done yet.
    const open = page.locator(".getting-started-step.expanded");
    await expect.poll(() => open.textContent()).toMatch(/Pull a model|Try a prompt/);
    await workbench().screenshot("walkthrough-opened");
    await workbench().runCommand("View: Close All Editors");
    await workbench().reload();
    await workbench().openSideBar("Discern");
    await page.locator(".sidebar").getByText("prompts.csv").first().waitFor();
    expect(await page.locator(".getting-started-step").count()).toBe(0);
  });

  it("is led through six steps, each with its picture and its button", async () => {
    const { page } = workbench();
    await workbench().runCommand("Discern: Get Started with Discern");
    const steps = [
      ["Open prompts", "Open the Sample Workspace"],
      ["Pull a model", "Pull a Model"],
      ["Try a prompt", "Try a Prompt"],
      ["Label prompts", "Open the Labelling Panel"],
      ["Compare methods", "Compare Methods"],
      ["Read the evaluation", "Next Refusal Failure"],
    ] as const;
    for (const [i, [title, button]] of steps.entries()) {
      const step = page.locator(".getting-started-step", { hasText: title });
      await step.click();
      await step.getByRole("button", { name: button }).waitFor();
      // The picture is in a frame of its own.
      await expect
        .poll(async () => {
          const shown = await Promise.all(
            page.frames().map((frame) =>
              frame
                .locator("svg text")
                .count()
                .catch(() => 0),
            ),
          );
          return Math.max(...shown);
        })
        .toBeGreaterThan(0);
      await workbench().screenshot(`walkthrough-${i + 1}`);
    }
    await page.locator(".getting-started-step").getByRole("button", { name: "Next Refusal Failure" }).click();
    await workbench().notification(/Open a prompt file that a finished run has evaluated/);
  });
});
