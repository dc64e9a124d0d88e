/*
 * The dashboard shows runs while they train. A panel follows the event logs of its runs by reading what is new in their files, the
 * same way for a run of this window, of another window and of a terminal, and posts it to its page. Nothing is kept on this side: a page
 * that is loaded again is told everything again.
 */

import * as vscode from "vscode";
import * as z from "zod";
import { dashboardStateSchema } from "../../protocol/webview/dashboard.ts";
import { registerCommand } from "../contributions.ts";
import { pageIds } from "../contributionTypes.ts";
import { ShownPanels } from "../page/shownPanels.ts";
import { isUnasked, placeOfPanel, revealPanel } from "../page/unasked.ts";
import { pickRun } from "../runs/pick.ts";
import { DashboardPanel, type DashboardParts } from "./panel.ts";
import { runFolders, sameFolders } from "./runFolders.ts";

const runsSchema = z.array(z.string());

/**
 * The dashboards: a command that opens one for a set of runs, or shows the one that there is, and what brings them back
 * after the window was reloaded.
 */
export function registerDashboard(
  context: vscode.ExtensionContext,
  parts: DashboardParts,
): vscode.Disposable {
  const { library } = parts;
  const open = new Set<DashboardPanel>();
  const shown = new ShownPanels(context.workspaceState, pageIds.dashboard);
  const show = (
    panel: vscode.WebviewPanel,
    folders: readonly vscode.Uri[],
    comparison: vscode.Uri | null = null,
  ) => {
    const keep = (runs: readonly vscode.Uri[]) => shown.keep(panel, JSON.stringify(runs.map(String)));
    const dashboard = new DashboardPanel(panel, context, parts, folders, keep, comparison);
    open.add(dashboard);
    panel.onDidDispose(() => open.delete(dashboard));
  };
  return vscode.Disposable.from(
    registerCommand("discern.runs.openDashboard", async (...given: unknown[]) => {
      let folders = runFolders(given);
      if (folders.length === 0) {
        const placeholder = "Runs to show in the dashboard";
        folders = (await pickRun(library, { placeholder, many: true }))?.map(({ folder }) => folder) ?? [];
      }
      // A comparison is shown by its runs.
      const only = folders.length === 1 ? library.run(folders[0]!) : undefined;
      const comparison = only?.cells === undefined ? null : only.folder;
      folders = runFolders(
        folders.map((folder) => {
          const run = library.run(folder);
          return run?.cells === undefined ? folder : library.cellsOf(run);
        }),
      );
      if (folders.length === 0) return;
      const there = [...open].find((dashboard) => sameFolders(dashboard.folders, folders));
      const wasAsked = !isUnasked(given);
      if (there) revealPanel(there.panel, wasAsked);
      else {
        const place = placeOfPanel(wasAsked);
        show(
          vscode.window.createWebviewPanel(pageIds.dashboard, "", place, { enableFindWidget: true }),
          folders,
          comparison,
        );
      }
    }),
    vscode.window.registerWebviewPanelSerializer(pageIds.dashboard, {
      async deserializeWebviewPanel(panel, state) {
        const kept = dashboardStateSchema.safeParse(state);
        const own = kept.success ? kept.data.runs : [];
        const runs = own.length > 0 ? own : runsSchema.parse(JSON.parse(shown.recall() ?? "[]"));
        show(
          panel,
          runs.map((run) => vscode.Uri.parse(run)),
        );
      },
    }),
  );
}
