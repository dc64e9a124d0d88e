import type * as vscode from "vscode";
import { registerCommand } from "./contributions.ts";
import { registerDashboard } from "./dashboard/register.ts";
import { Engine } from "./engine/engine.ts";
import { registerEvaluation } from "./evaluation/register.ts";
import { registerLabelling } from "./labelling/register.ts";
import { registerLaunch } from "./launch/register.ts";
import { log } from "./log.ts";
import { registerModels } from "./models/register.ts";
import { PromptLibrary } from "./prompts/library.ts";
import { registerPrompts } from "./prompts/register.ts";
import { registerRecipes } from "./recipe/register.ts";
import { registerReport } from "./report/register.ts";
import { registerRuns } from "./runs/register.ts";
import { registerSample } from "./sample/register.ts";

/** Makes the parts of the workbench and registers them; none does any work before it is needed. */
export function activate(context: vscode.ExtensionContext): void {
  const engine = new Engine(context);
  const prompts = new PromptLibrary();
  const runs = registerRuns(context, engine);
  const models = registerModels(engine, runs.library);
  context.subscriptions.push(
    log,
    engine,
    prompts,
    registerPrompts(context, prompts),
    runs.disposable,
    registerLaunch(context, engine, runs.library),
    registerDashboard(context, runs.library),
    registerLabelling(context, prompts, runs.library),
    models.disposable,
    registerRecipes(context, engine, models.library, prompts, runs.library),
    registerEvaluation(context, prompts, runs.library),
    registerReport(context, engine, prompts),
    registerSample(context),
    registerCommand("discern.engine.showLog", () => log.show()),
  );
}
