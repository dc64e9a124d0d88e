import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Locator } from "playwright-core";
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
    await workbench().closeEditors();
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
      await openStep(step, button);
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
  });

  it("gets something to do at once by each button of each step", async () => {
    const { page } = workbench();
    const input = workbench().quickInput;
    const asked = (text: string | RegExp) => input.getByText(text).first().waitFor();
    const buttons: [step: string, button: string, seen: () => Promise<unknown>][] = [
      ["Open prompts", "Open a Folder", () => input.getByRole("button", { name: "OK" }).waitFor()],
      ["Open prompts", "Open the Sample Workspace", () => asked("Folder in which to create discern-sample")],
      ["Pull a model", "Pull a Model", () => asked(/^Pull a Model \(/)],
      ["Try a prompt", "Try a Prompt", () => workbench().webview("Try a Prompt")],
      ["Label prompts", "Open the Labelling Panel", () => workbench().webview("Label prompts.csv")],
      ["Compare methods", "Compare Methods", () => asked("New Recipe…")],
      ["Compare methods", "New Recipe", () => asked("New Recipe (1/4): Model")],
      [
        "Read the evaluation",
        "Open a Report",
        () => workbench().notification("No run is available for this command."),
      ],
      [
        "Read the evaluation",
        "Next Refusal Failure",
        () => workbench().notification(/Open a prompt file that a finished run has evaluated/),
      ],
    ];
    const { contributes } = JSON.parse(
      await readFile(join(import.meta.dirname, "../../package.json"), "utf8"),
    ) as { contributes: { walkthroughs: { steps: { description: string }[] }[] } };
    const offered = contributes.walkthroughs.flatMap(({ steps }) =>
      steps.flatMap(({ description }) => [...description.matchAll(/\[(.+?)\]\(command:/g)].map(([, b]) => b)),
    );
    expect(buttons.map(([, button]) => button)).toEqual(offered);
    for (const [title, button, seen] of buttons) {
      await workbench().runCommand("Discern: Get Started with Discern");
      const step = page.locator(".getting-started-step", { hasText: title });
      const link = await openStep(step, button);
      await link.click();
      await seen();
      await workbench().screenshot(`walkthrough-${button.toLowerCase().replaceAll(" ", "-")}`);
      await page.keyboard.press("Escape");
      await input.waitFor({ state: "hidden" });
    }
  });
});

/** Opens a step of the walkthrough. @returns its button of this name. */
async function openStep(step: Locator, button: string): Promise<Locator> {
  const link = step.getByRole("button", { name: button });
  const isOpen = async () => {
    // A step that opens late by itself closes the one that was clicked.
    if (!(await link.isVisible())) await step.click({ timeout: 5_000 }).catch(() => {});
    return link.click({ timeout: 2_000, trial: true }).then(
      () => true,
      () => false,
    );
  };
  await expect.poll(isOpen).toBe(true);
  return link;
}
