import * as vscode from "vscode";
import { describeHealth, type Health, healthSchema } from "./health.ts";

const scheme = "discern-doctor";

/** Shows what the engine's doctor found, as a document that is read only and asks for no saving. */
export class Doctor implements vscode.Disposable, vscode.TextDocumentContentProvider {
  private readonly examine: () => Promise<unknown>;
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly registered = vscode.workspace.registerTextDocumentContentProvider(scheme, this);
  private found: Health | null = null;

  /** @param examine asks the engine what it finds on this machine. */
  constructor(examine: () => Promise<unknown>) {
    this.examine = examine;
  }

  /** Asks the engine and shows what it found. @throws as `Engine.call`. */
  async show(): Promise<void> {
    const title = "Checking this machine";
    const location = vscode.ProgressLocation.Notification;
    this.found = await vscode.window.withProgress({ location, title }, async () =>
      healthSchema.parse(await this.examine()),
    );
    const uri = vscode.Uri.from({ scheme, path: "Discern Doctor" });
    this.changed.fire(uri);
    await vscode.window.showTextDocument(uri, { preview: true });
  }

  provideTextDocumentContent(): string {
    return this.found ? describeHealth(this.found) : "";
  }

  dispose(): void {
    this.registered.dispose();
    this.changed.dispose();
  }
}
