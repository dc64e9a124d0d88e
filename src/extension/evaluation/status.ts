import * as vscode from "vscode";
import { onSettingChange, setting } from "../contributions.ts";
import type { CommandId } from "../contributionTypes.ts";
import { DisposableStore } from "../disposableStore.ts";
import type { Sheets } from "./sheets.ts";
import { methodsWords } from "./words.ts";

const choose: CommandId = "discern.evaluation.chooseMethods";

/** The status bar item that names the methods whose answers the active prompt file shows. */
export function methodStatus(sheets: Sheets): vscode.Disposable {
  const store = new DisposableStore();
  const item = store.add(
    vscode.window.createStatusBarItem("discern.methods", vscode.StatusBarAlignment.Right, 90),
  );
  item.name = "Discern Methods";
  item.command = choose;
  const update = () => {
    const document = vscode.window.activeTextEditor?.document;
    const shown = document && setting("discern.evaluation.show") ? sheets.of(document)?.shown : undefined;
    if (!shown || shown.answers.choices.length < 2) {
      item.hide();
      return;
    }
    const words = methodsWords(shown.answers.shown);
    item.text = `$(symbol-method) ${words.replaceAll("$(", "$\u200b(")}`;
    item.tooltip = `${shown.run.label}: marks are those of ${shown.answers.shown.at(-1)?.title ?? "no method"}. Choose other methods.`;
    item.accessibilityInformation = { label: `Methods shown: ${words}`, role: "button" };
    item.show();
  };
  update();
  store.add(sheets.onDidChange(update));
  store.add(vscode.window.onDidChangeActiveTextEditor(update));
  store.add(onSettingChange(["discern.evaluation.show"], update));
  return store;
}
