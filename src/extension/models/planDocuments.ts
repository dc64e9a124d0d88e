import * as vscode from "vscode";

const scheme = "discern-memory-plan";

/** Shows memory plans of models: documents that are read only and ask for no saving. */
export class PlanDocuments implements vscode.Disposable, vscode.TextDocumentContentProvider {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly texts = new Map<string, string>();
  private readonly registered = vscode.workspace.registerTextDocumentContentProvider(scheme, this);

  async show(model: string, text: string): Promise<void> {
    const uri = vscode.Uri.from({ scheme, path: `/${model.replaceAll("/", " · ")} memory plan` });
    this.texts.set(uri.toString(), text);
    this.changed.fire(uri);
    await vscode.window.showTextDocument(uri, { preview: true });
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? "";
  }

  dispose(): void {
    this.registered.dispose();
    this.changed.dispose();
  }
}
