import * as vscode from "vscode";
import type { DashboardFromPage } from "../../protocol/webview/dashboard.ts";
import { log } from "../log.ts";

type Saved = Extract<DashboardFromPage, { type: "save" }>;

/**
 * Writes a picture or a table of the page into a file that the person names; nothing when none is named.
 *
 * @param folder where the dialog begins.
 */
export async function saveFromPage({ name, format, content }: Saved, folder: vscode.Uri): Promise<void> {
  const filters = {
    png: vscode.l10n.t("Image"),
    svg: vscode.l10n.t("Vector image"),
    csv: vscode.l10n.t("Table"),
  };
  const file = await vscode.window.showSaveDialog({
    defaultUri: vscode.Uri.joinPath(folder, `${name}.${format}`),
    filters: { [filters[format]]: [format] },
  });
  if (!file) return;
  await vscode.workspace.fs.writeFile(file, Buffer.from(content, format === "png" ? "base64" : "utf8"));
  log.info(`Saved ${file.fsPath}`);
  const open = vscode.l10n.t("Open");
  void vscode.window
    .showInformationMessage(vscode.l10n.t("Saved {0}.", vscode.workspace.asRelativePath(file)), open)
    .then((chosen) => {
      if (chosen === open) void vscode.commands.executeCommand("vscode.open", file);
    });
}
