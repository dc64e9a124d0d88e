import type * as vscode from "vscode";
import { registerCommand } from "./contributions.ts";
import { Engine } from "./engine/engine.ts";
import { log } from "./log.ts";
import { registerRuns } from "./runs/register.ts";

/** Makes the parts of the workbench and registers them; none does any work before it is needed. */
export function activate(context: vscode.ExtensionContext): void {
  const engine = new Engine(context);
  const runs = registerRuns(context, engine);
  context.subscriptions.push(
    log,
    engine,
    runs.disposable,
    registerCommand("discern.engine.showLog", () => log.show()),
  );
}
