import type * as vscode from "vscode";
import { setContext } from "../contributions.ts";
import { DisposableStore } from "../disposableStore.ts";
import type { ModelLibrary } from "../models/library.ts";
import type { PromptLibrary } from "../prompts/library.ts";
import type { RunLibrary } from "../runs/library.ts";
import { isTraining, nextStep, type Step } from "./nextStep.ts";

/** What the steps of the walkthrough are told from. */
export interface StepParts {
  readonly prompts: PromptLibrary;
  readonly runs: RunLibrary;
  readonly models: ModelLibrary;
}

const write: Readonly<Record<Step, (value: boolean) => void>> = {
  prompts: (value) => setContext("discern.steps.prompts", value),
  model: (value) => setContext("discern.steps.model", value),
  label: (value) => setContext("discern.steps.label", value),
  run: (value) => setContext("discern.steps.run", value),
};

/**
 * Ticks the steps of the walkthrough by what there is, however it came about. The editor ticks a step when its context key becomes true
 * while the walkthrough is known, and never one whose key was true before; so keys are false but for a moment, each time a step is told.
 */
export class FirstSteps implements vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly parts: StepParts;
  private readonly told = new Set<Step>();
  private hasModel = false;

  constructor(parts: StepParts) {
    this.parts = parts;
    this.store.add(parts.prompts.onDidChange(() => this.tellNew()));
    this.store.add(parts.runs.onDidChange(() => this.tellNew()));
    this.store.add(parts.models.onDidChange((model) => void (model === undefined && this.lookForModels())));
  }

  /** The id of the step to go on with: the first that is not done. */
  async next(): Promise<string> {
    await this.parts.prompts.discovered();
    await this.lookForModels();
    return nextStep(this.done());
  }

  /** Tells all that is done, to a walkthrough that was just opened. */
  tellAll(): void {
    this.told.clear();
    this.tellNew();
  }

  dispose(): void {
    this.store.dispose();
  }

  private async lookForModels(): Promise<void> {
    const models = await this.parts.models.models();
    this.hasModel = models.some(({ kind, problem }) => kind === "model" && problem === null);
    this.tellNew();
  }

  private done(): Readonly<Record<Step, boolean>> {
    const { prompts, runs } = this.parts;
    return {
      prompts: prompts.files.length > 0,
      model: this.hasModel,
      label: prompts.files.some(({ labels }) => labels.current.size > 0),
      run: runs.runs.some(isTraining),
    };
  }

  private tellNew(): void {
    const done = this.done();
    for (const step of Object.keys(done) as Step[]) {
      if (!done[step] || this.told.has(step)) continue;
      this.told.add(step);
      write[step](true);
      write[step](false);
    }
  }
}
