import * as vscode from "vscode";
import { probeSuffix } from "../../protocol/probe/result.ts";
import { DisposableStore } from "../disposableStore.ts";

/** Milliseconds in which several changes are one: a result is replaced by a rename. */
const settle = 150;

/** Calls back when a result of the laboratory came into a run folder, was measured anew, or is gone. */
export function watchResults(folder: vscode.Uri, changed: () => unknown): vscode.Disposable {
  const store = new DisposableStore();
  const watcher = store.add(
    vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(folder, `probes/*${probeSuffix}`)),
  );
  let timer: NodeJS.Timeout | undefined;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => void changed(), settle);
  };
  store.add({ dispose: () => clearTimeout(timer) });
  store.add(watcher.onDidChange(later));
  store.add(watcher.onDidCreate(later));
  store.add(watcher.onDidDelete(later));
  return store;
}
