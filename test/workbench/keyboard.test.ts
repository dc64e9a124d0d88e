import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { timeline } from "../../src/protocol/timeline.ts";
import { readEvents } from "../../src/runFolder/eventLog.ts";
import { Keyboard } from "./keyboard.ts";
import { describeWorkbench, useWorkbench } from "./useWorkbench.ts";
import { fillWorkspace } from "./workspace.ts";

/** The whole way of a researcher without a mouse: `Keyboard` has keys, and eyes. */
describeWorkbench("by keyboard alone", () => {
  const workbench = useWorkbench({
    fill: async (folder) => {
      await mkdir(join(folder, "study"));
      await fillWorkspace(join(folder, "study"));
      // Every eighth pair: what is measured here is no matter, and soon there.
      const pairs = join(folder, "study/prompts/pairs.csv");
      const rows = (await readFile(pairs, "utf8")).trim().split("\n");
      const some = rows.filter((_, i) => i === 0 || Math.floor((i - 1) / 2) % 8 === 0);
      await writeFile(pairs, `${some.join("\n")}\n`);
    },
    settings: { "discern.labels.author": "Ada" },
  });
  const keyboard = () => new Keyboard(workbench());
  const path = (...parts: string[]) => join(workbench.folder(), "study", ...parts);
  const lines = async (file: string): Promise<{ label: string; verdict: string }[]> => {
    const text = await readFile(path(file), "utf8").catch(() => "");
    return text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
  };
  const patient = { timeout: 60_000, interval: 100 };
  const labels = () =>
    expect.poll(
      async () => (await lines("prompts/to-label.csv.labels.jsonl")).map(({ label }) => label),
      patient,
    );
  const probes = () => timeline(readEvents(path("runs/keys/events.jsonl"))).probes.length;

  it("opens a folder", async () => {
    await keyboard().command("File: Open Folder...");
    await keyboard().path(path());
    await keyboard().window.getByRole("treeitem", { name: "tiny.discern.json" }).waitFor();
  });

  it("labels prompts in the Prompts view", async () => {
    const { window } = keyboard();
    await keyboard().command("Discern: Focus on Prompts View");
    await keyboard().tabTo(window.getByRole("tree", { name: "Prompts" }));
    await keyboard().goDownTo(/to-label\.csv/);
    await keyboard().press("ArrowRight");
    await keyboard().goDownTo(/^Unlabelled/);
    await keyboard().press("ArrowRight");
    await keyboard().goDownTo(/^unlabelled, /);
    await keyboard().press("2");
    await labels().toEqual(["seemingly_toxic"]);
    await keyboard().press("3");
    await labels().toEqual(["seemingly_toxic", "general"]);
    await keyboard().press("Control+z");
    await labels().toEqual(["seemingly_toxic", "general", "withdrawn"]);
  });

  it("labels prompts in the labelling panel, with a note, and reads its help", async () => {
    await keyboard().open("to-label.csv");
    await keyboard().command("Discern: Open Labelling Panel");
    const page = await keyboard().sees("Label to-label.csv");
    await page.getByText("1 of 26 labelled").waitFor();
    await keyboard().within(page);
    await keyboard().press("?");
    await page.getByRole("dialog", { name: "Help: labelling panel" }).waitFor();
    await keyboard().press("Escape");
    await keyboard().press("b", "n");
    await keyboard().focused(page.locator("#note"));
    await keyboard().type("A figure of speech.");
    await keyboard().press("Enter", "2");
    // A note on a prompt that nobody decided marks it as seen.
    await labels().toEqual(["seemingly_toxic", "general", "withdrawn", "skip", "seemingly_toxic"]);
    await keyboard().press("g");
    await keyboard().focused(page.getByRole("grid"));
    await keyboard().press("ArrowDown", "Shift+ArrowDown", "3");
    await labels().toHaveLength(7);
    await workbench().screenshot("keyboard-labelling");
  });

  it("scores a prompt file with a model", async () => {
    await keyboard().open("pairs.csv");
    await keyboard().command("Discern: Score Prompt File with…");
    await keyboard().choose("tiny");
    await keyboard()
      .window.locator(".codelens-decoration", { hasText: /mean refusal probability/ })
      .waitFor();
    await keyboard().command("Discern: Next Refusal Failure");
    await workbench().screenshot("keyboard-scored");
  });

  it("filters, sorts and labels in the prompt table, and opens a row's line", async () => {
    await keyboard().press("Escape");
    await keyboard().open("pairs.csv");
    await keyboard().command("Discern: Open as Prompt Table");
    const page = await keyboard().sees(/Prompt Table: pairs\.csv/);
    const grid = page.getByRole("grid", { name: "Prompts" });
    await keyboard().focused(grid);
    await keyboard().press("/");
    await keyboard().type("the");
    await keyboard().press("Enter");
    await page.getByText(/^(?!96)\d+ of 96 prompts/).waitFor();
    await keyboard().tabTo(page.getByRole("combobox", { name: "Label" }), "Shift+Tab");
    await keyboard().press("ArrowDown");
    await workbench().screenshot("keyboard-table-filtered");
    const sort = grid.getByRole("columnheader", { name: "Line" });
    await keyboard().tabTo(sort.getByRole("button"));
    await keyboard().press("Enter", "Enter");
    await grid.locator("[aria-sort=descending]").waitFor();
    await keyboard().tabTo(grid, "Shift+Tab");
    await keyboard().press("ArrowDown", "3");
    await expect
      .poll(async () => (await lines("prompts/pairs.csv.labels.jsonl")).map(({ label }) => label), patient)
      .toEqual(["general"]);
    await keyboard().press("Enter");
    await page.getByRole("complementary", { name: "Details" }).getByText("Your verdict").first().waitFor();
    await workbench().screenshot("keyboard-table");
    await keyboard().press("Escape", "o");
    await keyboard()
      .window.locator(".tab.active", { hasText: /^pairs\.csv/ })
      .waitFor();
    await workbench().screenshot("keyboard-end");
  });

  it("writes a recipe for the files that were ticked", async () => {
    await keyboard().command("Discern: New Recipe…");
    await keyboard().choose("tiny");
    await keyboard().window.getByText("New Recipe (2/4): Data").waitFor();
    await keyboard().tick("pairs.csv", "safety.jsonl", "general.jsonl");
    await keyboard().window.getByText("New Recipe (3/4): How the Files Are Used").waitFor();
    await keyboard().choose("Create Recipe…");
    await keyboard().answer("New Recipe (4/4): Name", "keys");
    await workbench().tab("keys.discern.json").waitFor();
    await workbench().screenshot("keyboard-recipe");
    // Closed, so that what is run is not what the editor still holds.
    await keyboard().command("View: Close Editor");
    await workbench().tab("keys.discern.json").waitFor({ state: "detached" });
    // The steps proposed are for a real model. Fewer end within seconds.
    const recipe = JSON.parse(await readFile(path("keys.discern.json"), "utf8"));
    const [contrastive, supervised] = recipe.stages;
    const changed = {
      ...{ ...recipe, maxTokens: 320, probes: { every: 4 } },
      stages: [
        { ...contrastive, steps: 8, layer: 2, sampler: { batch: 8 }, retention: { batch: 2 } },
        { ...supervised, steps: 8 },
      ],
      evaluate: { ...recipe.evaluate, maxNewTokens: 4 },
    };
    await writeFile(path("keys.discern.json"), JSON.stringify(changed, null, 2));
  });

  it("runs the recipe, and goes through the charts and prompts of its dashboard", async () => {
    await keyboard().open("keys.discern.json");
    await keyboard().command("Discern: Run Recipe…");
    const { window } = keyboard();
    const asked = window.locator(".monaco-dialog-box");
    await asked
      .or(window.getByRole("tab", { name: /^Dashboard: keys/ }))
      .first()
      .waitFor();
    if ((await asked.count()) > 0) await keyboard().press("Enter");
    await expect.poll(() => probes(), patient).toBeGreaterThan(1);
    await keyboard().command("Discern: Open Dashboard");
    // The run that has begun is ticked.
    await window.locator(".quick-input-widget:visible").getByText("1 Selected").waitFor();
    await keyboard().press("Enter");
    const page = await keyboard().sees("Dashboard: keys");
    const head = page.getByRole("button", { name: /^(Fold|Show all of) keys/ });
    const isUnfolded = await head.getAttribute("aria-expanded");
    await keyboard().use(head, "Space");
    await expect.poll(() => head.getAttribute("aria-expanded"), patient).not.toBe(isUnfolded);
    await keyboard().use(page.getByRole("button", { name: "Zoom in", exact: true }));
    await page.getByText(/^Steps \d+ to \d+/).waitFor({ state: "attached" });
    await keyboard().use(page.getByRole("button", { name: "Table: Refusal probability" }));
    await page.getByRole("table", { name: /^Refusal probability by probe/ }).waitFor();
    const titles = () => page.locator(".card-head h3").allTextContents();
    await expect.poll(async () => (await titles()).length, patient).toBeGreaterThanOrEqual(4);
    const [first, ...charts] = await titles();
    expect(first).toBe("Refusal probability");
    for (const title of charts)
      await keyboard().tabTo(page.getByRole("button", { name: `Table: ${title}`, exact: true }));
    await keyboard().tabTo(page.getByRole("searchbox", { name: "Search prompts" }), "Shift+Tab");
    await keyboard().type("how");
    await keyboard().use(page.getByRole("checkbox", { name: /^Highlight: / }).first(), "Space");
    await page.getByRole("checkbox", { name: /^Highlight: /, checked: true }).waitFor();
    await workbench().screenshot("keyboard-dashboard");
  });

  it("opens the report from the dashboard once the run has ended", async () => {
    const page = await keyboard().sees("Dashboard: keys");
    await expect
      .poll(() => readEvents(path("runs/keys/events.jsonl")).at(-1)?.type, { ...patient, timeout: 60_000 })
      .toBe("run-finished");
    await keyboard().tabTo(page.locator("vscode-button", { hasText: "Open report" }), "Shift+Tab");
    await keyboard().press("Enter");
    await keyboard().sees("Report: keys");
  });

  it("judges an answer in the report, reads its help, and opens the prompt in its file", async () => {
    const page = await keyboard().sees("Report: keys");
    await keyboard().tabTo(page.getByRole("tab", { name: "Figures" }));
    await keyboard().press("ArrowRight");
    const prompts = page.getByRole("listbox", { name: "Prompts" });
    await keyboard().tabTo(prompts);
    await keyboard().press("ArrowDown", "c");
    await expect
      .poll(async () => (await lines("runs/keys/judgements.jsonl")).map(({ verdict }) => verdict), patient)
      .toEqual(["full_compliance"]);
    await keyboard().press("r");
    await expect
      .poll(async () => (await lines("runs/keys/judgements.jsonl")).map(({ verdict }) => verdict), patient)
      .toEqual(["full_compliance", "full_refusal"]);
    await keyboard().press("?");
    await page.getByRole("dialog", { name: "Help: report" }).waitFor();
    await keyboard().press("Escape");
    await keyboard().focused(prompts);
    await workbench().screenshot("keyboard-report");
    await keyboard().press("o");
    await keyboard()
      .window.locator(".tab.active", { hasText: /^(pairs\.csv|general\.jsonl|safety\.jsonl)/ })
      .waitFor();
  });
});
