import type * as vscode from "vscode";
import { registerCommand } from "./contributions.ts";
import { Engine } from "./engine/engine.ts";
import { registerLabelling } from "./labelling/register.ts";
import { log } from "./log.ts";
import { registerModels } from "./models/register.ts";
import { PromptLibrary } from "./prompts/library.ts";
import { registerPrompts } from "./prompts/register.ts";
import { registerRuns } from "./runs/register.ts";

/** Makes the parts of the workbench and registers them; none does any work before it is needed. */
export function activate(context: vscode.ExtensionContext): void {
  const engine = new Engine(context);
  const prompts = new PromptLibrary();
  const runs = registerRuns(context, engine);
  context.subscriptions.push(
    log,
    engine,
    prompts,
    registerPrompts(context, prompts),
    runs.disposable,
    registerLabelling(context, prompts, runs.library),
    registerModels(engine, runs.library).disposable,
    registerCommand("discern.engine.showLog", () => log.show()),
  );
}
