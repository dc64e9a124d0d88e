import { basename } from "node:path";
import * as vscode from "vscode";
import { probeContract } from "../../protocol/probe/probes.ts";
import { type ProbeResult, probeSuffix } from "../../protocol/probe/result.ts";
import {
  type LaboratoryToPage,
  laboratoryFromPageSchema,
  type OtherResult,
} from "../../protocol/webview/laboratory.ts";
import { isRun } from "../../runFolder/folder.ts";
import { probeResults, readProbeResult } from "../../runFolder/probeFile.ts";
import { onSettingChange, setting } from "../contributions.ts";
import { pageIds } from "../contributionTypes.ts";
import { DisposableStore } from "../disposableStore.ts";
import type { Engine } from "../engine/engine.ts";
import { wordError } from "../errors.ts";
import { openPage, type Page } from "../page/page.ts";
import { watchFile } from "../page/watchFile.ts";
import { answerResult, runOfResult } from "./requests.ts";

/** The editor of `*.probe.json`: the laboratory page, which draws the result and asks for more. */
export class LaboratoryEditor implements vscode.CustomReadonlyEditorProvider, vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly context: vscode.ExtensionContext;
  private readonly engine: Engine;

  constructor(context: vscode.ExtensionContext, engine: Engine) {
    this.context = context;
    this.engine = engine;
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
        result === null && message.type !== "openAsText"
          ? undefined
          : answerResult(this.engine, uri, result!, message),
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
}

/** What the page is told of a file. */
async function shown(file: string): Promise<LaboratoryToPage> {
  try {
    const result = await readProbeResult(file);
    const run = runOfResult(vscode.Uri.file(file));
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
