import * as vscode from "vscode";
import type { CommandId, ContextValues, SettingValues } from "./contributionTypes.ts";
import { wordError } from "./errors.ts";
import { log, logError } from "./log.ts";

/**
 * Registers a command. An error that it throws reaches the person who called it in words, and the log in full, so no
 * command needs a handler of its own.
 */
export function registerCommand<A extends unknown[]>(
  id: CommandId,
  run: (...args: A) => unknown,
): vscode.Disposable {
  return vscode.commands.registerCommand(id, async (...args: A) => {
    try {
      return await run(...args);
    } catch (error) {
      if (error instanceof vscode.CancellationError) return undefined;
      logError(error);
      const show = "Show Log";
      void vscode.window.showErrorMessage(wordError(error), show).then((chosen) => {
        if (chosen === show) log.show();
      });
      return undefined;
    }
  });
}

/** Calls one of the extension's own commands. */
export function runCommand(id: CommandId, ...args: unknown[]): Thenable<unknown> {
  return vscode.commands.executeCommand(id, ...args);
}

/** The value of a setting, its default where a person set none. */
export function setting<K extends keyof SettingValues>(
  key: K,
  scope?: vscode.ConfigurationScope | null,
): SettingValues[K] {
  // Every setting has a default in the manifest, so there always is a value.
  return vscode.workspace.getConfiguration(undefined, scope).get<SettingValues[K]>(key)!;
}

/** Writes a setting where it is already set, or into the workspace. */
export async function changeSetting<K extends keyof SettingValues>(
  key: K,
  value: SettingValues[K],
  scope?: vscode.ConfigurationScope | null,
): Promise<void> {
  const target = vscode.workspace.workspaceFolders
    ? vscode.ConfigurationTarget.Workspace
    : vscode.ConfigurationTarget.Global;
  await vscode.workspace.getConfiguration(undefined, scope).update(key, value, target);
}

/** Tells when one of the settings changes. */
export function onSettingChange(
  keys: readonly (keyof SettingValues)[],
  listener: () => void,
): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration((change) => {
    if (keys.some((key) => change.affectsConfiguration(key))) listener();
  });
}

/** Sets a context key, which `when` clauses of the manifest read. */
export function setContext<K extends keyof ContextValues>(key: K, value: ContextValues[K]): void {
  void vscode.commands.executeCommand("setContext", key, value);
}
