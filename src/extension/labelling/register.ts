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
import type { ShownRuns } from "../evaluation/shownRuns.ts";
import { ShownPanels } from "../page/shownPanels.ts";
import type { PromptLibrary } from "../prompts/library.ts";
import { registerLabelFileCommands } from "./labelCommands.ts";
import { registerLostLabels } from "./lostLabels.ts";
import { LabellingPanel, type PanelParts, type PanelSubject } from "./panel.ts";
import { pickPromptFile } from "./pick.ts";
import { askSecondPass } from "./secondPassCommand.ts";
import { type Target, uriOf } from "./target.ts";

/**
 * The labelling panel: the command that opens it, one panel a prompt file, and its return after the window reloads.
 *
 * @param shownRuns which run did what with the prompts of a file
 */
export function registerLabelling(
  { extensionUri, workspaceState }: vscode.ExtensionContext,
  library: PromptLibrary,
  shownRuns: ShownRuns,
): vscode.Disposable {
  const parts: PanelParts = { extensionUri, library, shown: shownRuns };
  const panels = new Map<string, LabellingPanel>();
  const shown = new ShownPanels(workspaceState, pageIds.labelling);
  const fill = (subject: PanelSubject, panel: vscode.WebviewPanel, begin?: string | LabellingView) => {
    const key = keyOf(subject);
    panels.set(key, new LabellingPanel(parts, subject, panel, begin));
    shown.keep(panel, key);
    panel.onDidDispose(() => panels.delete(key));
  };
  const open = (subject: PanelSubject, begin?: string | LabellingView) => {
    const shownAlready = panels.get(keyOf(subject));
    if (shownAlready) shownAlready.show(begin);
    else
      fill(subject, vscode.window.createWebviewPanel(pageIds.labelling, "", vscode.ViewColumn.Active), begin);
  };
  return vscode.Disposable.from(
    registerLabelFileCommands(library),
    registerLostLabels(library),
    registerCommand("discern.labelling.open", async (target?: Target, at?: unknown) => {
      const uri = target === undefined ? await pickPromptFile(library) : uriOf(target);
      if (!uri) return;
      // The editor's menus hand over other things in second place.
      const begin = beginning(at) ?? (target && "record" in target ? target.record?.id : undefined);
      open({ uri }, begin);
    }),
    registerCommand("discern.labels.secondPass", async (target?: Target) => {
      const uri = target === undefined ? await pickPromptFile(library) : uriOf(target);
      const secondPass = uri && (await askSecondPass(library, await library.open(uri)));
      if (uri && secondPass !== undefined) open({ uri, secondPass });
    }),
    registerCommand("discern.labels.agreement", async (target?: Target) => {
      const uri = target === undefined ? await pickPromptFile(library) : uriOf(target);
      if (uri) open({ uri }, { mode: "agreement" });
    }),
    vscode.window.registerWebviewPanelSerializer(pageIds.labelling, {
      async deserializeWebviewPanel(panel, kept: unknown) {
        const state = labellingStateSchema.safeParse(kept);
        const recalled = shown.recall();
        const subject = state.success
          ? { uri: vscode.Uri.parse(state.data.uri), secondPass: state.data.secondPass }
          : recalled === undefined
            ? undefined
            : subjectOf(recalled);
        if (!subject || panels.has(keyOf(subject))) panel.dispose();
        else fill(subject, panel);
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

/** What tells panels apart: a second pass stands beside the panel of its file. */
function keyOf({ uri, secondPass }: PanelSubject): string {
  return secondPass === undefined ? uri.toString() : `${uri}\n${secondPass}`;
}

function subjectOf(key: string): PanelSubject {
  const [uri, count] = key.split("\n");
  return { uri: vscode.Uri.parse(uri!), secondPass: count === undefined ? undefined : Number(count) };
}
