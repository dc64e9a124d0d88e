import { expect, it } from "vitest";
import { describeWorkbench, useWorkbench } from "./useWorkbench.ts";

describeWorkbench("who opens Discern for the first time", () => {
  const workbench = useWorkbench({ fill: async () => {} });

  it("sees in each view what it is for, and what to do", async () => {
    const { page } = workbench();
    await workbench().openSideBar("Discern");
    for (const text of [/^No prompt files found in this folder/, /^No runs yet/]) {
      await page.getByText(text).waitFor();
    }
    for (const name of ["Open the Sample Workspace", "New Recipe", "Run a Recipe"]) {
      await page.locator(".sidebar").getByRole("button", { name }).first().waitFor();
    }
    await workbench().screenshot("first-views");
  });

  it("is led through five steps, each with its picture and its button", async () => {
    const { page } = workbench();
    await workbench().runCommand("Discern: Get Started with Discern");
    const steps = [
      ["Open the sample workspace", "Open the Sample Workspace"],
      ["Pull a model", "Pull a Model"],
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
