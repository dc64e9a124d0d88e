import { existsSync } from "node:fs";
import { appendFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { buildReport } from "../../src/engine/evaluate/report.ts";
import { recipeSchema } from "../../src/protocol/recipe.ts";
import type { PromptResult } from "../../src/protocol/report/answers.ts";
import { reportSchema } from "../../src/protocol/report/report.ts";
import { responseHash } from "../../src/runFolder/judgements.ts";
import { keepJudgement } from "../../src/runFolder/reportJudgements.ts";
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
  const recipe = recipeSchema.parse({ name, model: "models/tiny", seed: name === "dcr" ? 2 : 1, stages: [] });
  await writeFile(
    join(run, "manifest.json"),
    JSON.stringify(runManifest({ name, model, recipe: { root: folder } })),
  );
  await writeFile(join(run, "recipe.json"), JSON.stringify(recipe));
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

  it("shows every run with its state and where it stands", async () => {
    await workbench().openSideBar("Discern");
    await row(/^going, running, 34\/140 · \d+ min left · toxic 0\.62 · seemingly toxic 0\.18/).waitFor();
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

  it("follows what people judge of its answers, in every run that holds them", async () => {
    const runs = join(workbench.folder(), "runs");
    const at = new Date().toISOString();
    // All methods of both runs answered in the same words.
    const about = {
      id: "false-5",
      suite: "test",
      method: "dcr",
      seed: 1,
      response: responseHash("a response"),
    };
    const judgement = { ...about, verdict: "partial_refusal" as const, by: "Ada", at };
    await keepJudgement(join(runs, "dcr"), judgement, runs);
    await row(/^dcr, finished, safe refused 50 % → 20 %/).waitFor();
    await row(/^stl, finished, safe refused 50 % → 40 %/).waitFor();
    // The hover says of which answers the rates are.
    const hover = workbench().page.locator(".monaco-hover:visible", { hasText: "Unsafe prompts refused" });
    // A row that is drawn anew under the pointer shows no hover before the pointer moves again.
    const isShown = async () => {
      await workbench().page.mouse.move(700, 5);
      await row(/^dcr,/).hover();
      return hover.waitFor({ timeout: 5_000 }).then(
        () => true,
        () => false,
      );
    };
    await expect.poll(isShown).toBe(true);
    await hover.getByText(/^Each refusal rate counts all determined answers of its method;/).waitFor();
    await workbench().screenshot("runs-hover");
    await workbench().page.mouse.move(700, 5);
    await hover.waitFor({ state: "hidden" });
  });

  it("compares the selected runs into a new folder", async () => {
    // Rows that are unfolded push others out of sight; a click unfolds, too.
    await workbench().fold(/^going,/);
    await row(/^dcr,/).click();
    await workbench().page.keyboard.press("ArrowLeft");
    await row(/^stl,/).click({ modifiers: ["Control"] });
    await workbench().chooseFromMenu(row(/^stl,/), "Compare Selected Runs");
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

  it("lists the report over the compared runs, and opens it by a click", async () => {
    await row(/^compare-.*, finished, .*safe refused/).waitFor();
    await workbench().closeEditors();
    await row(/^compare-/).click();
    await workbench().tab("report.json").waitFor();
    await workbench().closeEditors();
  });

  it("shows the recipes of two runs side by side, with the keys that differ in a line", async () => {
    await row(/^dcr,/).click();
    await workbench().fold(/^dcr,/);
    await row(/^stl,/).click({ modifiers: ["Control"] });
    await workbench().chooseFromMenu(row(/^stl,/), "Compare Recipes of Two Runs");
    await workbench().notification(/seed: (1 → 2|2 → 1)\./);
    await workbench().tab("dcr ↔ stl: recipes").or(workbench().tab("stl ↔ dcr: recipes")).waitFor();
    await workbench().screenshot("runs-recipes-compared");
    await workbench().runCommand("Notifications: Clear All Notifications");
    await workbench().closeEditors();
  });

  it("opens a run's recipe as a new file beside the original", async () => {
    await workbench().chooseFromMenu(row(/^dcr,/), "New Recipe from Run");
    await workbench().tab("dcr-2.discern.json").waitFor();
    const written = await readFile(join(workbench.folder(), "dcr-2.discern.json"), "utf8");
    const { name, ...rest } = recipeSchema.parse(JSON.parse(written));
    const stored = await readFile(join(workbench.folder(), "runs/dcr/recipe.json"), "utf8");
    const { name: _, ...original } = recipeSchema.parse(JSON.parse(stored));
    expect([name, rest]).toEqual(["dcr-2", original]);
    await rm(join(workbench.folder(), "dcr-2.discern.json"));
    await workbench().closeEditors();
  });

  it("names and tags runs, keeps notes, and filters by tags", async () => {
    const { page } = workbench();
    const folder = join(workbench.folder(), "runs/dcr");
    await row(/^dcr,/).click();
    await workbench().fold(/^dcr,/);
    await page.keyboard.press("F2");
    await workbench().answer("Refined before tuning");
    await row(/^Refined before tuning, finished/).waitFor();
    await workbench().chooseFromMenu(row(/^Refined before tuning,/), "Edit Tags of Run…");
    await workbench().quickInput.locator("input[type=text]").fill("baseline");
    await workbench().quickInput.getByText("new tag").waitFor();
    await page.keyboard.press("Enter");
    await row(/^Refined before tuning, finished, .* · #baseline$/).waitFor();
    await workbench().chooseFromMenu(row(/^Refined before tuning,/), "Edit Notes of Run");
    await workbench().tab("notes.md").waitFor();
    await workbench().typeInEditor("Layer 12 again.");
    await workbench().save("notes.md");
    await workbench().unfold(/^Refined before tuning,/);
    await row(/^Notes/).waitFor();
    await workbench().screenshot("runs-remarks");
    await workbench().fold(/^Refined before tuning,/);
    await workbench().runCommand("Discern: Filter Runs…");
    await workbench().answer("#base");
    await row(/^stl,/).waitFor({ state: "detached" });
    await row(/^Refined before tuning,/).waitFor();
    await page.getByText(/^Filter "#base": 1 of \d+ shown$/).waitFor();
    await workbench().screenshot("runs-filtered");
    await workbench().runCommand("Discern: Clear Filter of Runs");
    await row(/^stl,/).waitFor();
    await workbench().closeEditors();
    // The folder keeps its name: whatever finds the run by it still does.
    expect(JSON.parse(await readFile(join(folder, "about.json"), "utf8"))).toEqual({
      version: 1,
      name: "Refined before tuning",
      tags: ["baseline"],
    });
  });

  it("deletes a run only after it was named and confirmed", async () => {
    const { page } = workbench();
    const remove = async () => {
      await workbench().chooseFromMenu(row(/^stopped,/), "Move Run to Trash");
      const asked = await workbench().dialog('Move "stopped" to the trash?');
      await workbench().screenshot("runs-delete");
      await asked.getByRole("button", { name: "Move to Trash" }).click();
      // The editor of a browser has no trash, so that it asks again.
      const again = await workbench().dialog('"stopped" could not be moved to the trash.');
      const focused = () => page.evaluate(() => document.activeElement?.textContent);
      await expect.poll(focused).toBe("Keep");
      return again;
    };
    const kept = await remove();
    // Enter keeps what could not be restored.
    await page.keyboard.press("Enter");
    await kept.waitFor({ state: "detached" });
    expect(existsSync(join(workbench.folder(), "runs/stopped/events.jsonl"))).toBe(true);
    await (await remove()).getByRole("button", { name: "Delete Permanently" }).click();
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
