import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import * as vscode from "vscode";
import * as z from "zod";
import type { Recipe } from "../../protocol/recipe.ts";
import { runCommand } from "../contributions.ts";
import { DisposableStore } from "../disposableStore.ts";
import type { Engine } from "../engine/engine.ts";
import { wordError } from "../errors.ts";
import { log } from "../log.ts";
import { makeFreeFolder } from "../runs/freeName.ts";
import type { RunLibrary } from "../runs/library.ts";
import { isActive } from "../runs/summary.ts";
import { type ArmState, type Comparison, comparisonSchema, newComparison, nextMove } from "./comparison.ts";
import { armName, askAboutSecond, offerToCompare, pickCancelled, waitingLines } from "./comparisonDialogs.ts";
import { runsFolder } from "./runsFolder.ts";
import { startRun } from "./start.ts";

const storageKey = "discern.comparisons";

/**
 * The comparisons that are under way: each starts its second run when the first has finished, also when the window was
 * reloaded in between.
 */
export class Comparisons implements vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly memory: vscode.Memento;
  private readonly engine: Engine;
  private readonly library: RunLibrary;
  private readonly changed = this.store.add(new vscode.EventEmitter<void>());
  readonly onDidChange = this.changed.event;
  private readonly asked = new Set<string>();
  /** What is done now; moves are made one after another. */
  private last: Promise<void> = Promise.resolve();

  constructor(memory: vscode.Memento, engine: Engine, library: RunLibrary) {
    this.memory = memory;
    this.engine = engine;
    this.library = library;
    this.store.add(library.onDidChange(() => this.goOn()));
    this.store.add(vscode.workspace.onDidGrantWorkspaceTrust(() => this.goOn()));
  }

  /** What waits for its turn, a line a comparison. */
  get waiting(): readonly string[] {
    return waitingLines(this.all);
  }

  /** Starts a comparison, or puts it behind the runs that are active. @throws as `Engine.call`. */
  async add(file: string, recipe: Recipe): Promise<void> {
    const comparison = newComparison(randomUUID(), file, recipe);
    await this.save([...this.all, comparison]);
    if (this.library.runs.some(isActive)) {
      void vscode.window.showInformationMessage(
        `The comparison of ${recipe.name} starts when the active run has ended.`,
      );
    }
    this.goOn();
  }

  /** Shows what is under way, and cancels what is chosen. Runs that have started go on. */
  async show(): Promise<void> {
    const cancelled = await pickCancelled(this.all, this.stateOf);
    if (cancelled.size > 0) await this.save(this.all.filter(({ id }) => !cancelled.has(id)));
  }

  dispose(): void {
    this.store.dispose();
  }

  private get all(): readonly Comparison[] {
    const stored = z.array(comparisonSchema).safeParse(this.memory.get(storageKey, []));
    return stored.success ? stored.data : [];
  }

  private async save(comparisons: readonly Comparison[]): Promise<void> {
    await this.memory.update(storageKey, comparisons);
    this.changed.fire();
  }

  private async change(id: string, changes: Partial<Comparison>): Promise<void> {
    await this.save(this.all.map((each) => (each.id === id ? { ...each, ...changes } : each)));
  }

  private async drop({ id }: Comparison): Promise<void> {
    await this.save(this.all.filter((each) => each.id !== id));
  }

  /** Does what comes next for each comparison. */
  private goOn(): void {
    if (this.all.length === 0 || !vscode.workspace.isTrusted) return;
    this.last = this.last.then(async () => {
      for (const comparison of this.all) await this.move(comparison);
    });
  }

  private async move(comparison: Comparison): Promise<void> {
    const busy = this.library.runs.some(isActive);
    const next = nextMove(comparison, this.stateOf, busy);
    // Asked again only when the first arm has been active in between.
    if (next.kind !== "ask") this.asked.delete(comparison.id);
    if (next.kind === "start") await this.start(comparison, next.arm);
    else if (next.kind === "ask") void this.ask(comparison);
    else if (next.kind === "drop") await this.drop(comparison);
    else if (next.kind === "compare") {
      await this.drop(comparison);
      void offerToCompare(comparison);
    }
  }

  private async ask(comparison: Comparison): Promise<void> {
    const { id, arms } = comparison;
    if (this.asked.has(id)) return;
    this.asked.add(id);
    const answer = await askAboutSecond(comparison, this.stateOf);
    // It may have been resumed, cancelled or answered elsewhere while the question stood there.
    const now = this.all.find((each) => each.id === id);
    if (now === undefined || nextMove(now, this.stateOf, false).kind !== "ask") return;
    if (answer === "cancel") await this.drop(now);
    if (answer === "start") await this.change(id, { goOn: true });
    if (answer === "resume") await runCommand("discern.runs.resume", vscode.Uri.file(arms[0].folder!));
    this.goOn();
  }

  private readonly stateOf = (folder: string): ArmState => {
    const run = this.library.run(vscode.Uri.file(folder));
    return run?.state ?? (existsSync(folder) ? "unstarted" : "gone");
  };

  private async start(comparison: Comparison, index: 0 | 1): Promise<void> {
    const { id, recipe, set, name } = comparison;
    const arm = comparison.arms[index];
    try {
      const folder =
        arm.folder ??
        (await makeFreeFolder(
          runsFolder(vscode.Uri.file(recipe)),
          arm.stlAlone ? `${name}-stl-alone` : name,
        ));
      const arms: Comparison["arms"] = [...comparison.arms];
      arms[index] = { ...arm, folder };
      // Noted first: a window that is reloaded now must not start the run a second time.
      await this.change(id, { arms });
      await startRun(this.engine, this.library, { recipe, set, stlAlone: arm.stlAlone, folder });
      await this.library.refresh();
    } catch (error) {
      await this.drop(comparison);
      if (error instanceof vscode.CancellationError) return;
      log.error(error instanceof Error ? error : String(error));
      void vscode.window.showErrorMessage(
        `${armName(arm)} of ${name} could not be started, and the comparison has ended. ${wordError(error)}`,
      );
    }
  }
}
