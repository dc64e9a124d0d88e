import { existsSync } from "node:fs";
import * as vscode from "vscode";
import { moveLabelLog, rankHeirs } from "../../dataset/labelMove.ts";
import { labelLogPath } from "../../dataset/labels.ts";
import { moveLayout } from "../../dataset/layout.ts";
import { counted } from "../../wording/numbers.ts";
import { registerCommand } from "../contributions.ts";
import { logError } from "../log.ts";
import type { PromptLibrary } from "../prompts/library.ts";
import { heldWords, type LostLog, labelledIds, lostHover, lostWords } from "../prompts/lostLog.ts";
import { shownPath } from "../prompts/workspaceFiles.ts";
import { moveToTrash } from "../runs/delete.ts";
import { exportLabels } from "./labelCommands.ts";

/** The command that says what is to become of labels whose prompt file is gone. */
export function registerLostLabels(library: PromptLibrary): vscode.Disposable {
  return registerCommand("discern.labels.lost", async (log?: LostLog) => {
    if (log) await settle(library, log);
  });
}

async function settle(library: PromptLibrary, log: LostLog): Promise<void> {
  const items: (vscode.QuickPickItem & { readonly work: () => Promise<unknown> })[] = [
    {
      label: "$(file-symlink-file) Choose the File They Belong To…",
      detail: "The label log moves to that file; labels whose prompts it does not hold are listed there",
      work: () => chooseHeir(library, log),
    },
    {
      label: "$(export) Export Labels…",
      detail: "As CSV or JSON Lines, with the beginning of each prompt as far as the log keeps it",
      work: () => exportLabels({ path: log.path, uri: log.uri, records: [], labels: log.labels }),
    },
    {
      label: "$(go-to-file) Open Label Log",
      work: async () => vscode.commands.executeCommand("vscode.open", vscode.Uri.file(log.labels.path)),
    },
    { label: "$(trash) Move to Trash…", work: () => remove(log) },
  ];
  const chosen = await vscode.window.showQuickPick(items, {
    title: `Labels of ${log.path}`,
    placeHolder: `${lostWords(log)}: what is to become of them?`,
  });
  await chosen?.work();
}

/** Has a person choose which prompt file the labels are of, those that hold most of their prompts first, and moves the log there. */
async function chooseHeir(library: PromptLibrary, log: LostLog): Promise<void> {
  const ids = labelledIds(log);
  const location = vscode.ProgressLocation.Notification;
  const files = await vscode.window.withProgress(
    { location, title: "Looking for the labelled prompts", cancellable: true },
    async (bar, token) => {
      const found = await library.discovered();
      const unread = found.filter(({ state }) => state === "unread");
      for (const [i, { uri, path }] of unread.entries()) {
        if (token.isCancellationRequested) throw new vscode.CancellationError();
        bar.report({ message: path, increment: i === 0 ? 0 : 100 / unread.length });
        // What is wrong with a file stands in its own row.
        await library.open(uri).catch(() => undefined);
      }
      return rankHeirs(
        ids,
        library.files.filter(({ state }) => state === "ready"),
      );
    },
  );
  type Item = vscode.QuickPickItem & { readonly uri?: vscode.Uri };
  const items: Item[] = files.map(({ file, held }) => ({
    label: file.path,
    description: heldWords(held, ids.size),
    ...(existsSync(file.labels.path) && { detail: "has labels of its own, to which these are appended" }),
    uri: file.uri,
  }));
  const other: Item = { label: "$(folder-opened) Another File…" };
  const picked = await vscode.window.showQuickPick([...items, other], {
    title: `File of the Labels of ${log.path}`,
    placeHolder: "The prompt file that they belong to",
    matchOnDescription: true,
  });
  const uri = picked === other ? await openAnother(log) : picked?.uri;
  if (uri) await giveTo(library, log, uri);
}

async function openAnother({ uri, path }: LostLog): Promise<vscode.Uri | undefined> {
  const chosen = await vscode.window.showOpenDialog({
    title: `File of the Labels of ${path}`,
    openLabel: "Choose",
    defaultUri: vscode.Uri.joinPath(uri, ".."),
    filters: { "Prompt files": ["csv", "tsv", "jsonl", "json", "parquet", "txt"] },
  });
  return chosen?.[0];
}

async function giveTo(library: PromptLibrary, log: LostLog, to: vscode.Uri): Promise<void> {
  const isShared = existsSync(labelLogPath(to.fsPath));
  if (isShared) {
    const append = "Append Labels";
    const question = `${shownPath(to)} has labels of its own. Append those of ${log.path}?`;
    const detail =
      "Of each person's labels of a prompt the latest holds. Once appended, the labels are not separated again.";
    if ((await vscode.window.showInformationMessage(question, { modal: true, detail }, append)) !== append)
      return;
  }
  const movedLayout = await moveLayout(log.uri.fsPath, to.fsPath);
  await moveLabelLog(log.uri.fsPath, to.fsPath);
  await library.open(to).catch(() => undefined);
  if (movedLayout) await library.reopen(to);
  await library.readLabels();
  library.showLost(library.lost.filter(({ path }) => path !== log.path));
  const message = `${counted(labelledIds(log).size, "label")} of ${log.path} ${labelledIds(log).size === 1 ? "is" : "are"} now of ${shownPath(to)}.`;
  const undo = "Undo";
  const buttons = isShared ? [] : [undo];
  const shown = vscode.window.showInformationMessage(message, ...buttons);
  void shown
    .then(async (answer) => {
      if (answer !== undo) return;
      await moveLabelLog(to.fsPath, log.uri.fsPath);
      if (movedLayout) await moveLayout(to.fsPath, log.uri.fsPath);
      await library.refresh();
    })
    .then(undefined, logError);
}

async function remove(log: LostLog): Promise<void> {
  const move = "Move to Trash";
  const question = `Move ${counted(labelledIds(log).size, "label")} of ${log.path} to the trash?`;
  const asked = await vscode.window.showWarningMessage(
    question,
    { modal: true, detail: lostHover(log) },
    move,
  );
  if (asked === move) await moveToTrash(vscode.Uri.file(log.labels.path), `${log.path}: labels`);
}
