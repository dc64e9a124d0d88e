import { writeFile } from "node:fs/promises";
import { basename } from "node:path";
import * as vscode from "vscode";
import { longestDisplayName, tagSchema } from "../../protocol/about.ts";
import { changeAbout } from "../../runFolder/about.ts";
import { runPaths } from "../../runFolder/folder.ts";
import { tagsOf } from "./filter.ts";
import type { Run } from "./library.ts";

/** Asks for another display name; an empty one shows the folder's name again. @throws as `changeAbout`. */
export async function renameRun(run: Run): Promise<void> {
  const folder = basename(run.folder.fsPath);
  const given = await vscode.window.showInputBox({
    title: `Rename ${run.label}`,
    prompt: `Display name. The folder stays ${folder}. Leave empty to show the folder's name.`,
    value: run.label,
    validateInput: (value) =>
      value.trim().length > longestDisplayName
        ? `A display name has at most ${longestDisplayName} characters; longer text belongs in the notes.`
        : undefined,
  });
  if (given === undefined) return;
  const name = given.trim();
  await changeAbout(run.folder.fsPath, () => ({ name: name === "" || name === folder ? null : name }));
}

/** Opens the notes of a run in an editor; they are Markdown. */
export async function openNotes(run: Run): Promise<void> {
  const path = runPaths(run.folder.fsPath).notes;
  await writeFile(path, "", { flag: "wx" }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  await vscode.window.showTextDocument(vscode.Uri.file(path), { preview: false });
}

/**
 * Asks for the tags of runs. Those that all of them have are ticked; what is ticked or unticked changes for all, and tags that only
 * some have stay where they are.
 *
 * @param all the runs whose tags are offered.
 * @throws as `changeAbout`.
 */
export async function editTags(runs: readonly Run[], all: readonly Run[]): Promise<void> {
  const has = (run: Run, tag: string) => run.remarks?.tags.includes(tag) ?? false;
  const before = tagsOf(runs).filter((tag) => runs.every((run) => has(run, tag)));
  const title = runs.length === 1 ? `Tags of ${runs[0]!.label}` : `Tags of ${runs.length} runs`;
  const after = await pickTags(title, tagsOf(all), before);
  if (after === undefined) return;
  const added = after.filter((tag) => !before.includes(tag));
  const removed = before.filter((tag) => !after.includes(tag));
  if (added.length + removed.length === 0) return;
  for (const { folder } of runs) {
    await changeAbout(folder.fsPath, ({ tags }) => ({
      tags: [...tags.filter((tag) => !removed.includes(tag)), ...added],
    }));
  }
}

/** Asks for tags: those that there are, and new ones that are typed. */
function pickTags(
  title: string,
  known: readonly string[],
  before: readonly string[],
): Promise<string[] | undefined> {
  type Item = vscode.QuickPickItem & { readonly tag: string };
  const pick = vscode.window.createQuickPick<Item>();
  pick.title = title;
  pick.placeholder = "Tick tags, or type a new one";
  pick.canSelectMany = true;
  const item = (tag: string): Item => ({ label: tag, tag });
  pick.items = known.map(item);
  pick.selectedItems = pick.items.filter(({ tag }) => before.includes(tag));
  let typed: Item | undefined;
  pick.onDidChangeValue((value) => {
    const tag = tagSchema.safeParse(value.trim().replace(/^#/, "")).data;
    const chosen = pick.selectedItems;
    // What was typed before stays only where it was ticked.
    const kept = pick.items.filter((each) => each !== typed || chosen.includes(each));
    typed =
      tag === undefined || kept.some((each) => each.tag === tag)
        ? undefined
        : { ...item(tag), description: "new tag", alwaysShow: true };
    pick.items = typed ? [typed, ...kept] : kept;
    pick.selectedItems = typed ? [...chosen, typed].filter((each) => pick.items.includes(each)) : chosen;
  });
  return new Promise((resolve) => {
    pick.onDidAccept(() => {
      resolve(pick.selectedItems.map(({ tag }) => tag));
      pick.hide();
    });
    pick.onDidHide(() => {
      resolve(undefined);
      pick.dispose();
    });
    pick.show();
  });
}
