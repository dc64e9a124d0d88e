import { existsSync } from "node:fs";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseRecipe } from "../../src/recipe/recipeFile.ts";
import { cellProgress, readCellEvents } from "../../src/runFolder/comparison.ts";
import { skipWhen } from "../skip.ts";
import { writeTinyModel } from "../tinyModel.ts";
import {
  labelFirst,
  labelTheRest,
  ownFiles,
  scoreOwnFile,
  writeOwnFiles,
  writeOwnRecipe,
} from "./ownFiles.ts";
import { describeWorkbench, useWorkbench } from "./useWorkbench.ts";

const root = join(import.meta.dirname, "../..");
const wanted = process.env.DISCERN_PICTURES ?? "";
const isFinished = wanted !== "1" && existsSync(join(wanted, "runs"));
const isTried = wanted === "try";
const pictures = join(root, isTried ? ".cache/workbench/pictures" : "docs/images/workbench");
const model = isTried ? "tiny" : "smollm2-135m";
/** A few steps and short answers: the way is shown, and not what the method can do. */
const short = { steps: isTried ? 20 : 40, answerTokens: isTried ? 4 : 16, probeEvery: 10 };

/**
 * The whole way of a researcher with three files of their own: open, score the untrained model, label, write a recipe, compare two methods
 * with two seeds, read the results in the file, the table and the report. It takes the pictures of docs/workbench.md on the way, and about twenty minutes
 * on two cores, so it runs only when `DISCERN_PICTURES` is set: to 1; to a folder that it left, in which the comparison has finished; or to
 * `try`, with a tiny model and pictures that go to .cache.
 */
const unasked = skipWhen(!wanted, "the documents' pictures: DISCERN_PICTURES is not set.");
describeWorkbench.skipIf(unasked)("a researcher's own files", () => {
  const workbench = useWorkbench({
    fill: async (folder) => {
      await mkdir(pictures, { recursive: true });
      if (isFinished) await cp(wanted, folder, { recursive: true });
      else await writeOwnFiles(folder);
      if (isTried) await writeTinyModel(join(folder, "models/tiny"));
    },
    name: "over-refusal",
    settings: { "discern.labels.author": "Ada", "discern.walkthrough.opens": true },
  });

  const picture = async (name: string) => {
    // Where the pointer raises no hover of its own.
    await workbench().page.mouse.move(1, 899);
    await workbench().settled();
    await workbench().page.screenshot({ path: join(pictures, `${name}.png`) });
  };
  const size = (width: number, height = 900) => workbench().page.setViewportSize({ width, height });
  const quiet = () => workbench().runCommand("Notifications: Clear All Notifications");
  const folder = () => join(workbench.folder(), "runs/borderline-comparison");
  const lens = (text: string | RegExp) => workbench().page.locator(".codelens-decoration", { hasText: text });
  const once = it.skipIf(isFinished);

  once("are found, and the walkthrough says where to begin", async () => {
    const { page } = workbench();
    await page.locator(".getting-started-step").first().waitFor();
    await workbench().openSideBar("Discern");
    if (!isTried) {
      await workbench().runCommand("Discern: Pull a Model…");
      await workbench().quickPick(model);
    }
    await workbench()
      .treeItem(/^(tiny|smollm2-135m|HuggingFaceTB\/SmolLM2-135M-Instruct)\b/)
      .first()
      .waitFor({ timeout: 240_000 });
    await workbench()
      .treeItem(/our-refusals\.json/)
      .waitFor();
    await quiet();
    await picture("open");
  });

  once(
    "are scored with the untrained model",
    async () => {
      await scoreOwnFile(workbench(), model);
      await quiet();
      await picture("scored");
    },
    900_000,
  );

  once("are labelled: some one by one, the rest at once", async () => {
    await labelFirst(workbench(), ownFiles.borderline, 4);
    await quiet();
    await picture("labelling");
    await labelTheRest(workbench(), workbench.folder());
    await quiet();
  });

  once("become a recipe", async () => {
    const { page } = workbench();
    await writeOwnRecipe(workbench(), model, "borderline", () => picture("uses"));
    const path = join(workbench.folder(), "borderline.discern.json");
    const recipe = JSON.parse(await readFile(path, "utf8"));
    expect(parseRecipe(JSON.stringify(recipe), path).data.safety).toMatchObject([
      { file: ownFiles.refusals },
    ]);
    const { steps, answerTokens, probeEvery } = short;
    const shortened = {
      ...recipe,
      ...(isTried && { maxTokens: 320 }),
      stages: recipe.stages.map((stage: object, i: number) => ({
        ...stage,
        ...(i === 0 && { layer: isTried ? 2 : 18 }),
        steps,
      })),
      probes: { every: probeEvery },
      evaluate: { ...recipe.evaluate, maxNewTokens: answerTokens },
    };
    await writeFile(path, `${JSON.stringify(shortened, null, 2)}\n`);
    await page.getByText(/≈ .* of memory/).waitFor();
    const text = await readFile(path, "utf8");
    await workbench().goTo(text.slice(0, text.indexOf('"layer"')).split("\n").length, 10);
    await page.keyboard.press("Control+k");
    await page.keyboard.press("Control+i");
    await page.locator(".monaco-hover").getByText("What the run costs").waitFor();
    await picture("recipe");
    await page.keyboard.press("Escape");
  });

  once(
    "are what two methods are compared on, with two seeds each",
    async () => {
      const { page } = workbench();
      // The lens is drawn only while its line is in sight.
      await page.keyboard.press("Control+Home");
      await workbench().askByLens("Compare methods");
      await workbench().quickPick("2 seeds");
      for (;;) {
        const { state, failed } = cellProgress(await readCellEvents(folder()).catch(() => []));
        if (failed.length > 0) throw new Error("A run failed.");
        if (state === "finished") break;
        await page.waitForTimeout(2000);
      }
      if (process.env.DISCERN_KEEP)
        await cp(workbench.folder(), process.env.DISCERN_KEEP, { recursive: true });
    },
    2_700_000,
  );

  it("are followed in one dashboard of both methods", async () => {
    await workbench().openSideBar("Discern");
    await workbench()
      .treeItem(/^borderline-comparison[, ]/)
      .first()
      .waitFor();
    await workbench().closeEditors();
    await quiet();
    await workbench().runCommand("Discern: Open Dashboard");
    for (const run of ["stl-0", "dcr-stl-0", "stl-1", "dcr-stl-1"]) {
      const name = workbench().page.getByText(run, { exact: true });
      await workbench().quickInput.locator(".monaco-list-row", { has: name }).click();
    }
    await workbench().quickInput.getByText("4 Selected").waitFor();
    await workbench().page.keyboard.press("Enter");
    const page = await workbench().webview(/^Dashboard: .*, .*/);
    await page.getByText("Refusal of toxic prompts").first().waitFor();
    await size(1400, 1010);
    for (const theme of ["dark", "light"] as const) {
      await workbench().setTheme(theme);
      await picture(`dashboard-${theme}`);
    }
    await workbench().setTheme("dark");
    await size(1400);
  });

  it("show the results before each prompt, in wide and narrow windows", async () => {
    const { page } = workbench();
    await workbench().openFile(ownFiles.borderline);
    await lens(/safe .* refused/).waitFor();
    // A type that is held out of training, and that the suite asks.
    const lines = (await readFile(join(workbench.folder(), ownFiles.borderline), "utf8")).split("\n");
    await workbench().goTo(lines.findIndex((line) => line.endsWith(",computing")) + 2);
    await page.mouse.move(1, 899);
    await page.keyboard.press("Control+K");
    await page.keyboard.press("Control+I");
    await page
      .locator(".monaco-hover")
      .getByText(/untrained: /)
      .waitFor();
    await picture("evaluation");
    await page.keyboard.press("Escape");
    await size(1024);
    await picture("evaluation-1024");
    await size(1400);
  });

  it("are a table with a row per prompt", async () => {
    await workbench().runCommand("Discern: Open as Prompt Table");
    const page = await workbench().webview(/borderline\.csv/);
    await page.getByRole("grid").waitFor();
    await page
      .getByText(/[1-9]\d* of \d+ prompts|\d+ prompts/)
      .first()
      .waitFor();
    // Prompts that were answered come first.
    await page.getByTitle(/^Refusal probability of DCR/).click();
    await picture("table");
  });

  it("end in a report that begins with what was found", async () => {
    await workbench().openSideBar("Discern");
    const item = workbench()
      .treeItem(/^borderline-comparison[, ]/)
      .first();
    await item.hover();
    await item.getByRole("button", { name: "Open Report" }).click();
    const page = await workbench().webview("Report: borderline-comparison");
    await page.getByRole("region", { name: "Refusal rate of safe prompts", exact: true }).waitFor();
    await picture("report");
  });
});
