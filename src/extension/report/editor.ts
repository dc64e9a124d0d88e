import { dirname } from "node:path";
import * as vscode from "vscode";
import {
  type ReportFromPage,
  type ReportToPage,
  reportFromPageSchema,
  type WantedAnswers,
} from "../../protocol/webview/report.ts";
import { readRemarks, shownName } from "../../runFolder/about.ts";
import { runPaths } from "../../runFolder/folder.ts";
import { judgementsPath } from "../../runFolder/judgements.ts";
import { sharedJudgementsPath } from "../../runFolder/reportJudgements.ts";
import { onSettingChange, setting } from "../contributions.ts";
import { pageIds } from "../contributionTypes.ts";
import { DisposableStore } from "../disposableStore.ts";
import type { Engine } from "../engine/engine.ts";
import { wordError } from "../errors.ts";
import { answerRunResults } from "../laboratory/requests.ts";
import { watchResults } from "../laboratory/watchResults.ts";
import { openPage, type Page } from "../page/page.ts";
import { saveFromPage } from "../page/save.ts";
import { watchFile } from "../page/watchFile.ts";
import type { PromptLibrary } from "../prompts/library.ts";
import { runsFolderAround } from "../runs/folders.ts";
import { openReportFile } from "../runs/openReport.ts";
import { compareWithEarlier } from "./earlier.ts";
import { copyLatex, exportReport } from "./export.ts";
import { revealPromptOf } from "./reveal.ts";
import { ReportSession } from "./session.ts";

/** A report as the editor holds it; everything else is in its session. */
interface ReportDocument extends vscode.CustomDocument {
  /** What is to be shown as soon as the page can. */
  wanted?: WantedAnswers;
  show?: (what: WantedAnswers) => void;
  /** Whether the page is to compare as soon as it can. */
  comparing?: boolean;
  /** Has the page compare with an earlier report, which the person chooses. */
  compare?: () => Promise<void>;
}

/** The editor of report.json: its figures, its answers, and people's judgements of them. */
export class ReportEditor implements vscode.CustomReadonlyEditorProvider<ReportDocument>, vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly context: vscode.ExtensionContext;
  private readonly engine: Engine;
  private readonly prompts: PromptLibrary;
  private readonly documents = new Map<string, ReportDocument>();

  constructor(context: vscode.ExtensionContext, engine: Engine, prompts: PromptLibrary) {
    this.context = context;
    this.engine = engine;
    this.prompts = prompts;
    this.store.add(vscode.window.registerCustomEditorProvider(pageIds.report, this));
  }

  /** Opens the report of a run folder, at answers where some are named. */
  async open(report: vscode.Uri, wanted?: WantedAnswers): Promise<void> {
    await openReportFile(report);
    const document = this.documents.get(report.toString());
    if (document === undefined || wanted === undefined) return;
    if (document.show) document.show(wanted);
    else document.wanted = wanted;
  }

  /** Opens a report and has it compared with an earlier one. */
  async compare(report: vscode.Uri): Promise<void> {
    const document = this.documents.get(report.toString());
    if (document?.compare) {
      await openReportFile(report);
      return document.compare();
    }
    await openReportFile(report);
    const opened = this.documents.get(report.toString());
    if (opened) opened.comparing = true;
  }

  openCustomDocument(uri: vscode.Uri): ReportDocument {
    const document: ReportDocument = { uri, dispose: () => this.documents.delete(uri.toString()) };
    this.documents.set(uri.toString(), document);
    return document;
  }

  async resolveCustomEditor(document: ReportDocument, panel: vscode.WebviewPanel): Promise<void> {
    const { uri } = document;
    const folder = dirname(uri.fsPath);
    // Every report is called report.json: its run's name tells tabs, and frames for screen readers, apart.
    panel.title = `Report: ${shownName(folder, await readRemarks(folder))}`;
    const runsFolder = runsFolderAround(uri.fsPath);
    const session = new ReportSession({
      file: uri.fsPath,
      runsFolder,
      post: (message) => page.post(message),
      author: () => this.prompts.author,
      recompute: this.engine.recompute,
      compare: (earlier) => this.engine.call("compareEarlier", { path: uri.fsPath, earlier }),
      word: wordError,
    });
    const shown = new DisposableStore();
    /** What belongs to the earlier report that this one is held against. */
    const held = shown.add(new DisposableStore());
    const page: Page<ReportToPage> & vscode.Disposable = openPage<ReportToPage, typeof reportFromPageSchema>(
      panel,
      this.context.extensionUri,
      {
        name: "report",
        title: panel.title,
        from: reportFromPageSchema,
        onMessage: (message) => this.answer(message, uri, session, held, page),
        onReady: async () => {
          page.post({ type: "blur", blur: setting("discern.labelling.blur") });
          document.show = (what) => page.post({ type: "show", what });
          document.compare = () => this.answer({ type: "compareEarlier" }, uri, session, held, page);
          const shown = session.load();
          if (document.wanted !== undefined) document.show(document.wanted);
          delete document.wanted;
          await shown;
          if (document.comparing) void document.compare();
          delete document.comparing;
        },
      },
    );
    shown.add(page);
    const { about, notes } = runPaths(folder);
    for (const file of [uri, vscode.Uri.file(about), vscode.Uri.file(notes)])
      shown.add(watchFile(file, () => session.load()));
    for (const log of [judgementsPath(uri.fsPath), ...(runsFolder ? [sharedJudgementsPath(runsFolder)] : [])])
      shown.add(watchFile(vscode.Uri.file(log), () => session.reloadJudgements()));
    shown.add(watchResults(vscode.Uri.file(folder), () => session.load()));
    shown.add(vscode.workspace.onDidGrantWorkspaceTrust(() => void session.compute()));
    shown.add(
      onSettingChange(["discern.labelling.blur"], () =>
        page.post({ type: "blur", blur: setting("discern.labelling.blur") }),
      ),
    );
    panel.onDidDispose(() => {
      delete document.show;
      delete document.compare;
      shown.dispose();
    });
  }

  dispose(): void {
    this.store.dispose();
  }

  private async answer(
    message: ReportFromPage,
    uri: vscode.Uri,
    session: ReportSession,
    held: DisposableStore,
    page: Page<ReportToPage>,
  ): Promise<void> {
    switch (message.type) {
      case "judge":
        return session.judge(message);
      case "openPrompt":
        return revealPromptOf(this.prompts, message.id);
      case "laboratory":
        return answerRunResults(this.engine, vscode.Uri.joinPath(uri, ".."), message.ask, (shown) =>
          page.post({ type: "result", shown }),
        );
      case "export":
        return exportReport(this.engine, uri);
      case "copyLatex":
        return copyLatex(this.engine, uri);
      case "compareEarlier": {
        const earlier = await compareWithEarlier(this.engine, uri, session);
        if (earlier === undefined) return;
        held.clear();
        // It may lie in another folder of runs than the open report.
        const log = vscode.Uri.file(judgementsPath(earlier.fsPath));
        held.add(watchFile(log, () => session.reloadJudgements()));
        return;
      }
      case "save":
        return saveFromPage(message, vscode.Uri.joinPath(uri, ".."));
      case "openAsText":
        await vscode.commands.executeCommand("vscode.openWith", uri, "default");
        return;
      case "recompute":
        return session.compute();
    }
  }
}
