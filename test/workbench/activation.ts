import type { Workbench } from "./workbench.ts";

/**
 * How long an extension took to start in this window, in milliseconds, as "Developer: Show Running Extensions" says
 * once it has started.
 */
export async function activationTime(workbench: Workbench, extension: string): Promise<number> {
  await workbench.runCommand("Developer: Show Running Extensions");
  const name = workbench.page.getByText(extension, { exact: true });
  const row = workbench.page.locator(".runtime-extensions-editor .monaco-list-row", { has: name });
  const time = row.locator(".activation-time", { hasText: /\d+ms/ });
  return Number(/(\d+)ms/.exec((await time.textContent()) ?? "")![1]);
}
