import { access, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import * as vscode from "vscode";
import { DiscernError } from "../../protocol/errors.ts";
import { asFileName, longestName } from "../../protocol/fileName.ts";
import { recipeSuffix } from "../../protocol/recipe.ts";
import { differences, differencesLine } from "../../recipe/differences.ts";
import { openRun, type RunRecord } from "../../runFolder/folder.ts";
import type { Run } from "./library.ts";

/** Scheme of the documents that show the stored recipe of a run. */
const scheme = "discern-stored-recipe";

/** Shows stored recipes as read-only documents, with every default stated and keys in one order, whichever version wrote them. */
export class StoredRecipes implements vscode.TextDocumentContentProvider {
  register(): vscode.Disposable {
    return vscode.workspace.registerTextDocumentContentProvider(scheme, this);
  }

  /** The document of a run's recipe. */
  uri({ folder, label }: Run): vscode.Uri {
    const name = `${label.replace(/[/\\]/g, "-")}.json`;
    return vscode.Uri.from({ scheme, path: `/${name}`, query: folder.fsPath });
  }

  async provideTextDocumentContent({ query }: vscode.Uri): Promise<string> {
    return written(await openRun(query));
  }
}

function written({ recipe }: Pick<RunRecord, "recipe">): string {
  return `${JSON.stringify(recipe, null, 2)}\n`;
}

/**
 * Opens the recipes of two runs side by side, the older one first, and says in a line what differs.
 *
 * @throws DiscernError `run-invalid` where one cannot be read.
 */
export async function compareRecipes(recipes: StoredRecipes, runs: readonly [Run, Run]): Promise<void> {
  const [older, newer] = runs.toSorted((a, b) =>
    (a.startedAt ?? "9999").localeCompare(b.startedAt ?? "9999"),
  ) as [Run, Run];
  const [before, after] = await Promise.all([older, newer].map(({ folder }) => openRun(folder.fsPath)));
  const { name: _, ...one } = before!.recipe;
  const { name: __, ...other } = after!.recipe;
  const found = differences(one, other);
  const title = `${older.label} ↔ ${newer.label}: recipes`;
  await vscode.commands.executeCommand("vscode.diff", recipes.uri(older), recipes.uri(newer), title);
  const [from, to] = [before!.manifest.recipe.root, after!.manifest.recipe.root];
  const roots = from === to ? "" : ` Their paths are resolved against different folders: ${from} and ${to}.`;
  void vscode.window.showInformationMessage(
    found.length === 0
      ? `${older.label} and ${newer.label} ran the same recipe, but for its name.${roots}`
      : `${older.label} → ${newer.label}: ${differencesLine(found)}.${roots}`,
  );
}

/**
 * Writes the recipe of a run as a new file into the folder of the original, so that its relative paths name the same files, and opens
 * it to be changed. Every default is stated.
 *
 * @throws DiscernError `run-invalid` where the run cannot be read or that folder is gone; the file system's own error.
 */
export async function newRecipeFrom(run: Run): Promise<void> {
  const { recipe, manifest } = await openRun(run.folder.fsPath);
  const { root } = manifest.recipe;
  await access(root).catch((cause: unknown) => {
    throw new DiscernError(
      "run-invalid",
      `${root} is not there: the recipe of ${run.label} lay in that folder, and its paths are relative to it. Restore the folder, or copy ` +
        `${join(run.folder.fsPath, "recipe.json")} and change its paths.`,
      { cause },
    );
  });
  const base = asFileName(recipe.name.slice(0, longestName - 4), "recipe");
  for (let n = 2; ; n++) {
    const name = `${base}-${n}`;
    const path = join(root, `${name}${recipeSuffix}`);
    try {
      await writeFile(path, written({ recipe: { ...recipe, name } }), { flag: "wx" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") continue;
      throw error;
    }
    await vscode.window.showTextDocument(vscode.Uri.file(path), { preview: false });
    vscode.window.setStatusBarMessage(
      `${basename(path)} is the recipe of ${run.label}: change it, then run it.`,
      8000,
    );
    return;
  }
}
