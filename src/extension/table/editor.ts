import { basename, extname } from "node:path";
import * as vscode from "vscode";
import { type TableFromPage, type TableToPage, tableFromPageSchema } from "../../protocol/webview/table.ts";
import { onSettingChange, runCommand, setting } from "../contributions.ts";
import { pageIds } from "../contributionTypes.ts";
import { DisposableStore } from "../disposableStore.ts";
import { errorCode, wordError } from "../errors.ts";
import type { ShownRuns } from "../evaluation/shownRuns.ts";
import { openPage, type Page } from "../page/page.ts";
import { saveFromPage } from "../page/save.ts";
import { confirmLabel } from "../prompts/labelCommands.ts";
import type { PromptFile, PromptLibrary } from "../prompts/library.ts";
import { revealPrompt } from "../prompts/reveal.ts";
import type { RunLibrary } from "../runs/library.ts";
import { type Column, judgeColumn, TableMethods } from "./methods.ts";
import { TableSession } from "./session.ts";

/** What the tables of all files share. */
export interface TableParts {
  readonly prompts: PromptLibrary;
  readonly runs: RunLibrary;
  readonly shown: ShownRuns;
}

/** The prompt table: a prompt file as rows with labels, verdicts and probabilities. Files of text open in it on request alone. */
export class TableEditor implements vscode.CustomReadonlyEditorProvider, vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly extensionUri: vscode.Uri;
  private readonly parts: TableParts;
  private readonly methods: TableMethods;

  constructor({ extensionUri, workspaceState }: vscode.ExtensionContext, parts: TableParts) {
    this.extensionUri = extensionUri;
    this.parts = parts;
    this.methods = new TableMethods(parts.runs, parts.shown, workspaceState);
    for (const id of [pageIds.table, pageIds.parquetTable]) {
      this.store.add(vscode.window.registerCustomEditorProvider(id, this));
    }
  }

  dispose(): void {
    this.store.dispose();
  }

  openCustomDocument(uri: vscode.Uri): vscode.CustomDocument {
    return { uri, dispose: () => undefined };
  }

  resolveCustomEditor({ uri }: vscode.CustomDocument, panel: vscode.WebviewPanel): void {
    const shown = new ShownTable(this.extensionUri, this.parts, this.methods, uri, panel);
    panel.onDidDispose(() => shown.dispose());
  }
}

/** One open table. */
class ShownTable implements vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly parts: TableParts;
  private readonly methods: TableMethods;
  private readonly uri: vscode.Uri;
  private readonly page: Page<TableToPage>;
  private readonly session: TableSession;
  private columns: readonly Column[] = [];
  private shownRecords: PromptFile["records"] | undefined;
  /** Counts requests for columns, so that of two that overlap the later one holds. */
  private asked = 0;

  constructor(
    extensionUri: vscode.Uri,
    parts: TableParts,
    methods: TableMethods,
    uri: vscode.Uri,
    panel: vscode.WebviewPanel,
  ) {
    this.parts = parts;
    this.methods = methods;
    this.uri = uri;
    const page = openPage<TableToPage, typeof tableFromPageSchema>(panel, extensionUri, {
      name: "table",
      title: `Prompt Table: ${basename(uri.path)}`,
      from: tableFromPageSchema,
      onMessage: (message) => this.session.receive(message),
      onReady: () => this.ready(),
    });
    this.page = page;
    const { prompts } = parts;
    this.session = new TableSession({
      post: (message) => page.post(message),
      confirm: confirmLabel,
      label: async (ids, label) => prompts.label(await prompts.open(uri), ids, label),
      step: async (step) => prompts.step(await prompts.open(uri), step),
      reveal: (record) => revealPrompt(uri, record),
      chooseMethod: async (column) => {
        if (await methods.choose(uri, this.columns, column)) await this.showMethods();
      },
      removeMethod: async (column) => {
        await methods.remove(uri, this.columns, column);
        await this.showMethods();
      },
      judge: async (column, answer, verdict) => {
        const judged = this.columns[column];
        if (!judged) return;
        await judgeColumn(judged, answer, verdict, prompts.author);
        await this.showMethods();
      },
      save: (content) =>
        saveFromPage({ name: exportName(uri), format: "csv", content }, vscode.Uri.joinPath(uri, "..")),
      do: (what) => this.do(what),
      wordError,
    });
    this.store.add(page);
    this.store.add(
      prompts.onDidChange((change) => {
        if (change?.file.uri.toString() !== uri.toString()) return;
        if (change.ids) this.session.changed(change.ids);
        else this.showFile(change.file);
      }),
    );
    this.store.add(parts.shown.onDidChangeRuns(() => void this.showMethods()));
    this.store.add(onSettingChange(["discern.labelling.blur"], () => this.tellSettings()));
  }

  dispose(): void {
    this.store.dispose();
  }

  /** The page is there, for the first time or again after it was hidden: it is told everything. */
  private async ready(): Promise<void> {
    this.tellSettings();
    this.session.forget();
    this.shownRecords = undefined;
    this.page.post({ type: "reading" });
    try {
      this.showFile(await this.parts.prompts.open(this.uri));
    } catch (error) {
      this.refuse(error, this.parts.prompts.file(this.uri));
    }
  }

  private showFile(file: PromptFile): void {
    if (file.state === "failed" || file.state === "unclear") {
      this.shownRecords = undefined;
      this.refuse(new Error(file.failure ?? "The file cannot be read."), file);
      return;
    }
    // A file tells when its reading begins, too; its prompts are still the old ones then.
    if (file.state !== "ready" || file.records === this.shownRecords) return;
    this.shownRecords = file.records;
    this.session.show({ path: file.path, prompts: file, problems: file.problems.length });
    void this.showMethods();
  }

  private refuse(error: unknown, file: PromptFile | undefined): void {
    const unclear = file?.state === "unclear" || errorCode(error) === "column-missing";
    const why = unclear ? "column" : file?.state === "large" ? "large" : "failed";
    this.session.refuse({ message: wordError(error), why, hasText: extname(this.uri.path) !== ".parquet" });
  }

  private async showMethods(): Promise<void> {
    const asked = ++this.asked;
    const columns = await this.methods.columns(this.uri, this.session.records);
    if (asked !== this.asked) return;
    this.columns = columns;
    this.session.showMethods(columns);
  }

  private tellSettings(): void {
    this.page.post({ type: "settings", blur: setting("discern.labelling.blur", this.uri) });
  }

  private async do(what: (TableFromPage & { type: "do" })["what"]): Promise<void> {
    switch (what) {
      case "openAsText":
        await vscode.commands.executeCommand("vscode.openWith", this.uri, "default");
        return;
      case "chooseColumn":
        await runCommand("discern.prompts.chooseColumn", this.uri);
        return;
      case "readLargeFile":
        await runCommand("discern.prompts.readLargeFile", this.uri);
        return;
      case "evaluate":
        await runCommand("discern.evaluation.evaluate", this.uri);
        return;
      case "showProblems":
        await vscode.commands.executeCommand("workbench.actions.view.problems");
    }
  }
}

function exportName(uri: vscode.Uri): string {
  return `${basename(uri.path, extname(uri.path))}-table`;
}
