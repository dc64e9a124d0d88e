import { posix } from "node:path";
import * as vscode from "vscode";
import { changeSetting, registerCommand, runCommand, setting } from "../contributions.ts";
import type { TreeNode } from "./branch.ts";
import { chooseColumns } from "./chooseColumns.ts";
import { chosenNodes } from "./labelCommands.ts";
import type { PromptLibrary } from "./library.ts";
import { revealPrompt } from "./reveal.ts";
import { targetsOf } from "./targets.ts";
import type { PromptTree, Row } from "./tree.ts";
import type { TreeModel } from "./treeModel.ts";
import { shownPath } from "./workspaceFiles.ts";

/** Commands about prompt files and the place of prompts in them. */
export function registerFileCommands(
  library: PromptLibrary,
  model: TreeModel,
  tree: PromptTree,
): vscode.Disposable {
  return vscode.Disposable.from(
    registerCommand("discern.prompts.refresh", () => library.refresh()),
    registerCommand("discern.prompts.openRow", async () => {
      const row = await tree.clicked();
      if (row) await openRow(row);
    }),
    registerCommand("discern.prompts.open", async (node?: TreeNode) => {
      const [chosen] = await chosenNodes(tree, node);
      // The keyboard stays in the tree, where the next key labels.
      if (chosen?.type === "prompt") {
        await revealPrompt(chosen.file.uri, chosen.record, { preserveFocus: true });
      }
    }),
    registerCommand("discern.prompts.copy", async (node?: TreeNode, nodes?: TreeNode[]) => {
      const { ids } = targetsOf(await chosenNodes(tree, node, nodes), model);
      const prompts = [...ids].flatMap(([file, of]) => [...of].map((id) => file.find(id)!.prompt));
      if (prompts.length > 0) await vscode.env.clipboard.writeText(prompts.join("\n"));
    }),
    registerCommand("discern.prompts.chooseColumn", async (of?: vscode.Uri | TreeNode) => {
      const uri = of === undefined ? (activeTable() ?? (await uriOf(of, tree))) : await uriOf(of, tree);
      if (uri) await chooseColumns(library, uri);
    }),
    registerCommand("discern.prompts.readLargeFile", async (of?: vscode.Uri | TreeNode) => {
      const uri = await uriOf(of, tree);
      if (uri) await readLargeFile(library, uri);
    }),
    registerCommand("discern.prompts.hideFile", async (of?: vscode.Uri | TreeNode) => {
      const uri = await uriOf(of, tree);
      if (uri) await hideFile(uri);
    }),
  );
}

/** Does what a click on a row is for: shows a prompt, or what a file waits for that cannot be unfolded. */
async function openRow(row: Row): Promise<void> {
  if (row.type === "lost") await runCommand("discern.labels.lost", row);
  else if (row.type === "prompt") await runCommand("discern.prompts.open", row);
  else if (row.type === "file") {
    const { state, uri } = row.file;
    if (state === "unclear") await runCommand("discern.prompts.chooseColumn", uri);
    else if (state === "large") await runCommand("discern.prompts.readLargeFile", uri);
    else if (state === "failed" || state === "empty") {
      await vscode.commands.executeCommand("vscode.open", uri, { preview: true });
    }
  }
}

async function uriOf(
  of: vscode.Uri | TreeNode | undefined,
  tree: PromptTree,
): Promise<vscode.Uri | undefined> {
  if (of instanceof vscode.Uri) return of;
  return (await chosenNodes(tree, of))[0]?.file.uri;
}

/** The file in the active editor, where it is text that may hold a table. */
function activeTable(): vscode.Uri | undefined {
  const uri = vscode.window.activeTextEditor?.document.uri;
  return uri?.scheme === "file" && /\.(csv|tsv|jsonl|json|txt)$/i.test(uri.path) ? uri : undefined;
}

/** Leaves a file out of the view, by the setting that says which files are left out. */
async function hideFile(uri: vscode.Uri): Promise<void> {
  const excluded = setting("discern.prompts.exclude", uri);
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  if (!folder) return;
  // What means something in a pattern is meant as it stands.
  const path = posix.relative(folder.uri.path, uri.path).replace(/[[\]{}*?]/g, "[$&]");
  await changeSetting("discern.prompts.exclude", [...excluded, path], uri);
  const show = "Show Again";
  const message = `${shownPath(uri)} is hidden by the setting discern.prompts.exclude.`;
  if ((await vscode.window.showInformationMessage(message, show)) !== show) return;
  const others = setting("discern.prompts.exclude", uri).filter((pattern) => pattern !== path);
  await changeSetting("discern.prompts.exclude", others, uri);
}

/** Reads a large file, with its progress in view and a way to stop. */
async function readLargeFile(library: PromptLibrary, uri: vscode.Uri): Promise<void> {
  const title = `Reading ${shownPath(uri)}`;
  const location = vscode.ProgressLocation.Notification;
  await vscode.window.withProgress({ location, title, cancellable: true }, async (progress, token) => {
    const abort = new AbortController();
    token.onCancellationRequested(() => abort.abort(new vscode.CancellationError()));
    let shown = 0;
    await library.open(uri, {
      large: true,
      signal: abort.signal,
      onProgress: (read, total) => {
        const done = Math.floor((100 * read) / total);
        if (done === shown) return;
        progress.report({ increment: done - shown, message: `${done} %` });
        shown = done;
      },
    });
  });
}
