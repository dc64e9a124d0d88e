import * as vscode from "vscode";
import { labelLogEnding } from "../../protocol/label.ts";
import { layoutEnding } from "../../protocol/source.ts";
import { DisposableStore } from "../disposableStore.ts";

/** What is told when files change on disk. */
export interface FileEvents {
  /** A file that may hold prompts has other content. */
  promptFile(uri: vscode.Uri): void;
  /** The label log of this prompt file has other content. */
  labelLog(promptFile: vscode.Uri): void;
  /** A person chose otherwise how this prompt file is read. */
  layout(promptFile: vscode.Uri): void;
  /** Files came or went. */
  list(): void;
}

const ENDINGS = "{csv,tsv,jsonl,json,parquet,txt}";

/** Milliseconds without a further change after which a file is looked at: programs write in pieces. */
const PAUSE = 200;

/** Tells of changes of prompt files and label logs in the workspace, whoever makes them. */
export function watchPromptFiles(events: FileEvents): vscode.Disposable {
  return watch(`**/*.${ENDINGS}`, events);
}

/** Tells of changes of one prompt file outside of the workspace, and of its label log. */
export function watchOutside(promptFile: vscode.Uri, events: FileEvents): vscode.Disposable {
  const own = (uri: vscode.Uri) => uri.toString() === promptFile.toString();
  return watch(new vscode.RelativePattern(vscode.Uri.joinPath(promptFile, ".."), `*.${ENDINGS}`), {
    promptFile: (uri) => own(uri) && events.promptFile(uri),
    labelLog: (uri) => own(uri) && events.labelLog(uri),
    layout: (uri) => own(uri) && events.layout(uri),
    list: () => undefined,
  });
}

function watch(pattern: vscode.GlobPattern, events: FileEvents): vscode.Disposable {
  const store = new DisposableStore();
  const watcher = store.add(vscode.workspace.createFileSystemWatcher(pattern));
  const timers = new Map<string, NodeJS.Timeout>();
  const later = (key: string, work: () => void) => {
    clearTimeout(timers.get(key));
    timers.set(
      key,
      setTimeout(() => {
        timers.delete(key);
        work();
      }, PAUSE),
    );
  };
  const changed = (uri: vscode.Uri) => {
    const promptFile = (ending: string) => uri.with({ path: uri.path.slice(0, -ending.length) });
    if (uri.path.endsWith(labelLogEnding)) {
      later(uri.toString(), () => events.labelLog(promptFile(labelLogEnding)));
    } else if (uri.path.endsWith(layoutEnding)) {
      later(uri.toString(), () => events.layout(promptFile(layoutEnding)));
    } else later(uri.toString(), () => events.promptFile(uri));
  };
  const cameOrWent = (uri: vscode.Uri) => {
    // A file that is replaced goes and comes again, so its content counts as changed, too.
    changed(uri);
    if (!uri.path.endsWith(labelLogEnding)) later("list", () => events.list());
  };
  store.add({ dispose: () => [...timers.values()].forEach(clearTimeout) });
  store.add(watcher.onDidChange(changed));
  store.add(watcher.onDidCreate(cameOrWent));
  store.add(watcher.onDidDelete(cameOrWent));
  return store;
}
