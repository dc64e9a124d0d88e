/*
 * The prompt table: a prompt file as an editor of rows. A session filters and sorts where the prompts and answers are, and tells its page
 * the places that a view lists and the words of the rows in sight; the page draws a window of them. Labels go to the prompt library,
 * judgements beside the run's report, as those of the labelling panel and the report page do.
 */

import { extname } from "node:path";
import * as vscode from "vscode";
import { registerCommand } from "../contributions.ts";
import { pageIds } from "../contributionTypes.ts";
import { pickPromptFile } from "../labelling/pick.ts";
import { type Target, uriOf } from "../labelling/target.ts";
import { TableEditor, type TableParts } from "./editor.ts";

/** Registers the editor of prompt tables and the command that opens one. */
export function registerTable(context: vscode.ExtensionContext, parts: TableParts): vscode.Disposable {
  return vscode.Disposable.from(
    new TableEditor(context, parts),
    registerCommand("discern.table.open", async (target?: Target) => {
      const uri = target === undefined ? await pickPromptFile(parts.prompts) : uriOf(target);
      if (!uri) return;
      const id = extname(uri.path).toLowerCase() === ".parquet" ? pageIds.parquetTable : pageIds.table;
      await vscode.commands.executeCommand("vscode.openWith", uri, id);
    }),
  );
}
