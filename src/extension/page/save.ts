import * as vscode from "vscode";
import { log } from "../log.ts";

/** What a page has saved. */
interface Saved {
  /** Proposed name of the file, without its ending. */
  readonly name: string;
  readonly format: "png" | "svg" | "csv";
  /** Text of the file; base64 of its bytes for a PNG. */
  readonly content: string;
}

/**
 * Writes a picture or a table of the page into a file that the person names; nothing when none is named.
 *
 * @param folder where the dialog begins.
 */
export async function saveFromPage({ name, format, content }: Saved, folder: vscode.Uri): Promise<void> {
  const filters = {
    png: "Image",
    svg: "Vector image",
    csv: "Table",
  };
  const file = await vscode.window.showSaveDialog({
    defaultUri: vscode.Uri.joinPath(folder, `${name}.${format}`),
    filters: { [filters[format]]: [format] },
  });
  if (!file) return;
  await vscode.workspace.fs.writeFile(file, Buffer.from(content, format === "png" ? "base64" : "utf8"));
  log.info(`Saved ${file.fsPath}`);
  const open = "Open";
  void vscode.window
    .showInformationMessage(`Saved ${vscode.workspace.asRelativePath(file)}.`, open)
    .then((chosen) => {
      if (chosen === open) void vscode.commands.executeCommand("vscode.open", file);
    });
}
