import * as vscode from "vscode";
import { describeHealth, type Health, type HealthWords, healthSchema } from "./health.ts";

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
    const title = vscode.l10n.t("Checking this machine");
    const location = vscode.ProgressLocation.Notification;
    this.found = await vscode.window.withProgress({ location, title }, async () =>
      healthSchema.parse(await this.examine()),
    );
    const uri = vscode.Uri.from({ scheme, path: vscode.l10n.t("Discern Doctor") });
    this.changed.fire(uri);
    await vscode.window.showTextDocument(uri, { preview: true });
  }

  provideTextDocumentContent(): string {
    return this.found ? describeHealth(this.found, words()) : "";
  }

  dispose(): void {
    this.registered.dispose();
    this.changed.dispose();
  }
}

function words(): HealthWords {
  const { t } = vscode.l10n;
  return {
    machine: t("This machine"),
    memory: (free, total) => t("{0} GiB of {1} GiB memory free", free, total),
    cores: (count) => t("{0} processor cores", count),
    devices: t("Devices for training"),
    starts: t("starts"),
    models: (home) => t("Models in {0}", home),
    noModels: t('None yet. "Discern: Pull a Model…" fetches one.'),
    versions: t("Versions"),
  };
}
