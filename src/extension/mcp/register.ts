import { join } from "node:path";
import * as vscode from "vscode";
import { onSettingChange, setting } from "../contributions.ts";
import { DisposableStore } from "../disposableStore.ts";
import { suiteVariable } from "../recipe/suiteFolder.ts";

/** As `mcpServerDefinitionProviders` of the manifest names it. */
const providerId = "discern";

/**
 * Offers `discern mcp` to the editor's language models, once per workspace folder. The editor starts it, and asks the person before a tool
 * is used; nothing is offered in a restricted workspace. Editors that know nothing of the Model Context Protocol lack this and nothing else.
 */
export function registerMcp({ extensionPath, extension }: vscode.ExtensionContext): vscode.Disposable {
  const store = new DisposableStore();
  // Forks of the editor may lack what its own types promise.
  const lm: Partial<typeof vscode.lm> | undefined = vscode.lm;
  if (!lm?.registerMcpServerDefinitionProvider || !vscode.McpStdioServerDefinition) return store;
  const changed = store.add(new vscode.EventEmitter<void>());
  const tell = () => changed.fire();
  store.add(vscode.workspace.onDidChangeWorkspaceFolders(tell));
  store.add(vscode.workspace.onDidGrantWorkspaceTrust(tell));
  store.add(
    onSettingChange(
      [
        ...(["discern.mcp.answers", "discern.runs.folder", "discern.suites.folder"] as const),
        ...(["discern.engine.nodePath", "discern.engine.path"] as const),
      ],
      tell,
    ),
  );
  const version: string = extension.packageJSON.version;
  store.add(
    lm.registerMcpServerDefinitionProvider(providerId, {
      onDidChangeMcpServerDefinitions: changed.event,
      provideMcpServerDefinitions: () =>
        vscode.workspace.isTrusted
          ? (vscode.workspace.workspaceFolders ?? []).map((folder) =>
              serverOf(folder, extensionPath, version),
            )
          : [],
    }),
  );
  return store;
}

function serverOf(folder: vscode.WorkspaceFolder, extensionPath: string, version: string) {
  const several = (vscode.workspace.workspaceFolders ?? []).length > 1;
  const server = new vscode.McpStdioServerDefinition(
    several ? `Discern (${folder.name})` : "Discern",
    setting("discern.engine.nodePath") || process.execPath,
    [
      setting("discern.engine.path") || join(extensionPath, "dist/cli.js"),
      "mcp",
      ...(setting("discern.mcp.answers") ? ["--answers"] : []),
      "--",
      setting("discern.runs.folder", folder.uri),
    ],
    { ...suiteVariable(), ELECTRON_RUN_AS_NODE: "1" },
    version,
  );
  server.cwd = folder.uri;
  return server;
}
