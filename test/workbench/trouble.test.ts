import { existsSync } from "node:fs";
import { rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { timeline } from "../../src/protocol/timeline.ts";
import { readEvents } from "../../src/runFolder/eventLog.ts";
import { describeWorkbench, useWorkbench } from "./useWorkbench.ts";
import type { Workbench } from "./workbench.ts";
import { fillWorkspace } from "./workspace.ts";

const patient = { timeout: 120_000, interval: 250 };
const errors = (workbench: Workbench) =>
  workbench.page.locator(".notifications-toasts .codicon-error, .monaco-dialog-box .codicon-error").count();

/** Presses a button of a notification; one that lies under another is brought up first. */
async function press(workbench: Workbench, text: string | RegExp, button: string): Promise<void> {
  const toast = await workbench.notification(text);
  await toast.getByRole("button", { name: button }).click();
}

describeWorkbench("an engine in trouble", () => {
  const workbench = useWorkbench({
    fill: fillWorkspace,
    settings: { "discern.labels.author": "Ada", "discern.engine.unresponsiveSeconds": 5 },
  });
  const run = (name: string) => join(workbench.folder(), "runs", name);
  const story = (name: string) => timeline(readEvents(join(run(name), "events.jsonl")));
  const engine = async (kind: "serve" | "run"): Promise<number> => {
    await expect.poll(() => workbench().engines(kind), patient).toHaveLength(1);
    return (await workbench().engines(kind))[0]!;
  };

  beforeEach(() => workbench().openSideBar("Discern"));

  it("of the workbench that is killed is told, and restarted by a button", async () => {
    await workbench()
      .treeItem(/^tiny, /)
      .or(workbench().treeItem(/^tiny/))
      .first()
      .click();
    await workbench()
      .treeItem(/^Architecture/)
      .waitFor();
    const killed = await engine("serve");
    process.kill(killed, "SIGKILL");
    await workbench().notification(/The engine exited unexpectedly \(SIGKILL\)/);
    await workbench().screenshot("engine-killed");
    await press(workbench(), /The engine exited unexpectedly/, "Restart");
    await expect
      .poll(async () => (await workbench().engines("serve")).filter((pid) => pid !== killed), patient)
      .toHaveLength(1);
    await workbench().runCommand("Discern: Show Memory Plan");
    await workbench().quickPick("tiny");
    await workbench().page.getByText("Memory that the default recipe takes on").first().waitFor();
  });

  it("of the workbench that is halted is told, and is back when it goes on", async () => {
    const pid = await engine("serve");
    process.kill(pid, "SIGSTOP");
    try {
      await workbench().notification(/has not responded for 5 seconds/);
      await workbench().screenshot("engine-halted");
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await workbench().notification("The engine is responding again");
    expect(await engine("serve")).toBe(pid);
  });

  it("of a run that is halted is told; the run that is killed is interrupted, and goes on from its checkpoint", async () => {
    await workbench().openFile("long.discern.json");
    await workbench().runCommand("Discern: Run Recipe…");
    await expect
      .poll(
        () =>
          readEvents(join(run("long"), "events.jsonl")).filter(({ type }) => type === "checkpoint").length,
        patient,
      )
      .toBeGreaterThan(0);
    const pid = await engine("run");
    process.kill(pid, "SIGSTOP");
    try {
      await workbench().notification(/The engine of long has not responded for 5 seconds/);
      await workbench().screenshot("run-halted");
    } finally {
      process.kill(pid, "SIGCONT");
    }
    process.kill(pid, "SIGKILL");
    await workbench().notification(/The engine of long exited/);
    await workbench()
      .treeItem(/^long, interrupted/)
      .waitFor();
    await workbench().screenshot("run-killed");
    const { steps } = story("long");
    await press(workbench(), /The engine of long exited/, "Resume");
    await expect.poll(() => story("long").steps.length, patient).toBeGreaterThan(steps.length + 5);
    await workbench()
      .treeItem(/^long, running/)
      .waitFor();
    const now = story("long");
    // Steps since the last checkpoint are trained again; none is missing and none is twice.
    expect(now.steps.map(({ globalStep }) => globalStep)).toEqual(now.steps.map((_, i) => i + 1));
    expect(readEvents(join(run("long"), "events.jsonl")).some(({ type }) => type === "resumed")).toBe(true);
    await workbench().screenshot("run-resumed");
  });

  it("of a run whose folder is deleted ends, and is told once", async () => {
    // Held, so that it writes nothing into the folder while that is deleted.
    const pid = await engine("run");
    process.kill(pid, "SIGSTOP");
    await rm(run("long"), { recursive: true }).finally(() => process.kill(pid, "SIGCONT"));
    await workbench().notification(/The folder of long was deleted or moved/, patient.timeout);
    const page = await workbench().webview(/Dashboard/);
    await page
      .getByText(/deleted|gone/i)
      .first()
      .waitFor();
    await workbench()
      .treeItem(/^long,/)
      .waitFor({ state: "detached" });
    await expect.poll(() => workbench().engines("run"), patient).toEqual([]);
    expect(existsSync(run("long"))).toBe(false);
    expect(await errors(workbench())).toBe(0);
    await workbench().screenshot("run-deleted");
  });

  it("is no reason to start a run where its folder cannot be made", async () => {
    await rm(run(""), { recursive: true, force: true });
    await workbench().tab("tiny.discern.json").or(workbench().tab("long.discern.json")).first().click();
    for (const way of ["file", "link"] as const) {
      if (way === "file") await writeFile(join(workbench.folder(), "runs"), "");
      else await symlink("/nowhere/runs", join(workbench.folder(), "runs"));
      await workbench().runCommand("Discern: Run Recipe…");
      const asked = await workbench().dialog(/Run folders cannot be created in .*runs/);
      await workbench().screenshot(`runs-unwritable-${way}`);
      await asked.getByRole("button", { name: "OK" }).click();
      await asked.waitFor({ state: "detached" });
      await rm(join(workbench.folder(), "runs"));
    }
    expect(await workbench().engines("run")).toEqual([]);
  });

  it("goes with its window, while a run stays and is found again", async () => {
    await workbench().openFile("long.discern.json");
    await workbench().runCommand("Discern: Run Recipe…");
    await expect.poll(() => story("long").steps.length, patient).toBeGreaterThan(5);
    const [serve, detached] = [await engine("serve"), await engine("run")];
    await workbench().page.goto("about:blank");
    await expect
      .poll(() => workbench().engines("serve"), { timeout: 400_000, interval: 1000 })
      .not.toContain(serve);
    expect(await workbench().engines("run")).toEqual([detached]);
    const before = story("long").steps.length;
    await expect.poll(() => story("long").steps.length, patient).toBeGreaterThan(before);
    const again = await workbench().newWindow();
    await again.openSideBar("Discern");
    await again.treeItem(/^long, running/).waitFor();
    await again.screenshot("run-found-again");
  }, 500_000);
});
