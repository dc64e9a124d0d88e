import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseRecipe } from "../../src/recipe/recipeFile.ts";
import { describeWorkbench, useWorkbench } from "./useWorkbench.ts";
import { fillWorkspace, tinyRecipe } from "./workspace.ts";

describeWorkbench("recipes", () => {
  const workbench = useWorkbench({
    fill: async (folder) => {
      await fillWorkspace(folder);
      const recipe = tinyRecipe("faulty", 10);
      const [contrast] = recipe.stages;
      const faulty = {
        ...recipe,
        data: { ...recipe.data, safety: [{ file: "prompts/nowhere.jsonl" }] },
        stages: [{ ...contrast, layer: 9 }, ...recipe.stages.slice(1)],
      };
      await writeFile(join(folder, "faulty.discern.json"), JSON.stringify(faulty, null, 2));
      // Longer than the model's context, which is a warning; and long enough for a fast machine to tell of its pace.
      const doubtful = { ...tinyRecipe("doubtful", 4000), maxTokens: 1024 };
      await writeFile(join(folder, "doubtful.discern.json"), JSON.stringify(doubtful, null, 2));
    },
  });

  it("are written by a wizard that asks for model and data alone", async () => {
    const { page } = workbench();
    await workbench().runCommand("Discern: New Recipe…");
    await workbench().quickPick("tiny");
    await workbench().quickInput.getByText("New Recipe (2/2): Data").waitFor();
    await workbench().quickInput.locator(".monaco-list-row", { hasText: "prompts/pairs.csv" }).click();
    await workbench().quickInput.getByText("1 Selected").waitFor();
    await page.keyboard.press("Enter");
    await workbench().tab("dcr.discern.json").waitFor();
    const file = join(workbench.folder(), "dcr.discern.json");
    const { model, data } = parseRecipe(await readFile(file, "utf8"), file);
    expect(model).toEqual({ base: "models/tiny", adapters: [] });
    expect(data.contrast).toMatchObject([{ file: "prompts/pairs.csv", split: "train" }]);
    await workbench().screenshot("recipe-new");
  });

  it("have their problems on their keys, also those that no schema knows", async () => {
    const { page } = workbench();
    await workbench().openFile("faulty.discern.json");
    await workbench()
      .runCommand("View: Focus Problems (Errors, Warnings, Infos)")
      .catch(() => undefined);
    await page
      .getByText(/tiny has 3 layers, so 9 lies beyond it/)
      .first()
      .waitFor();
    await page
      .getByText(/There is no prompt file .*nowhere\.jsonl/)
      .first()
      .waitFor();
    await workbench().screenshot("recipe-problems");
  });

  it("say what a choice costs, beside what else could be chosen", async () => {
    const { page } = workbench();
    await page.keyboard.press("Control+Shift+M");
    const text = await readFile(join(workbench.folder(), "faulty.discern.json"), "utf8");
    await page.keyboard.press("Control+g");
    await workbench().answer(`:${text.slice(0, text.indexOf('"layer"')).split("\n").length}:10`);
    await page.keyboard.press("Control+k");
    await page.keyboard.press("Control+i");
    const hover = page.locator(".monaco-hover");
    await hover.getByText("What the run costs").waitFor();
    await hover.getByText("layer 3", { exact: true }).waitFor();
    await workbench().screenshot("recipe-costs");
  });

  it("say where they are computed, and let one choose it with what was found of each place", async () => {
    const { page } = workbench();
    await workbench().openFile("doubtful.discern.json");
    const lens = page.locator(".codelens-decoration a");
    await lens.filter({ hasText: /auto$/ }).waitFor();
    await workbench().runCommand("Discern: Choose Backend and Device…");
    const onnx = workbench().quickInput.getByRole("option", { name: "cpu by onnx", exact: true });
    await onnx.waitFor();
    await workbench()
      .quickInput.getByRole("option", { name: /^cuda by torch/ })
      .waitFor();
    await workbench().screenshot("recipe-place");
    await onnx.click();
    await lens.filter({ hasText: /cpu by onnx$/ }).waitFor();
    await page.keyboard.press("Control+s");
    const file = join(workbench.folder(), "doubtful.discern.json");
    await expect.poll(async () => parseRecipe(await readFile(file, "utf8"), file).backend).toBe("onnx");
    expect(parseRecipe(await readFile(file, "utf8"), file).device).toBe("cpu");
  });

  it("are checked before they run: what is doubtful, where they are computed, what stays in memory", async () => {
    await workbench().runCommand("Discern: Run Recipe…");
    const before = await workbench().dialog("Before the run starts");
    await before.getByText(/Computed on cpu by onnx: the recipe names it/).waitFor();
    await before.getByText(/activations stay in memory\. Estimated peak/).waitFor();
    await workbench().screenshot("preflight");
    await before.getByRole("button", { name: "Run Anyway" }).click();
    const dashboard = await workbench().webview("Dashboard: doubtful");
    await dashboard.getByText(/onnx on cpu \(float32\)/).waitFor();
    // A run tells of its pace after ten seconds.
    await dashboard.getByText(/tokens\/s · memory/).waitFor({ timeout: 120_000 });
    await dashboard.locator("details.computing > summary").click();
    await dashboard.getByText(/Estimated peak/).waitFor();
    await workbench().screenshot("dashboard-computing");
  });
});
