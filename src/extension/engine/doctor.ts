import * as vscode from "vscode";
import { DisposableStore } from "../disposableStore.ts";
import { describeHealth, type Health, healthSchema } from "./health.ts";

/** Scheme of the doctor's page. */
export const doctorScheme = "discern-doctor";
const document = vscode.Uri.from({ scheme: doctorScheme, path: "Discern Doctor" });

/** What the doctor's page needs of others. */
export interface DoctorWork {
  /** Asks the engine what it finds on this machine. */
  readonly examine: () => Promise<unknown>;
  /** Is told what was found. */
  readonly onHealth: (health: Health) => Promise<void>;
}

/** Shows what the engine's doctor found, as a document that is read only and asks for no saving. */
export class Doctor implements vscode.Disposable, vscode.TextDocumentContentProvider {
  private readonly store = new DisposableStore();
  private readonly work: DoctorWork;
  private readonly changed = this.store.add(new vscode.EventEmitter<vscode.Uri>());
  readonly onDidChange = this.changed.event;
  private shown = "";

  constructor(work: DoctorWork) {
    this.work = work;
    this.store.add(vscode.workspace.registerTextDocumentContentProvider(doctorScheme, this));
  }

  /**
   * Opens the document at once, and fills it when the engine has answered: devices are timed, which takes a minute or more.
   *
   * @throws as `Engine.call`.
   */
  async show(): Promise<void> {
    const title = "Checking this machine";
    const location = vscode.ProgressLocation.Notification;
    this.write(
      `${title}: Pythons are asked what they can do, and every device computes a decoder block. This may take minutes.\n`,
    );
    await vscode.window.showTextDocument(document, { preview: true });
    try {
      const found = await vscode.window.withProgress({ location, title }, () => this.work.examine());
      const health = healthSchema.parse(found);
      this.write(describeHealth(health));
      await this.work.onHealth(health);
    } catch (error) {
      this.write("The check did not end. Run it again with Discern: Check This Machine (Doctor).\n");
      throw error;
    }
  }

  provideTextDocumentContent(): string {
    return this.shown;
  }

  private write(text: string): void {
    this.shown = text;
    this.changed.fire(document);
  }

  dispose(): void {
    this.store.dispose();
  }
}
