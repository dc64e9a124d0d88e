import * as vscode from "vscode";
import { runCommand, setting } from "../contributions.ts";
import type { Engine } from "../engine/engine.ts";
import { duringCall } from "../engine/progress.ts";
import { buildItems, describeEnvironment } from "./words.ts";

/**
 * Makes a Python environment with PyTorch, after a person has chosen what it computes on and has agreed to what is installed. One
 * that was cut off is completed.
 *
 * @throws as `Engine.call`.
 */
export async function installTorch(engine: Engine): Promise<void> {
  const likely = await engine.call("planEnvironment", {});
  const chosen = await vscode.window.showQuickPick(buildItems(likely.build), {
    title: "Create a Python Environment with PyTorch",
    placeHolder: "What will PyTorch compute on?",
  });
  if (!chosen) return;
  const { build } = chosen;
  const plan = build === likely.build ? likely : await engine.call("planEnvironment", { build });
  if (!plan.present && !(await agreed(describeEnvironment(plan)))) return;
  const made = await duringCall("Creating the environment", (options) =>
    engine.call("makeEnvironment", { build }, options),
  );
  const named = setting("discern.torch.python");
  const other =
    named === ""
      ? ""
      : ` The setting discern.torch.python names another Python (${named}); clear it to use this one.`;
  const check = "Check This Machine";
  void vscode.window
    .showInformationMessage(`The Python environment is ready: ${made.folder}.${other}`, check)
    .then((answer) => answer === check && runCommand("discern.engine.doctor"));
}

async function agreed(detail: string): Promise<boolean> {
  const create = "Create";
  const message = "Create a Python environment with PyTorch?";
  return (await vscode.window.showWarningMessage(message, { modal: true, detail }, create)) === create;
}
