import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readPrompts } from "../../src/dataset/read.ts";
import type { Workbench } from "./workbench.ts";

const starter = join(import.meta.dirname, "../../datasets/starter");

/** The files that `writeOwnFiles` makes, by what is in them. */
export const ownFiles = {
  borderline: "prompts/borderline.csv",
  harmful: "prompts/harmful.jsonl",
  refusals: "prompts/our-refusals.json",
} as const;

/**
 * Writes three prompt files as a researcher has them, each in a format and with columns of its own, without labels and splits, out of
 * the starter set: harmless prompts with their types (CSV), harmful ones with their categories (JSON Lines), and refusals (JSON).
 *
 * @param perType prompts of each type, 16 types.
 */
export async function writeOwnFiles(folder: string, perType = 12): Promise<void> {
  const { records: pairs } = await readPrompts(join(starter, "pairs.csv"));
  const { records: safety } = await readPrompts(join(starter, "safety.jsonl"));
  const some = (label: string) => {
    const types = Map.groupBy(
      pairs.filter((record) => record.label === label),
      ({ kind }) => kind,
    );
    return [...types.values()].flatMap((records) => records.slice(0, perType));
  };
  const rows = some("seemingly_toxic").map(({ prompt, kind }, i) => `${i + 1},${quoted(prompt)},${kind}`);
  const lines = some("toxic").map(({ prompt, kind }, i) =>
    JSON.stringify({ uid: `h${i + 1}`, goal: prompt, category: kind }),
  );
  const refusals = safety.map(({ prompt, response }) => ({ instruction: prompt, output: response }));
  await mkdir(join(folder, "prompts"), { recursive: true });
  const write = (file: string, text: string) => writeFile(join(folder, file), `${text}\n`);
  await write(ownFiles.borderline, ["nr,question,type", ...rows].join("\n"));
  await write(ownFiles.harmful, lines.join("\n"));
  await write(ownFiles.refusals, JSON.stringify(refusals, null, 1));
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

/** Scores the harmless prompts with a model as it is, by the lens of their file, and waits for the marks. */
export async function scoreOwnFile(workbench: Workbench, model: string): Promise<void> {
  const lens = (text: string | RegExp) => workbench.page.locator(".codelens-decoration", { hasText: text });
  await workbench.openFile(ownFiles.borderline);
  await workbench.askByLens("Score with…");
  await workbench.quickPick(model);
  await workbench.quickPick("Answered");
  await lens(/safe .* mean refusal probability/).waitFor({ timeout: 600_000 });
}

/** Labels the first prompts of a file in the labelling panel, one key each. */
export async function labelFirst(workbench: Workbench, file: string, count: number): Promise<void> {
  await workbench.openFile(file);
  await workbench.runCommand("Discern: Open Labelling Panel");
  const panel = await workbench.webview(`Label ${basename(file)}`);
  await panel.getByText(/^0 of \d+ labelled/).waitFor();
  await panel.locator("body").press("b");
  for (let n = 1; n <= count; n++) {
    await panel.locator("body").press(file === ownFiles.harmful ? "1" : "2");
    await panel.getByText(new RegExp(`^${n} of \\d+ labelled`)).waitFor();
  }
}

/** Labels all prompts of both files of prompts that have no label yet, from the menu of their rows. */
export async function labelTheRest(workbench: Workbench, folder: string): Promise<void> {
  for (const [file, label] of [
    [ownFiles.borderline, "Seemingly toxic"],
    [ownFiles.harmful, "Toxic"],
  ] as const) {
    const log = join(folder, `${file}.labels.jsonl`);
    const hasLabels = existsSync(log);
    await workbench.chooseFromMenu(workbench.treeItem(file).first(), "Label Whole File…");
    await workbench.quickPick(label);
    // Of a file that has some labels it asks which prompts are meant.
    if (hasLabels) await workbench.quickPick("Prompts Without a Label");
    const lines = (path: string) => readFile(path, "utf8").then((text) => text.trim().split("\n").length);
    const wanted = await lines(join(folder, file)).then((n) => (file === ownFiles.borderline ? n - 1 : n));
    while ((await lines(log).catch(() => 0)) < wanted) await sleep(100);
  }
}

/** Writes a recipe for all three files by the wizard, as it proposes it. @param seen called while it shows how they are used */
export async function writeOwnRecipe(
  workbench: Workbench,
  model: string,
  name: string,
  seen: () => Promise<void> = async () => {},
): Promise<void> {
  const { quickInput, page } = workbench;
  const rows = (text: string) => quickInput.locator(".monaco-list-row", { hasText: text });
  await workbench.runCommand("Discern: New Recipe…");
  await workbench.quickPick(model);
  await quickInput.getByText("New Recipe (2/4): Data").waitFor();
  for (const file of Object.values(ownFiles)) await rows(file).click();
  await quickInput.getByText("3 Selected").waitFor();
  await page.keyboard.press("Enter");
  await quickInput.getByText("New Recipe (3/4): How the Files Are Used").waitFor();
  await rows(basename(ownFiles.refusals))
    .getByText(/safety tuning/)
    .waitFor();
  await seen();
  await rows("Create Recipe").click();
  await quickInput.getByText("New Recipe (4/4): Name").waitFor();
  await workbench.answer(name);
  await workbench.tab(`${name}.discern.json`).waitFor();
}
