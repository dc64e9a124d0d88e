import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { benchmarkSchema } from "../../src/protocol/benchmark.ts";
import { reportSchema } from "../../src/protocol/report/report.ts";
import { cellProgress, readCellEvents } from "../../src/runFolder/comparison.ts";
import { responseHash } from "../../src/runFolder/judgements.ts";
import { keepJudgement } from "../../src/runFolder/reportJudgements.ts";
import { lastingFaults } from "./accessibility.ts";
import { type Theme, themes } from "./editorSettings.ts";
import { describeWorkbench, useWorkbench } from "./useWorkbench.ts";
import { fillWorkspace } from "./workspace.ts";

/** A benchmark of a tiny model: two seeds of STL, the untrained model, and a suite that nobody has. */
const benchmark = {
  name: "small",
  recipe: "tiny.discern.json",
  seeds: [0, 1],
  set: { "stages.1.steps": 30 },
  suites: [
    { name: "starter-test", source: { file: "prompts/pairs.csv", split: "test", limit: 48 } },
    { name: "gone", source: { file: "prompts/gone.csv" } },
  ],
  judges: ["xstest"],
  methods: [
    { name: "untrained", stages: [] },
    { name: "STL", stages: ["supervised"] },
  ],
  reference: "STL",
  gates: [
    "STL: starter-test.safe_refusal > 1",
    "STL: starter-test.safe_refusal >= 0",
    "STL: starter-test.safe_refusal < 0.01",
    "nowhere.safe_refusal > 0",
  ],
};

describeWorkbench("a benchmark", () => {
  const workbench = useWorkbench({
    async fill(folder) {
      await fillWorkspace(folder);
      await writeFile(join(folder, "small.benchmark.json"), `${JSON.stringify(benchmark, null, 2)}\n`);
      // More checkpoints than any disk has room for.
      const set = { ...benchmark.set, "checkpoint.keep": 1_000_000_000 };
      const large = JSON.stringify({ ...benchmark, name: "large", set }, null, 2);
      await writeFile(join(folder, "large.benchmark.json"), `${large}\n`);
    },
  });
  const patient = { timeout: 240_000, interval: 250 };
  const folder = () => join(workbench.folder(), "runs", "small");
  const progress = async () => cellProgress(await readCellEvents(folder()));
  const lens = (text: string | RegExp) =>
    workbench().page.locator(".codelens-decoration a", { hasText: text });
  const runByLens = (label: string) =>
    workbench().clickLens(label, workbench().page.locator(".monaco-dialog-box"));
  /** The button that Enter presses. */
  const focused = () => workbench().page.evaluate(() => document.activeElement?.textContent);

  it("has problems at its keys, and a lens that shows its plan with what each run costs", async () => {
    await workbench().openFile("small.benchmark.json");
    await lens("Run benchmark").waitFor();
    const problem = workbench().page.locator(".squiggly-warning").first();
    await problem.waitFor();
    await workbench().screenshot("benchmark-file");
    await workbench().clickLens("Plan", workbench().page.locator(".tab", { hasText: "small plan" }));
    const plan = await workbench().webview(/small plan/);
    await plan.getByRole("heading", { name: "Plan of small" }).waitFor();
    await plan.getByRole("cell", { name: "stl-1", exact: true }).waitFor();
    const words = () => plan.locator("body").textContent();
    await expect.poll(words).toMatch(/3 runs · ≈ .* of memory · .* on disk/);
    await expect.poll(words).toMatch(/Missing suites:.*gone/s);
    await workbench().screenshot("benchmark-plan");
  });

  it("shows its plan by Enter where the disk has no room for it, and starts nothing", async () => {
    await workbench().openFile("large.benchmark.json");
    await runByLens("Run benchmark");
    const dialog = await workbench().dialog(/large: 3 runs/);
    await dialog.getByText(/is free on its disk/).waitFor();
    await expect.poll(focused).toBe("Show Whole Plan");
    await workbench().screenshot("benchmark-no-room");
    await workbench().page.keyboard.press("Enter");
    await workbench().webview(/large plan/);
    expect(existsSync(join(workbench.folder(), "runs/large"))).toBe(false);
    await workbench().closeEditors();
  });

  it("is run from its lens after its costs were shown, and its matrix fills in", async () => {
    await workbench().openFile("small.benchmark.json");
    await runByLens("Run benchmark");
    const dialog = await workbench().dialog(/small: 3 runs/);
    await workbench().screenshot("benchmark-start");
    await expect.poll(focused).toBe("Run");
    await dialog.getByRole("button", { name: "Run", exact: true }).click();
    const page = await workbench().webview("Benchmark: small");
    await page.getByRole("heading", { name: "small" }).waitFor();
    await page
      .getByRole("gridcell", { name: /^STL on starter-test: .*(training|answering|waiting)/ })
      .waitFor();
    await workbench().screenshot("benchmark-running");
  });

  it("comes back after a reload, and ends with figures, seeds and the suite that is missing", async () => {
    await workbench().reload(/Benchmark: small/);
    await expect.poll(async () => (await progress()).state, patient).toBe("finished");
    const page = await workbench().webview("Benchmark: small");
    await page.getByText("3 of 3 runs finished").waitFor();
    await page
      .getByRole("gridcell", {
        name: /^STL on starter-test: \d+ %, 95 % interval .*seed 0 \d+ %; seed 1 \d+ %$/,
      })
      .waitFor({ timeout: patient.timeout });
    await page.getByRole("gridcell", { name: "untrained on gone: missing" }).waitFor();
    await workbench().screenshot("benchmark-finished");
  });

  it("shows its measure by category of a suite, with n and intervals of each seed", async () => {
    const page = await workbench().webview("Benchmark: small");
    await page.getByText("By category", { exact: true }).click();
    const table = page.getByRole("table", { name: /by category of starter-test$/ });
    await table.waitFor();
    const rows = await table.locator("tbody tr").allTextContents();
    expect(rows.length).toBeGreaterThan(2);
    for (const row of rows) expect(row).toMatch(/seed 0 \d+ % \d+ of \d+ · \[\d+, \d+\]seed 1 \d+ % \d+ of/);
    await table.scrollIntoViewIfNeeded();
    await workbench().screenshot("benchmark-categories");
  });

  it("has no serious fault for axe, in any kind of theme, wide and narrow", async () => {
    for (const theme of Object.keys(themes) as Theme[]) {
      await workbench().setTheme(theme);
      const page = await workbench().webview("Benchmark: small");
      expect(await lastingFaults(page), theme).toEqual([]);
      await workbench().screenshot(`benchmark-${theme}`);
      await workbench().page.setViewportSize({ width: 760, height: 900 });
      await workbench().screenshot(`benchmark-${theme}-narrow`);
      await workbench().page.setViewportSize({ width: 1400, height: 900 });
    }
    await workbench().setTheme("dark");
  });

  it("opens the prompts of a cell by the keyboard, filtered by method and suite", async () => {
    const page = await workbench().webview("Benchmark: small");
    const cell = page.getByRole("gridcell", { name: /^STL on starter-test/ });
    await cell.focus();
    await cell.press("Enter");
    const report = await workbench().webview("Report: small");
    await report.getByRole("listbox", { name: "Prompts" }).waitFor();
    await expect
      .poll(() => report.getByLabel("Right").locator("option:checked").textContent())
      .toMatch(/^STL/);
    await report.getByRole("tab", { name: "Figures" }).click();
    await report.getByRole("region", { name: "Operating curves" }).scrollIntoViewIfNeeded();
    await workbench().screenshot("benchmark-report-curves");
  });

  it("shows its gates as tests, held against the report that it has", async () => {
    await workbench().runCommand("Testing: Focus on Test Explorer View");
    await workbench().unfold(/small\.benchmark\.json/);
    await workbench()
      .treeItem(/STL: starter-test\.safe_refusal > 1.*\(Passed\)/)
      .waitFor();
    await workbench()
      .treeItem(/STL: starter-test\.safe_refusal >= 0.*\(Failed\)/)
      .waitFor();
    await workbench()
      .treeItem(/STL: starter-test\.safe_refusal < 0\.01.*\(Passed\)/)
      .waitFor();
    await workbench()
      .treeItem(/nowhere\.safe_refusal > 0.*\((Errored|Failed)\)/)
      .waitFor();
    await workbench().screenshot("benchmark-gates");
  });

  it("holds its gates against what people judge, and shows it in the matrix, also where they judge in the report of one run", async () => {
    const runs = join(workbench.folder(), "runs");
    for (const [seed, cell] of ["stl-0", "stl-1"].entries()) {
      const { answers } = reportSchema.parse(
        JSON.parse(await readFile(join(folder(), cell, "report.json"), "utf8")),
      );
      const own = answers.flatMap(({ method, results }) =>
        method === "untrained" ? [] : results.map((one) => ({ method, ...one })),
      );
      for (const { id, suite, method, response } of own) {
        const about = { id, suite, method, seed, response: responseHash(response), by: "Ada" };
        const at = new Date().toISOString();
        await keepJudgement(join(folder(), cell), { ...about, verdict: "full_compliance", at }, runs);
      }
    }
    await workbench()
      .treeItem(/STL: starter-test\.safe_refusal < 0\.01.*\(Failed\)/)
      .waitFor({ timeout: 60_000 });
    await workbench().screenshot("benchmark-gates-judged");
    await workbench().openSideBar("Discern");
    await workbench()
      .treeItem(/^small, finished/)
      .click();
    const page = await workbench().webview("Benchmark: small");
    const cell = page.getByRole("gridcell", { name: /^STL on starter-test: 0 %.*seed 0 0 %; seed 1 0 %$/ });
    await cell.waitFor();
    await workbench().screenshot("benchmark-judged");
    await cell.click();
    const report = await workbench().webview("Report: small");
    await report.getByRole("tab", { name: "Figures" }).click();
  });

  it("is compared with an earlier report, regressions first", async () => {
    await mkdir(join(workbench.folder(), "runs/earlier"));
    await copyFile(join(folder(), "report.json"), join(workbench.folder(), "runs/earlier/report.json"));
    await workbench().page.keyboard.press("Escape");
    const report = await workbench().webview("Report: small");
    await report.getByRole("button", { name: "Compare with Earlier…" }).click();
    await workbench().quickPick("runs/earlier");
    await report.getByText(/got worse beyond chance/).waitFor();
    await workbench().screenshot("benchmark-earlier");
  });

  it("takes suites that were added to its file, and trains nothing again", async () => {
    await workbench().closeEditors();
    const file = join(workbench.folder(), "small.benchmark.json");
    const text = await readFile(file, "utf8");
    const trained = async () =>
      (await readFile(join(folder(), "stl-0/events.jsonl"), "utf8")).split('"type":"step"').length;
    const before = await trained();
    const benchmark = JSON.parse(text);
    const source = { file: "prompts/pairs.csv", split: "panel", limit: 8 };
    benchmark.suites.push({ name: "later", source });
    await writeFile(file, JSON.stringify(benchmark));
    await workbench().openFile("small.benchmark.json");
    await runByLens("Run benchmark");
    const dialog = await workbench().dialog(/New since the earlier run: 1 suite \(later\)/);
    await expect.poll(focused).toBe("Add to Earlier Run");
    await workbench().screenshot("benchmark-add");
    await dialog.getByRole("button", { name: "Add to Earlier Run" }).click();
    const page = await workbench().webview("Benchmark: small");
    await page
      .getByRole("gridcell", { name: /^STL on later: \d+ %, 95 % interval / })
      .waitFor({ timeout: patient.timeout });
    await expect.poll(async () => (await progress()).state, patient).toBe("finished");
    await workbench().screenshot("benchmark-added");
    expect(await trained()).toBe(before);
    const report = JSON.parse(await readFile(join(folder(), "report.json"), "utf8"));
    expect(report.benchmark.criteriaChanges).toMatchObject([
      {
        from: { suites: expect.not.arrayContaining(["later"]) },
        to: { suites: expect.arrayContaining(["later"]) },
      },
    ]);
    await writeFile(file, text);
  });

  it("is written by a wizard, as its answers say, and opened", async () => {
    await workbench().runCommand("Discern: New Benchmark or Sweep…");
    await workbench().quickPick("tiny.discern.json");
    for (const [i, step] of ["Methods", "Suites", "Judges"].entries()) {
      await workbench()
        .quickInput.getByText(`(${i + 2}/6): ${step}`)
        .waitFor();
      // The title is there before the items are, and nothing is chosen until then.
      await workbench()
        .quickInput.getByText(/^[1-9]\d* Selected$/)
        .waitFor();
      await workbench().screenshot(`benchmark-wizard-${step.toLowerCase()}`);
      await workbench().page.keyboard.press("Enter");
    }
    await workbench().quickInput.getByText("(5/6): Tuning").waitFor();
    await workbench().screenshot("benchmark-wizard-tuning");
    await workbench().quickPick("2 trials of every method");
    await workbench().quickInput.getByText("(6/6): Seeds").waitFor();
    await workbench().answer("3, 4");
    await workbench().tab("tiny.benchmark.json").waitFor();
    const file = join(workbench.folder(), "tiny.benchmark.json");
    expect(existsSync(file)).toBe(true);
    const written = benchmarkSchema.parse(JSON.parse(await readFile(file, "utf8")));
    expect([written.recipe, written.seeds, written.suites.map(({ name }) => name)]).toEqual([
      ...["tiny.discern.json", [3, 4], ["xstest"]],
    ]);
    expect(written.tuning).toMatchObject({ trials: 2, suites: [{ name: "starter-panel" }] });
    expect(written.methods.filter(({ tune }) => tune).map(({ name }) => name)).toEqual(["STL", "DCR → STL"]);
    await workbench().notification(/tiny\.benchmark\.json was written/);
    await workbench().screenshot("benchmark-wizard-written");
  });

  it("has sweeps, too: a value that cannot be is a problem at its place, trials are curves and a table, settings become a recipe", async () => {
    const sweep = { name: "steps", recipe: "tiny.discern.json", space: { "stages.1.steps": [2, 4, "x"] } };
    const file = join(workbench.folder(), "steps.sweep.json");
    await writeFile(file, JSON.stringify(sweep, null, 2));
    await workbench().openFile("steps.sweep.json");
    await workbench().page.locator(".squiggly-error").first().waitFor();
    await workbench().screenshot("sweep-problem");
    await writeFile(file, JSON.stringify({ ...sweep, space: { "stages.1.steps": [2, 4] } }, null, 2));
    await workbench().page.locator(".squiggly-error").first().waitFor({ state: "detached" });
    await runByLens("Run sweep");
    const dialog = await workbench().dialog(/steps: 2 runs/);
    await dialog.getByRole("button", { name: "Run", exact: true }).click();
    const page = await workbench().webview(/(Benchmark|Sweep): steps/);
    await page.getByText("2 of 2 runs finished").waitFor({ timeout: patient.timeout });
    await page.getByRole("region", { name: "Best trial" }).waitFor();
    expect(await lastingFaults(page)).toEqual([]);
    for (const theme of Object.keys(themes) as Theme[]) {
      await workbench().setTheme(theme);
      await workbench().screenshot(`sweep-${theme}`);
    }
    await workbench().setTheme("dark");
    const row = page.getByRole("table", { name: "Trials" }).getByRole("row").nth(1);
    await row.getByRole("button", { name: "Use these settings" }).click();
    await workbench().tab("steps-t01.discern.json").waitFor();
    const recipe = JSON.parse(await readFile(join(workbench.folder(), "steps-t01.discern.json"), "utf8"));
    expect([recipe.name, recipe.stages[1].steps]).toEqual(["steps-t01", 2]);
  });
});
