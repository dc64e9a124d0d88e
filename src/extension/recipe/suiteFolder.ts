import { isAbsolute, resolve } from "node:path";
import * as vscode from "vscode";
import { withHome } from "../../storage/homeFolder.ts";
import { setSuiteFolder, suitesVariable } from "../../suites/home.ts";
import { onSettingChange, setting } from "../contributions.ts";

/** The folder of the setting `discern.suites.folder`; null where it is empty, or relative while no folder is open. */
function suiteFolder(): string | null {
  const named = withHome(setting("discern.suites.folder").trim());
  if (named === "") return null;
  const root = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  if (root === undefined) return isAbsolute(named) ? named : null;
  return resolve(root, named);
}

/** The setting `discern.suites.folder` as the engine takes it; nothing where it is empty, so that a variable of the system stays. */
export function suiteVariable(): Record<string, string> {
  const folder = suiteFolder();
  return folder === null ? {} : { [suitesVariable]: folder };
}

/**
 * Has the editor look for suites where the setting says, now and whenever it changes.
 *
 * @param onChange told once they are looked for elsewhere.
 */
export function followSuiteFolder(onChange: () => void): vscode.Disposable {
  const follow = () => setSuiteFolder(suiteFolder());
  const followAnew = () => {
    follow();
    onChange();
  };
  follow();
  return vscode.Disposable.from(
    onSettingChange(["discern.suites.folder"], followAnew),
    // A relative folder begins at the first one of the workspace.
    vscode.workspace.onDidChangeWorkspaceFolders(followAnew),
  );
}
