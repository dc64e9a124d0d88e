import type * as vscode from "vscode";

/** Panels of a kind that are remembered at most; what a person closed while it was not loaded is forgotten by this. */
const most = 20;

/**
 * What the open panels of one kind show, kept by the host. A page keeps its own state too, but the editor stores that late:
 * a window that is loaded anew soon after a panel was opened brings back the panel without it.
 */
export class ShownPanels {
  private readonly memory: vscode.Memento;
  private readonly key: string;
  private readonly shown = new Map<vscode.WebviewPanel, string>();
  /** Shown before the window was loaded anew, by panels that are not back yet. */
  private before: readonly string[];

  constructor(memory: vscode.Memento, kind: string) {
    this.memory = memory;
    this.key = `${kind}.shown`;
    this.before = memory.get<readonly string[]>(this.key, []);
  }

  /** Remembers what a panel shows, until it is closed. */
  keep(panel: vscode.WebviewPanel, what: string): void {
    if (!this.shown.has(panel)) {
      panel.onDidDispose(() => {
        this.shown.delete(panel);
        this.write();
      });
    }
    this.shown.set(panel, what);
    this.before = this.before.filter((other) => other !== what);
    this.write();
  }

  /** What a panel showed that came back without a state of its own; undefined where nothing is left to be shown. */
  recall(): string | undefined {
    return this.before.at(-1);
  }

  private write(): void {
    void this.memory.update(this.key, [...this.before, ...this.shown.values()].slice(-most));
  }
}
