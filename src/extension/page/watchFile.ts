import { basename } from "node:path";
import * as vscode from "vscode";
import { DisposableStore } from "../disposableStore.ts";

/** Milliseconds in which a file that is replaced may be gone before it is read again. */
const settle = 150;

/** Calls back when a file has changed and come to rest: it is replaced by a rename. */
export function watchFile(file: vscode.Uri, changed: () => Promise<void>): vscode.Disposable {
  const folder = vscode.Uri.joinPath(file, "..");
  const store = new DisposableStore();
  const watcher = store.add(
    vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(folder, basename(file.path))),
  );
  let timer: NodeJS.Timeout | undefined;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => void changed(), settle);
  };
  // Of a folder that is deleted the editor tells, and not of the files in it.
  const around = store.add(
    vscode.workspace.createFileSystemWatcher(
      new vscode.RelativePattern(vscode.Uri.joinPath(folder, ".."), "*"),
      true,
      true,
    ),
  );
  store.add({ dispose: () => clearTimeout(timer) });
  store.add(watcher.onDidChange(later));
  store.add(watcher.onDidCreate(later));
  store.add(watcher.onDidDelete(later));
  store.add(around.onDidDelete((gone) => gone.toString() === folder.toString() && later()));
  return store;
}
