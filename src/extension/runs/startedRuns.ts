import type * as vscode from "vscode";
import * as z from "zod";

const storageKey = "discern.runs.startedHere";
/** Runs that are remembered: those that end while no window is open are never asked for. */
const most = 50;

/** The runs that were started or resumed in this workspace and have not ended yet, over reloads of its window. */
export class StartedRuns {
  private readonly memory: Pick<vscode.Memento, "get" | "update">;

  constructor(memory: Pick<vscode.Memento, "get" | "update">) {
    this.memory = memory;
  }

  /** A run was started or resumed in this folder. */
  add(folder: string): void {
    this.keep([...this.folders.filter((each) => each !== folder), folder].slice(-most));
  }

  /** A run has ended. @returns whether it was started here. */
  end(folder: string): boolean {
    const { folders } = this;
    if (!folders.includes(folder)) return false;
    this.keep(folders.filter((each) => each !== folder));
    return true;
  }

  private get folders(): string[] {
    return z.array(z.string()).catch([]).parse(this.memory.get(storageKey));
  }

  private keep(folders: readonly string[]): void {
    void this.memory.update(storageKey, folders);
  }
}
