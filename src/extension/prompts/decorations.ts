import * as vscode from "vscode";
import { DisposableStore } from "../disposableStore.ts";
import type { PromptLibrary } from "./library.ts";
import { labelledShare } from "./promptState.ts";
import type { TreeModel } from "./treeModel.ts";
import { adviceFor, wordTally } from "./words.ts";

/** What stands at a prompt's row beside its label. */
export type PromptMark = keyof typeof markSigns;

/** At most two stand in a row. */
const markSigns = { disputed: "≠", skipped: "»", note: "✎" } as const;
const markScheme = "discern-prompt-marks";

/** By this address the row of a prompt has its marks at its end, where they are seen however narrow the side bar is. */
export function markedUri(marks: readonly PromptMark[]): vscode.Uri | undefined {
  return marks.length === 0 ? undefined : vscode.Uri.from({ scheme: markScheme, path: marks.join(",") });
}

function markDecoration(uri: vscode.Uri): vscode.FileDecoration {
  const marks = uri.path.split(",").filter((name): name is PromptMark => Object.hasOwn(markSigns, name));
  const signs = marks.map((name) => markSigns[name]).join("");
  return new vscode.FileDecoration(signs.slice(0, 2), marks.join(", "));
}

/**
 * Marks of prompts in the tree, and of prompt files in the explorer and the tree: "!" for one that can not be read, "✓" for one whose prompts all have labels.
 * Numbers stand in the rows of the tree alone: as a mark they read like a count of errors.
 */
export class PromptDecorations implements vscode.FileDecorationProvider, vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly library: PromptLibrary;
  private readonly model: TreeModel;
  private readonly change = this.store.add(new vscode.EventEmitter<vscode.Uri | vscode.Uri[] | undefined>());
  readonly onDidChangeFileDecorations = this.change.event;

  constructor(library: PromptLibrary, model: TreeModel) {
    this.library = library;
    this.model = model;
    this.store.add(vscode.window.registerFileDecorationProvider(this));
    this.store.add(
      library.onDidChange((change) =>
        this.change.fire(change ? change.file.uri : library.files.map(({ uri }) => uri)),
      ),
    );
  }

  dispose(): void {
    this.store.dispose();
  }

  provideFileDecoration(uri: vscode.Uri): vscode.FileDecoration | undefined {
    if (uri.scheme === markScheme) return markDecoration(uri);
    const file = uri.scheme === "file" ? this.library.file(uri) : undefined;
    if (!file) return undefined;
    if (file.state === "failed") {
      return new vscode.FileDecoration(
        "!",
        `${file.failure} ${adviceFor(file.state)}`,
        new vscode.ThemeColor("list.errorForeground"),
      );
    }
    const tally = this.model.branch(file)?.outline.tally;
    if (!tally || labelledShare(tally) < 1) return undefined;
    return new vscode.FileDecoration("✓", `All prompts have labels: ${wordTally(tally)}`);
  }
}
