/*
 * The dashboard shows runs while they train. A panel follows the event logs of its runs by reading what is new in their files, the
 * same way for a run of this window, of another window and of a terminal, and posts it to its page. Nothing is kept on this side: a page
 * that is loaded again is told everything again.
 */

import * as vscode from "vscode";
import { type DashboardContents, dashboardContentsSchema } from "../../protocol/webview/dashboard.ts";
import { registerCommand } from "../contributions.ts";
import { pageIds } from "../contributionTypes.ts";
import { ShownPanels } from "../page/shownPanels.ts";
import { isUnasked, placeOfPanel, revealPanel } from "../page/unasked.ts";
import type { RunLibrary } from "../runs/library.ts";
import { pickRun } from "../runs/pick.ts";
import { type CellsOf, type Contents, contentsOf, isAskedFor } from "./contents.ts";
import { DashboardPanel, type DashboardParts } from "./panel.ts";
import { runFolders } from "./runFolders.ts";

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
  /** The runs and experiments that were shown last. A run that trains is shown when it begins. */
  let last: readonly vscode.Uri[] = [];
  const shown = new ShownPanels(context.workspaceState, pageIds.dashboard);
  const cellsOf: CellsOf = (folder) => {
    const run = library.run(folder);
    return run?.cells === undefined ? undefined : library.cellsOf(run).map((cell) => cell.folder);
  };
  const ask = async () => {
    const proposed = new Set(proposedOf(library, last).map(String));
    const picked = await pickRun(library, {
      placeholder: "Runs to show in the dashboard",
      many: true,
      ticked: ({ folder }) => proposed.has(folder.toString()),
    });
    return picked?.map(({ folder }) => folder) ?? [];
  };
  const show = (panel: vscode.WebviewPanel, contents: Contents) => {
    const keep = (now: Contents) => shown.keep(panel, JSON.stringify(written(now)));
    const dashboard = new DashboardPanel(panel, context, { ...parts, cellsOf, keep }, contents);
    open.add(dashboard);
    panel.onDidDispose(() => open.delete(dashboard));
    panel.onDidChangeViewState(() => {
      const { runs, follows } = dashboard.contents;
      if (panel.active) last = follows.length > 0 ? follows : runs;
    });
  };
  return vscode.Disposable.from(
    registerCommand("discern.runs.openDashboard", async (...given: unknown[]) => {
      const named = runFolders(given);
      const folders = named.length > 0 ? named : await ask();
      if (folders.length === 0) return;
      last = folders;
      const contents = contentsOf(folders, cellsOf);
      const there = [...open].find((dashboard) => isAskedFor(dashboard.contents, contents));
      const wasAsked = !isUnasked(given);
      if (there) revealPanel(there.panel, wasAsked);
      else {
        const place = placeOfPanel(wasAsked);
        show(
          vscode.window.createWebviewPanel(pageIds.dashboard, "", place, { enableFindWidget: true }),
          contents,
        );
      }
    }),
    vscode.window.registerWebviewPanelSerializer(pageIds.dashboard, {
      async deserializeWebviewPanel(panel, state) {
        const own = read(state);
        const isKept = own !== null && own.runs.length + own.follows.length > 0;
        const recalled = isKept ? own : read(JSON.parse(shown.recall() ?? "null"));
        show(panel, recalled ?? { runs: [], follows: [], removed: [] });
      },
    }),
  );
}

/** What is proposed to be shown: what was shown last, or else the newest that trained. */
function proposedOf(library: RunLibrary, last: readonly vscode.Uri[]): readonly vscode.Uri[] {
  const there = last.filter((folder) => library.run(folder));
  if (there.length > 0) return there;
  const newest = library.runs.find(({ stages, cells }) => stages.length > 0 || cells !== undefined);
  return newest ? [newest.folder] : [];
}

function written({ runs, follows, removed }: Contents): DashboardContents {
  return { runs: runs.map(String), follows: follows.map(String), removed: removed.map(String) };
}

/** What was kept of a dashboard; null for anything else. */
function read(kept: unknown): Contents | null {
  const { data } = dashboardContentsSchema.safeParse(kept);
  if (data === undefined) return null;
  const [runs, follows, removed] = [data.runs, data.follows, data.removed].map((folders) =>
    folders.map((folder) => vscode.Uri.parse(folder)),
  );
  return { runs: runs!, follows: follows!, removed: removed! };
}
