import * as vscode from "vscode";
import { DisposableStore } from "../disposableStore.ts";
import type { PromptLibrary } from "./library.ts";
import { labelledShare, type PromptState, promptStates } from "./promptState.ts";
import { percent } from "./tooltips.ts";
import type { TreeModel } from "./treeModel.ts";
import { wordState, wordTally } from "./words.ts";

const SCHEME = "discern-prompt";

/** Letters of the three labels, beside the prompts in the tree. */
const letters: Partial<Record<PromptState, { letter: string; color: string }>> = {
  toxic: { letter: "T", color: "charts.red" },
  seemingly_toxic: { letter: "S", color: "charts.blue" },
  general: { letter: "G", color: "charts.green" },
};

/** The address by which a prompt in the tree gets the letter of its state. */
export function stateUri(state: PromptState): vscode.Uri {
  return vscode.Uri.from({ scheme: SCHEME, path: `/${state}` });
}

/** Letters at prompts in the tree; at prompt files, in the explorer too, the share labelled or "!" for broken lines. */
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
    if (uri.scheme === SCHEME) return stateDecoration(uri.path.slice(1));
    const file = uri.scheme === "file" ? this.library.file(uri) : undefined;
    if (file?.state === "failed") return new vscode.FileDecoration("!", file.failure);
    const outline = file && this.model.branch(file)?.outline;
    if (!outline) return undefined;
    if (file.problems.length > 0) {
      return new vscode.FileDecoration(
        "!",
        `${file.problems.length} lines without a usable prompt`,
        new vscode.ThemeColor("list.warningForeground"),
      );
    }
    const share = labelledShare(outline.tally);
    // A badge has room for two characters.
    const badge = share === 1 ? "✓" : percent(share);
    return new vscode.FileDecoration(badge, `${percent(share)} % labelled: ${wordTally(outline.tally)}`);
  }
}

function stateDecoration(name: string): vscode.FileDecoration | undefined {
  const state = promptStates.find((candidate) => candidate === name);
  const found = state && letters[state];
  return (
    found && new vscode.FileDecoration(found.letter, wordState(state), new vscode.ThemeColor(found.color))
  );
}
