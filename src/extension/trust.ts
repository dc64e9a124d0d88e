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
      "Discern runs no engine in a restricted workspace: recipes and models in it decide what is computed. " +
        "Viewing and labelling stay possible.",
      manage,
    )
    .then((chosen) => {
      if (chosen === manage) void vscode.commands.executeCommand("workbench.trust.manage");
    });
  throw new vscode.CancellationError();
}
