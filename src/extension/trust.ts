import * as vscode from "vscode";

/**
 * Refuses what a restricted workspace must not do. Menus hide such commands as well, but anything can call a command.
 *
 * @throws vscode.CancellationError after the person was told and offered to manage trust.
 */
export function requireTrust(): void {
  if (vscode.workspace.isTrusted) return;
  const manage = "Manage Workspace Trust";
  void vscode.window
    .showWarningMessage(
      "Discern does not run its engine in a restricted workspace, because recipes and models in it control what is executed. " +
        "Viewing and labelling remain available.",
      manage,
    )
    .then((chosen) => {
      if (chosen === manage) void vscode.commands.executeCommand("workbench.trust.manage");
    });
  throw new vscode.CancellationError();
}
