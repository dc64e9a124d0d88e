import * as vscode from "vscode";
import * as z from "zod";
import { type Measurement, measurementSchema } from "./places.ts";

const key = "discern.measured";

/** What `auto` was last measured to stand for on this machine, kept from window to window. */
export class Measured implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  private readonly memento: vscode.Memento;

  constructor(memento: vscode.Memento) {
    this.memento = memento;
  }

  /** Model by model; empty where nothing was measured yet. */
  get choices(): readonly Measurement[] {
    // Another version may have kept something else.
    return z.array(measurementSchema).safeParse(this.memento.get(key)).data ?? [];
  }

  async keep(choices: readonly Measurement[]): Promise<void> {
    await this.memento.update(key, choices);
    this.changed.fire();
  }

  dispose(): void {
    this.changed.dispose();
  }
}
