import { basename, dirname, resolve } from "node:path";
import * as vscode from "vscode";
import { resolveSource } from "../../dataset/select.ts";
import { probeContract } from "../../protocol/probe/probes.ts";
import { type ProbeResult, probeSuffix } from "../../protocol/probe/result.ts";
import {
  type LaboratoryFromPage,
  type LaboratoryToPage,
  laboratoryFromPageSchema,
  type OtherResult,
} from "../../protocol/webview/laboratory.ts";
import { isRun, openRun } from "../../runFolder/folder.ts";
import { probeResults, readProbeResult } from "../../runFolder/probeFile.ts";
import { onSettingChange, setting } from "../contributions.ts";
import { pageIds } from "../contributionTypes.ts";
import { DisposableStore } from "../disposableStore.ts";
import type { Engine } from "../engine/engine.ts";
import { wordError } from "../errors.ts";
import { openPage, type Page } from "../page/page.ts";
import { watchFile } from "../page/watchFile.ts";
import { revealPrompt } from "../prompts/reveal.ts";
import type { RunLibrary } from "../runs/library.ts";
import { requireTrust } from "../trust.ts";
import { excludePrompts } from "./exclude.ts";
import { measureAfterPlan, openResult } from "./measure.ts";
import { exportData } from "./results.ts";

/** The editor of `*.probe.json`: the laboratory page, which draws the result and asks for more. */
export class LaboratoryEditor implements vscode.CustomReadonlyEditorProvider, vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly context: vscode.ExtensionContext;
  private readonly engine: Engine;
  private readonly library: RunLibrary;

  constructor(context: vscode.ExtensionContext, engine: Engine, library: RunLibrary) {
    this.context = context;
    this.engine = engine;
    this.library = library;
    this.store.add(vscode.window.registerCustomEditorProvider(pageIds.laboratory, this));
  }

  openCustomDocument(uri: vscode.Uri): vscode.CustomDocument {
    return { uri, dispose: () => undefined };
  }

  resolveCustomEditor({ uri }: vscode.CustomDocument, panel: vscode.WebviewPanel): void {
    panel.title = `Laboratory: ${basename(uri.fsPath).replace(probeSuffix, "")}`;
    let result: ProbeResult | null = null;
    const load = async () => {
      const told = await shown(uri.fsPath);
      result = told.type === "result" ? told.result : null;
      page.post(told);
    };
    const page: Page<LaboratoryToPage> & vscode.Disposable = openPage<
      LaboratoryToPage,
      typeof laboratoryFromPageSchema
    >(panel, this.context.extensionUri, {
      name: "laboratory",
      title: panel.title,
      from: laboratoryFromPageSchema,
      onMessage: (message) =>
        result === null && message.type !== "openAsText" ? undefined : this.answer(message, uri, result!),
      onReady: async () => {
        page.post({ type: "blur", blur: setting("discern.labelling.blur") });
        await load();
      },
    });
    const shownParts = new DisposableStore();
    shownParts.add(page);
    shownParts.add(
      onSettingChange(["discern.labelling.blur"], () =>
        page.post({ type: "blur", blur: setting("discern.labelling.blur") }),
      ),
    );
    shownParts.add(watchFile(uri, load));
    shownParts.add(vscode.workspace.onDidGrantWorkspaceTrust(() => void load()));
    panel.onDidDispose(() => shownParts.dispose());
  }

  dispose(): void {
    this.store.dispose();
  }

  private async answer(message: LaboratoryFromPage, uri: vscode.Uri, result: ProbeResult): Promise<void> {
    switch (message.type) {
      case "openPrompt":
        return openPrompt(uri, message);
      case "exportData":
        return exportData(uri, result, message.table);
      case "exportPage":
        return this.exportPage(uri);
      case "excludePrompts":
        requireTrust();
        return excludePrompts(runOf(uri), message.ids);
      case "measure": {
        requireTrust();
        const file = await measureAfterPlan(this.engine, result.title, askOf(uri, result, message));
        if (file === undefined) return;
        await openResult(file);
        return this.library.refresh();
      }
      case "openResult":
        return openResult(vscode.Uri.joinPath(uri, "..", basename(message.file)));
      case "openAsText":
        await vscode.commands.executeCommand("vscode.openWith", uri, "default");
    }
  }

  private async exportPage(uri: vscode.Uri): Promise<void> {
    requireTrust();
    const into = await vscode.window.showSaveDialog({
      title: "Export the result to HTML",
      defaultUri: vscode.Uri.file(uri.fsPath.replace(/\.json$/, ".html")),
      filters: { HTML: ["html"] },
    });
    if (into === undefined) return;
    await this.engine.call("exportProbe", { path: uri.fsPath, into: into.fsPath });
    const open = "Open";
    const chosen = await vscode.window.showInformationMessage(
      `The page is in ${vscode.workspace.asRelativePath(into)}.`,
      open,
    );
    if (chosen === open) await vscode.env.openExternal(into);
  }
}

/** The run that a result lies in the `probes` folder of. */
function runOf(uri: vscode.Uri): string {
  return dirname(dirname(uri.fsPath));
}

/** What the page is told of a file. */
async function shown(file: string): Promise<LaboratoryToPage> {
  try {
    const result = await readProbeResult(file);
    const run = dirname(dirname(file));
    const ofRun = result.run !== null && (await isRun(run));
    const found = ofRun ? await probeResults(run) : [];
    const others = found.flatMap(({ file: other, result: each }): OtherResult[] => {
      if (each === null || other === file) return [];
      const { probe, title, created, states } = each;
      return [{ file: basename(other), probe, title, created, states: states.map(({ name }) => name) }];
    });
    // What else the run kept is known by what other results measured; the engine is not started to read a page.
    const states = [
      ...new Set([...result.states.map(({ name }) => name), ...others.flatMap((each) => each.states)]),
    ];
    return {
      type: "result",
      ...{ result, others, states: ofRun ? states : [] },
      canMeasure: vscode.workspace.isTrusted && ofRun && probeContract(result.probe) !== undefined,
    };
  } catch (error) {
    return { type: "damaged", message: wordError(error) };
  }
}

function askOf(
  uri: vscode.Uri,
  { probe, options, states, seed }: ProbeResult,
  changes: Extract<LaboratoryFromPage, { type: "measure" }>,
) {
  const folder = runOf(uri);
  return {
    ...{ probe, seed, root: folder, options: { ...options, ...changes.options } },
    subject: { kind: "run" as const, folder, states: changes.states ?? states.map(({ name }) => name) },
  };
}

async function openPrompt(
  uri: vscode.Uri,
  { file, line, id }: Extract<LaboratoryFromPage, { type: "openPrompt" }>,
): Promise<void> {
  const run = runOf(uri);
  const root = (await isRun(run)) ? (await openRun(run)).manifest.recipe.root : dirname(dirname(uri.fsPath));
  await revealPrompt(vscode.Uri.file(resolve(resolveSource(file, { root }))), { id, line });
}
