import { existsSync } from "node:fs";
import { posix } from "node:path";
import * as vscode from "vscode";
import { heirOf, moveLabelLog } from "../../dataset/labelMove.ts";
import { readLabels } from "../../dataset/labels.ts";
import { moveLayout } from "../../dataset/layout.ts";
import { labelLogEnding } from "../../protocol/label.ts";
import { changeSetting, setting } from "../contributions.ts";
import { DisposableStore } from "../disposableStore.ts";
import { wordError } from "../errors.ts";
import { log, logError } from "../log.ts";
import { joinGlobs } from "./discovery.ts";
import type { PromptFile, PromptLibrary } from "./library.ts";
import { type LostLog, readLostLog } from "./lostLog.ts";
import { shownPath } from "./workspaceFiles.ts";

/** Milliseconds after the last change of the list of files until logs without a file are looked for. */
const PAUSE = 1000;

/**
 * Has label logs follow their prompt files. A file that is renamed in the editor takes its log along; of one that was renamed elsewhere
 * the log is found without a file, and goes to the one file that holds all its prompts and has no log.
 */
export function followMoves(library: PromptLibrary): vscode.Disposable {
  const store = new DisposableStore();
  const left: Left = new Map();
  let timer: NodeJS.Timeout | undefined;
  let last: Promise<void> = Promise.resolve();
  store.add({ dispose: () => clearTimeout(timer) });
  store.add(
    vscode.workspace.onDidRenameFiles(({ files }) => {
      last = last.then(() => renamed(library, files));
    }),
  );
  store.add(
    library.onDidChange((change) => {
      if (change !== undefined) return;
      clearTimeout(timer);
      timer = setTimeout(() => {
        last = last.then(() => adopt(library, left)).catch(logError);
        last = last.then(async () => library.showLost(await lostLogs())).catch(logError);
      }, PAUSE);
    }),
  );
  return store;
}

async function renamed(
  library: PromptLibrary,
  files: readonly { readonly oldUri: vscode.Uri; readonly newUri: vscode.Uri }[],
): Promise<void> {
  for (const { oldUri, newUri } of files) {
    if (oldUri.scheme !== "file" || newUri.scheme !== "file") continue;
    try {
      // The log of a file whose name is taken again at once stays with that.
      if (!existsSync(oldUri.fsPath)) {
        // The layout first: the file is read at its new place as soon as it is seen there.
        await moveLayout(oldUri.fsPath, newUri.fsPath);
        await moveLabelLog(oldUri.fsPath, newUri.fsPath);
      }
      await moveColumn(oldUri, newUri);
    } catch (error) {
      logError(error);
      void vscode.window.showErrorMessage(wordError(error));
    }
  }
  await library.readLabels();
}

/** Takes along which column a person chose with an earlier version, of a file or of the files of a folder. */
async function moveColumn(oldUri: vscode.Uri, newUri: vscode.Uri): Promise<void> {
  const [from, to] = [shownPath(oldUri), shownPath(newUri)];
  const columns = setting("discern.prompts.columns", newUri);
  const moved = Object.entries(columns).map(([path, column]): [string, string] =>
    path === from || path.startsWith(`${from}/`) ? [to + path.slice(from.length), column] : [path, column],
  );
  const after = Object.fromEntries(moved);
  if (Object.keys(after).some((path) => !Object.hasOwn(columns, path))) {
    await changeSetting("discern.prompts.columns", after, newUri);
  }
}

/**
 * Logs that stay where they are, by the path of the file that is gone: with the files among which none has their prompts, as text, since another may
 * come; or for good, which a person may have asked for.
 */
type Left = Map<string, string | "for good">;

/** Gives logs whose file is gone to the file that has their prompts. */
async function adopt(library: PromptLibrary, left: Left): Promise<void> {
  const files = (await library.discovered()).map(({ path }) => path).join("\n");
  const isLeft = (path: string) => left.get(path) === files || left.get(path) === "for good";
  for (const path of (await logsWithoutFile()).filter((each) => !isLeft(each))) {
    left.set(path, files);
    const { decisions } = await readLabels(path + labelLogEnding);
    const ids = new Set(decisions.map(({ id }) => id));
    if (ids.size === 0) continue;
    const heir = heirOf(ids, await candidates(library));
    if (heir === undefined) {
      log.info(`${path}${labelLogEnding}: its prompt file is gone, and no other file holds all its prompts.`);
      continue;
    }
    left.set(path, "for good");
    await moveLabelLog(path, heir.uri.fsPath);
    await library.readLabels();
    void tellMove(library, path, heir);
  }
}

async function tellMove(library: PromptLibrary, from: string, heir: PromptFile): Promise<void> {
  const name = shownPath(vscode.Uri.file(from));
  const undo = "Undo";
  const moved = heir.labels.entries.length;
  const message = `The labels of ${name}, which is gone, are now those of ${heir.path}, which has the same prompts.`;
  if ((await vscode.window.showInformationMessage(message, undo)) !== undo) return;
  if (heir.labels.entries.length !== moved) {
    void vscode.window.showInformationMessage(
      `Nothing was undone: ${heir.path} was labelled since, and keeps its labels.`,
    );
    return;
  }
  await moveLabelLog(heir.uri.fsPath, from);
  await library.readLabels();
}

/** The label logs that have no prompt file, with their labels. */
async function lostLogs(): Promise<LostLog[]> {
  const found = await Promise.all(
    (await logsWithoutFile()).sort().map(async (path) => {
      const uri = vscode.Uri.file(path);
      return readLostLog(uri, shownPath(uri)).catch((error: Error) => log.warn(error.message));
    }),
  );
  return found.filter((log) => log !== undefined);
}

/** Paths of prompt files that are gone, of which the label log is there. */
async function logsWithoutFile(): Promise<string[]> {
  const folders = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === "file");
  const found = await Promise.all(
    folders.map((folder) => {
      const exclude = joinGlobs(setting("discern.prompts.exclude", folder.uri));
      return vscode.workspace.findFiles(
        new vscode.RelativePattern(folder, posix.join("**", `*${labelLogEnding}`)),
        exclude === undefined ? undefined : new vscode.RelativePattern(folder, exclude),
      );
    }),
  );
  const files = found.flat().map(({ fsPath }) => fsPath.slice(0, -labelLogEnding.length));
  return files.filter((path) => !existsSync(path));
}

/** Prompt files without a label log, read as far as files are read unasked. */
async function candidates(library: PromptLibrary): Promise<PromptFile[]> {
  const files = (await library.discovered()).filter(
    ({ state, labels }) => (state === "unread" || state === "ready") && !existsSync(labels.path),
  );
  for (const file of files) {
    // One that has gone meanwhile would be listed again, as a file that was opened from elsewhere.
    if (library.file(file.uri) === file) await library.open(file.uri).catch(() => undefined);
  }
  return files.filter(({ state }) => state === "ready");
}
