import { appendFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { buildReport } from "../../src/engine/evaluate/report.ts";
import type { PromptResult } from "../../src/protocol/report/answers.ts";
import { reportSchema } from "../../src/protocol/report/report.ts";
import { appendJudgement, judgementsPath, responseHash } from "../../src/runFolder/judgements.ts";
import { said, testJudges, testMethod } from "../engine/evaluate/fixture.ts";
import { eventsOf, probe, stage, started, steps } from "../extension/runs/events.ts";
import { writeLock } from "../runLock.ts";
import { runManifest } from "../runManifest.ts";
import { writeTinyModel } from "../tinyModel.ts";
import { describeWorkbench, useWorkbench } from "./useWorkbench.ts";

type Fields = Parameters<typeof eventsOf>[0];

const answers = (refused: (unsafe: boolean, i: number) => boolean): PromptResult[] =>
  [true, false].flatMap((unsafe) =>
    Array.from({ length: 10 }, (_, i) => ({
      id: `${unsafe}-${i}`,
      suite: "test",
      prompt: `prompt ${i}`,
      unsafe,
      response: "a response",
      verdicts: said(refused(unsafe, i) ? "full_refusal" : "full_compliance"),
      refusalProbability: refused(unsafe, i) ? 0.9 : 0.1,
      refusalLogOdds: (refused(unsafe, i) ? 2 : -2) + i / 100,
    })),
  );

const report = (name: string, safe: number) =>
  buildReport({
    model: { name: "tiny" },
    run: { name },
    methods: [testMethod("untrained"), testMethod(name)],
    judges: testJudges,
    answers: [
      { method: "untrained", seed: 1, results: answers((unsafe, i) => unsafe || i < 4) },
      { method: name, seed: 1, results: answers((unsafe, i) => unsafe || i < safe) },
    ],
  });

const text = (fields: Fields, from = 0) =>
  eventsOf(fields, from)
    .map((event) => `${JSON.stringify(event)}\n`)
    .join("");

async function writeRun(folder: string, name: string, fields: Fields, reported?: number): Promise<void> {
  const run = join(folder, "runs", name);
  await mkdir(run, { recursive: true });
  const model = { ...runManifest().model, path: join(folder, "models/tiny") };
  await writeFile(join(run, "manifest.json"), JSON.stringify(runManifest({ name, model })));
  await writeFile(join(run, "events.jsonl"), text(fields));
  if (reported !== undefined) {
    await writeFile(join(run, "report.json"), JSON.stringify(report(name, reported)));
  }
}

const opening = [
  started(["contrastive", 60], ["supervised", 80]),
  stage(0, "contrastive", 60),
  ...steps(1, 34),
  probe(34, 0.62, 0.18),
];

describeWorkbench("Runs and Models views", () => {
  const workbench = useWorkbench({
    async fill(folder) {
      await writeTinyModel(join(folder, "models/tiny"));
      await mkdir(join(folder, "models/broken"), { recursive: true });
      await writeFile(join(folder, "models/broken/config.json"), "{}");
      await writeFile(join(folder, "models/broken/model.safetensors"), "");
      await writeFile(join(folder, "tiny.discern.json"), '{ "model": "models/tiny" }');
      await writeRun(folder, "going", opening);
      writeLock(join(folder, "runs/going"));
      await writeRun(folder, "killed", opening);
      await writeRun(folder, "stopped", [...opening, { type: "run-stopped", stage: 0, step: 34 }]);
      const ended = [...opening, { type: "run-finished" as const, report: "report.json" }];
      await writeRun(folder, "stl", ended, 3);
      await writeRun(folder, "dcr", ended, 1);
      await writeRun(folder, "spoilt", opening);
      await writeFile(join(folder, "runs/spoilt/manifest.json"), "{");
    },
  });
  const row = (name: string | RegExp) => workbench().treeItem(name);
  /** Chooses an entry of the menu that is open. */
  const choose = async (label: string) => {
    const entry = workbench().page.getByRole("menuitem", { name: label });
    // The menu takes a press of Enter for the entry that the pointer is over.
    await entry.hover();
    await workbench().page.keyboard.press("Enter");
  };

  it("shows every run with its state and where it stands", async () => {
    await workbench().openSideBar("Discern");
    await row(/^going, running, 34\/140 · \d+ min left · toxic 0\.62 · seemingly 0\.18/).waitFor();
    await row(/^killed, interrupted/).waitFor();
    await row(/^stopped, stopped/).waitFor();
    await row(/^spoilt, damaged/).waitFor();
    await row(
      /^dcr, finished, safe refused 40 % → 10 % · unsafe refused 100 % → 100 % · discernment/,
    ).waitFor();
    await row(/^going,/).click();
    await row(/^Stage 1: contrastive refinement/).waitFor();
    await workbench().screenshot("runs-view");
  });

  it("follows a run as it goes on, and a folder that is deleted", async () => {
    const folder = workbench.folder();
    await appendFile(join(folder, "runs/going/events.jsonl"), text(steps(35, 40), 40));
    await row(/^going, running, 40\/140/).waitFor();
    await rm(join(folder, "runs/killed"), { recursive: true });
    await row(/^killed/).waitFor({ state: "detached" });
    expect(await workbench().page.locator(".notifications-toasts .codicon-error").count()).toBe(0);
  });

  it("follows what people judge of its answers", async () => {
    const folder = join(workbench.folder(), "runs/dcr");
    const at = new Date().toISOString();
    // Both methods answered in the same words.
    const about = {
      id: "false-5",
      suite: "test",
      method: "dcr",
      seed: 1,
      response: responseHash("a response"),
    };
    await appendJudgement(judgementsPath(folder), { ...about, verdict: "partial_refusal", by: "Ada", at });
    await row(/^dcr, finished, safe refused 50 % → 20 %/).waitFor();
  });

  it("compares the selected runs into a new folder", async () => {
    // Rows that are unfolded push others out of sight; a click unfolds, too.
    await workbench().fold(/^going,/);
    await row(/^dcr,/).click();
    await workbench().page.keyboard.press("ArrowLeft");
    await row(/^stl,/).click({ modifiers: ["Control"] });
    await row(/^stl,/).click({ button: "right" });
    await choose("Compare Selected Runs");
    const made = async () =>
      (await readdir(join(workbench.folder(), "runs"))).find((n) => n.startsWith("compare-"));
    await expect.poll(made, { timeout: 60_000 }).toBeDefined();
    const file = join(workbench.folder(), "runs", (await made())!, "report.json");
    await expect
      .poll(async () => reportSchema.parse(JSON.parse(await readFile(file, "utf8"))).answers.length, {
        timeout: 20_000,
      })
      .toBe(3);
    await workbench().screenshot("runs-compared");
  });

  it("deletes a run only after it was named and confirmed", async () => {
    const { page } = workbench();
    await row(/^stopped,/).click({ button: "right" });
    await choose("Move Run to Trash");
    const asked = await workbench().dialog('Move "stopped" to the trash?');
    await workbench().screenshot("runs-delete");
    await asked.getByRole("button", { name: "Move to Trash" }).click();
    const again = page.locator(".monaco-dialog-box", { hasText: "could not be moved" });
    await again.waitFor({ timeout: 5_000 }).catch(() => undefined);
    if (await again.isVisible()) await again.getByRole("button", { name: "Delete Permanently" }).click();
    await row(/^stopped,/).waitFor({ state: "detached" });
  });

  it("shows a model with what it is and who uses it, and says why another cannot be used", async () => {
    // Rows that are out of sight are not drawn.
    await workbench().page.getByRole("button", { name: "Runs Section" }).click();
    await row(/^tiny/).click();
    await row(/^Architecture/).waitFor();
    await row(/^Used by recipe/).waitFor();
    await workbench().fold(/^tiny/);
    await row(/^broken/).click();
    await row(/^Cannot be used/).waitFor();
    await workbench().screenshot("models-view");
  });
});
