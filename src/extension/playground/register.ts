/*
 * The playground: one prompt asked of two models side by side, with what each word does to it. It asks the engine, which keeps the two
 * models loaded for a while; nothing that is typed is stored but in the page's own state.
 */

import * as vscode from "vscode";
import {
  type PlaygroundSubject,
  playgroundStateSchema,
  type Side,
} from "../../protocol/webview/playground.ts";
import { registerCommand } from "../contributions.ts";
import { pageIds } from "../contributionTypes.ts";
import { type ChoiceParts, chooseAsked } from "../models/chooseAsked.ts";
import type { Model } from "../models/find.ts";
import type { ModelLibrary } from "../models/library.ts";
import { asked } from "../models/pick.ts";
import { addPrompt } from "../prompts/addPrompt.ts";
import type { PromptLibrary } from "../prompts/library.ts";
import type { Run } from "../runs/library.ts";
import { type RunTarget, runOf } from "../runs/pick.ts";
import { requireTrust } from "../trust.ts";
import { PlaygroundPanel } from "./panel.ts";
import type { Subjects } from "./question.ts";

/** What the command may be given: a prompt of the Prompts view, a model, a run, or the words of a prompt. */
type Target = string | { readonly record: { readonly prompt: string } } | Model | RunTarget;

interface Parts extends ChoiceParts {
  readonly prompts: PromptLibrary;
}

/** Registers the command that opens the playground, and its return after the window is loaded anew. */
export function registerPlayground(
  { extensionUri }: Pick<vscode.ExtensionContext, "extensionUri">,
  parts: Parts,
): vscode.Disposable {
  let shown: PlaygroundPanel | null = null;
  const fill = (panel: vscode.WebviewPanel, subjects: Subjects, text?: string) => {
    const choose = (side: Side) => chooseSubject(parts, side);
    const add = (prompt: string) => addPrompt(parts.prompts, prompt);
    const needs = { extensionUri, engine: parts.engine, choose, add };
    const filled = new PlaygroundPanel(panel, needs, subjects, text);
    shown = filled;
    panel.onDidDispose(() => {
      if (shown === filled) shown = null;
    });
  };
  return vscode.Disposable.from(
    registerCommand("discern.playground.open", async (target?: Target) => {
      requireTrust();
      const text = textOf(target);
      const given =
        text === undefined ? await subjectsOf(parts, target as Model | RunTarget | undefined) : null;
      if (shown) return shown.show(target === undefined ? null : given, text);
      const subjects = given ?? (await subjectsOf(parts, undefined));
      // Another press may have opened it while models were looked for.
      if (shown) return (shown as PlaygroundPanel).show(null, text);
      fill(
        vscode.window.createWebviewPanel(pageIds.playground, "", vscode.ViewColumn.Active),
        subjects,
        text,
      );
    }),
    vscode.window.registerWebviewPanelSerializer(pageIds.playground, {
      async deserializeWebviewPanel(panel, kept: unknown) {
        if (shown) return panel.dispose();
        const state = playgroundStateSchema.safeParse(kept);
        const [left = null, right = null] = state.success ? state.data.subjects : [];
        fill(panel, state.success ? [left, right] : await subjectsOf(parts, undefined));
      },
    }),
  );
}

function textOf(target: Target | undefined): string | undefined {
  if (typeof target === "string") return target;
  return target && "record" in target ? target.record?.prompt : undefined;
}

/**
 * What stands left and right: a run with the model that it began with, or a model alone. Where nothing is given, the newest run that
 * trained something, else the first model of this machine.
 */
async function subjectsOf({ runs, models }: Parts, target: Model | RunTarget | undefined): Promise<Subjects> {
  if (target && "hub" in target) return [await modelSubject(models, target), null];
  const run = runOf(runs, target) ?? runs.runs.find(hasLearned);
  if (run) return [baseSubject(run), runSubject(run)];
  const model = (await models.models()).find(({ kind, problem }) => kind === "model" && problem === null);
  return [model ? await modelSubject(models, model) : null, null];
}

function hasLearned({ state, cells, manifest, stages }: Run): boolean {
  return state === "finished" && cells === undefined && manifest !== null && stages.length > 0;
}

async function modelSubject(models: ModelLibrary, model: Model): Promise<PlaygroundSubject> {
  const { base, adapters } = await asked(models, model);
  return { kind: "model", label: model.name, base, adapters: [...adapters] };
}

function runSubject({ folder, label }: Run, state?: string): PlaygroundSubject {
  const name = state === undefined ? label : `${label} at ${state}`;
  return { kind: "run", label: name, folder: folder.fsPath, ...(state === undefined ? {} : { state }) };
}

/** The model as it was before the run. */
function baseSubject(run: Run): PlaygroundSubject {
  return { ...runSubject(run, "untrained"), label: `${run.manifest?.model.name ?? run.label} (untrained)` };
}

async function chooseSubject(parts: Parts, side: Side): Promise<PlaygroundSubject | undefined> {
  const choice = await chooseAsked(parts, `Try a Prompt: Model on the ${side === 0 ? "Left" : "Right"}`);
  if (choice === undefined) return undefined;
  if (choice.kind === "model") return modelSubject(parts.models, choice.model);
  const { state, isResult } = choice.chosen;
  return runSubject(choice.run, isResult ? undefined : state.name);
}
