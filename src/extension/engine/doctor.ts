import * as vscode from "vscode";
import { DisposableStore } from "../disposableStore.ts";
import { describeHealth, type Health, healthSchema } from "./health.ts";

const scheme = "discern-doctor";

/** Shows what the engine's doctor found, as a document that is read only and asks for no saving. */
export class Doctor implements vscode.Disposable, vscode.TextDocumentContentProvider {
  private readonly store = new DisposableStore();
  private readonly examine: () => Promise<unknown>;
  private readonly changed = this.store.add(new vscode.EventEmitter<vscode.Uri>());
  readonly onDidChange = this.changed.event;
  private found: Health | null = null;

  /** @param examine asks the engine what it finds on this machine. */
  constructor(examine: () => Promise<unknown>) {
    this.examine = examine;
    this.store.add(vscode.workspace.registerTextDocumentContentProvider(scheme, this));
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
    this.store.dispose();
  }
}
