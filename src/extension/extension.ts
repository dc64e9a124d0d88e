/*
 * The extension host. A folder is a feature; its `register.ts` makes the feature's parts, registers them and hands them over to one
 * store. Libraries (prompts, runs, models) know what is on disk and tell when it changes; views, editors and panels are drawn from
 * them and keep nothing of their own. Everything that computes is asked of the engine, a process of its own. What needs no `vscode` is
 * in files without it, which tests load without an editor.
 */

import type * as vscode from "vscode";
import { registerBenchmark } from "./benchmark/register.ts";
import { registerCommand } from "./contributions.ts";
import { registerDashboard } from "./dashboard/register.ts";
import { Measured } from "./device/measured.ts";
import { registerDevice } from "./device/register.ts";
import { DisposableStore } from "./disposableStore.ts";
import { Engine } from "./engine/engine.ts";
import { registerEvaluateFile } from "./evaluation/evaluateFile.ts";
import { registerEvaluation } from "./evaluation/register.ts";
import { ShownRuns } from "./evaluation/shownRuns.ts";
import { registerLabelling } from "./labelling/register.ts";
import { registerLaboratory } from "./laboratory/register.ts";
import { registerLaunch } from "./launch/register.ts";
import { log } from "./log.ts";
import { registerMcp } from "./mcp/register.ts";
import { ModelLibrary } from "./models/library.ts";
import { registerModels } from "./models/register.ts";
import { registerPageHelp } from "./page/page.ts";
import { registerPlayground } from "./playground/register.ts";
import { PromptLibrary } from "./prompts/library.ts";
import { registerPrompts } from "./prompts/register.ts";
import { CheckedFiles } from "./recipe/checkedFiles.ts";
import { RecipeFacts } from "./recipe/facts.ts";
import { registerRecipes } from "./recipe/register.ts";
import { registerReport } from "./report/register.ts";
import { RunLibrary } from "./runs/library.ts";
import { registerRuns } from "./runs/register.ts";
import { registerSample } from "./sample/register.ts";
import { registerTable } from "./table/register.ts";

/** Makes the parts of the workbench and registers them; none does any work before it is needed. */
export function activate(context: vscode.ExtensionContext): void {
  const store = new DisposableStore();
  // Handed over first, so that an activation that fails halfway leaves nothing behind.
  context.subscriptions.push(store);
  store.add(log);
  const engine = store.add(new Engine(context));
  const prompts = store.add(new PromptLibrary());
  const runs = store.add(new RunLibrary(context.workspaceState, engine.recompute));
  const models = store.add(new ModelLibrary(engine));
  const facts = store.add(new RecipeFacts(context, engine, runs));
  const files = store.add(new CheckedFiles(facts, prompts.onDidChange));
  store.add(registerPrompts(context, prompts));
  store.add(registerRuns(runs, engine));
  store.add(registerLaunch(context, { engine, library: runs, facts }));
  store.add(registerDashboard(context, { engine, library: runs }));
  store.add(registerBenchmark(context, { engine, library: runs, facts, files, models, prompts }));
  const shown = store.add(new ShownRuns(runs, context.workspaceState));
  store.add(registerLabelling(context, prompts, shown));
  const measured = store.add(new Measured(context.globalState));
  store.add(registerDevice(engine, measured));
  store.add(registerModels(models, engine, runs, measured));
  store.add(registerRecipes({ engine, facts, files, models, prompts }));
  store.add(registerEvaluation(context, prompts, runs, shown));
  store.add(registerEvaluateFile({ engine, facts, models, prompts, runs }));
  store.add(registerTable(context, { prompts, runs, shown }));
  store.add(registerReport(context, engine, prompts));
  store.add(registerLaboratory(context, { engine, library: runs, models, prompts, files }));
  store.add(registerPlayground(context, { engine, runs, models, prompts }));
  store.add(registerSample(context, { prompts, runs, models }));
  store.add(registerMcp(context));
  store.add(registerPageHelp());
  store.add(registerCommand("discern.engine.showLog", () => log.show()));
}
