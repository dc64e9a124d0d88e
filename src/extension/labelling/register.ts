/*
 * The labelling panel is one prompt file in a webview. A session answers its page: which prompts in which order, one in full, what a label
 * changes. It writes nothing itself; labels go to the prompt library and come back as its changes, as those of the tree and of other
 * windows do.
 */

import * as vscode from "vscode";
import {
  type LabellingView,
  labellingStateSchema,
  labellingViewSchema,
} from "../../protocol/webview/labelling.ts";
import { registerCommand } from "../contributions.ts";
import { pageIds } from "../contributionTypes.ts";
import { ShownPanels } from "../page/shownPanels.ts";
import type { PromptLibrary } from "../prompts/library.ts";
import type { RunLibrary } from "../runs/library.ts";
import { registerLabelFileCommands } from "./labelCommands.ts";
import { NewestRun } from "./newestRun.ts";
import { LabellingPanel, type PanelParts } from "./panel.ts";
import { pickPromptFile } from "./pick.ts";
import { type Target, uriOf } from "./target.ts";

/**
 * The labelling panel: the command that opens it, one panel a prompt file, and its return after the window reloads.
 *
 * @param runs where the model's opinion comes from, when there is one
 */
export function registerLabelling(
  { extensionUri, workspaceState }: vscode.ExtensionContext,
  library: PromptLibrary,
  runs: RunLibrary | undefined,
): vscode.Disposable {
  const newestRun = new NewestRun(runs);
  const parts: PanelParts = { extensionUri, library, newestRun };
  const panels = new Map<string, LabellingPanel>();
  const shown = new ShownPanels(workspaceState, pageIds.labelling);
  const fill = (uri: vscode.Uri, panel: vscode.WebviewPanel, begin?: string | LabellingView) => {
    panels.set(uri.toString(), new LabellingPanel(parts, uri, panel, begin));
    shown.keep(panel, uri.toString());
    panel.onDidDispose(() => panels.delete(uri.toString()));
  };
  return vscode.Disposable.from(
    newestRun,
    registerLabelFileCommands(library),
    registerCommand("discern.labelling.open", async (target?: Target, at?: unknown) => {
      const uri = target === undefined ? await pickPromptFile(library) : uriOf(target);
      if (!uri) return;
      // The editor's menus hand over other things in second place.
      const begin = beginning(at) ?? (target && "record" in target ? target.record?.id : undefined);
      const open = panels.get(uri.toString());
      if (open) open.show(begin);
      else
        fill(uri, vscode.window.createWebviewPanel(pageIds.labelling, "", vscode.ViewColumn.Active), begin);
    }),
    vscode.window.registerWebviewPanelSerializer(pageIds.labelling, {
      async deserializeWebviewPanel(panel, kept: unknown) {
        const state = labellingStateSchema.safeParse(kept);
        const file = state.success ? state.data.uri : shown.recall();
        const uri = file === undefined ? undefined : vscode.Uri.parse(file);
        if (!uri || panels.has(uri.toString())) panel.dispose();
        else fill(uri, panel);
      },
    }),
  );
}

/** Where a panel begins: at a prompt, or with a view. */
function beginning(at: unknown): string | LabellingView | undefined {
  if (typeof at === "string") return at;
  const view = labellingViewSchema.safeParse(at);
  return view.success && Object.keys(view.data).length > 0 ? view.data : undefined;
}
