import { setImmediate } from "node:timers/promises";
import * as vscode from "vscode";
import { readLayout } from "../../dataset/layout.ts";
import { parsePrompts } from "../../dataset/read.ts";
import { rowLines } from "../../dataset/rowLines.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { Layout } from "../../protocol/source.ts";
import { onSettingChange, setting } from "../contributions.ts";
import { DisposableStore } from "../disposableStore.ts";
import { log, logError } from "../log.ts";
import type { PromptFile, PromptLibrary } from "../prompts/library.ts";
import { columnOf } from "../prompts/workspaceFiles.ts";
import { isTooLarge, mayBeMarked } from "./documents.ts";
import { disputesOf, failuresOf, findAlike, oppositeDuplicates } from "./findings.ts";
import { matchAnswers, onLines, type SheetText } from "./match.ts";
import type { Sheet } from "./sheet.ts";
import type { ShownRuns } from "./shownRuns.ts";
import { summarise } from "./summary.ts";

/** Milliseconds without an edit after which a text is read. */
const restMs = 150;
/** Milliseconds without a new label after which prompts that contradict each other are looked for anew. */
const labelRestMs = 1000;

interface Working {
  timer: NodeJS.Timeout | null;
  abort: AbortController;
  /** The work that is under way, which those wait for who need the sheet. */
  done: Promise<void>;
  end: () => void;
}

/** The sheets of the documents that are in sight, kept true to their texts, the runs, the labels and people's verdicts. */
export class Sheets implements vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly prompts: PromptLibrary;
  private readonly runs: ShownRuns;
  private readonly sheets = new Map<string, Sheet>();
  private readonly working = new Map<string, Working>();
  private readonly changed = this.store.add(new vscode.EventEmitter<vscode.Uri>());

  /** Tells that the sheet of a document came, changed, or went. */
  readonly onDidChange = this.changed.event;

  constructor(prompts: PromptLibrary, runs: ShownRuns) {
    this.prompts = prompts;
    this.runs = runs;
    const all = () => this.eachInSight((document) => this.schedule(document, 0));
    this.store.add({ dispose: () => this.stopAll() });
    this.store.add(vscode.window.onDidChangeVisibleTextEditors(() => this.followSight()));
    this.store.add(
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0 && isInSight(document)) this.schedule(document, restMs);
      }),
    );
    this.store.add(runs.onDidChangeRuns(all));
    this.store.add(
      onSettingChange(["discern.evaluation.show", "discern.prompts.columns", "discern.runs.folder"], () => {
        this.sheets.clear();
        all();
      }),
    );
    this.store.add(
      prompts.onDidChange((change) => {
        this.eachInSight((document) => {
          if (change && change.file.uri.toString() !== document.uri.toString()) return;
          if (change?.ids) this.relabel(document, change.file);
          else if (change) this.schedule(document, 0);
        });
      }),
    );
    this.followSight();
  }

  dispose(): void {
    this.store.dispose();
  }

  /** The sheet of a document, true to its present text; undefined where there is none, or none yet. */
  of(document: vscode.TextDocument): Sheet | undefined {
    const sheet = this.sheets.get(document.uri.toString());
    return sheet?.version === document.version ? sheet : undefined;
  }

  /** The sheet of a document once its text has been read. */
  async settled(document: vscode.TextDocument): Promise<Sheet | undefined> {
    const key = document.uri.toString();
    if (!this.of(document) && !this.working.has(key) && mayBeMarked(document)) this.schedule(document, 0);
    for (
      let working = this.working.get(key);
      working && !this.of(document);
      working = this.working.get(key)
    ) {
      await working.done;
    }
    return this.of(document);
  }

  private stopAll(): void {
    for (const working of this.working.values()) stop(working);
    this.working.clear();
  }

  private followSight(): void {
    const inSight = new Set<string>();
    this.eachInSight((document) => {
      const key = document.uri.toString();
      inSight.add(key);
      if (!this.of(document) && !this.working.has(key)) this.schedule(document, 0);
    });
    for (const key of new Set([...this.sheets.keys(), ...this.working.keys()])) {
      if (!inSight.has(key)) this.drop(key);
    }
  }

  private drop(key: string): void {
    const working = this.working.get(key);
    if (working) stop(working);
    this.working.delete(key);
    if (this.sheets.delete(key)) this.changed.fire(vscode.Uri.parse(key));
  }

  private eachInSight(look: (document: vscode.TextDocument) => void): void {
    for (const document of new Set(vscode.window.visibleTextEditors.map((editor) => editor.document))) {
      if (mayBeMarked(document)) look(document);
    }
  }

  private schedule(document: vscode.TextDocument, delay: number): void {
    const key = document.uri.toString();
    const before = this.working.get(key);
    if (before) stop(before);
    const { promise, resolve } = Promise.withResolvers<void>();
    const working: Working = { timer: null, abort: new AbortController(), done: promise, end: resolve };
    working.timer = setTimeout(() => {
      void this.work(document, working).finally(() => {
        if (this.working.get(key) === working) this.working.delete(key);
        working.end();
      });
    }, delay);
    this.working.set(key, working);
  }

  private async work(document: vscode.TextDocument, { abort: { signal }, end }: Working): Promise<void> {
    const key = document.uri.toString();
    try {
      const { version } = document;
      const earlier = this.sheets.get(key);
      const chosen = await readLayout(document.uri.fsPath).catch(() => null);
      const layout = JSON.stringify(chosen);
      const isSame = earlier?.version === version && earlier.layout === layout;
      const text = isSame ? earlier.text : chosen && (await readText(document, chosen, signal));
      const shown = text ? await this.runs.of(text.records, document.uri) : null;
      const file = text ? await this.fileOf(document.uri, shown !== null) : undefined;
      // Others get their turn before the sheet is worked out in one go.
      await setImmediate();
      if (signal.aborted || document.version !== version) return;
      if (!text) {
        if (this.sheets.delete(key)) this.changed.fire(document.uri);
        return;
      }
      const known = this.sheets.get(key);
      const alike = known?.text === text ? known.alike : [];
      this.set(document, sheetOf({ version, text, layout, shown, alike }, file));
      end();
      if (!file || !setting("discern.evaluation.show")) return;
      const found = await findAlike(text.records, (id) => file.decisionOf(id), signal);
      signal.throwIfAborted();
      if (found.length + alike.length > 0) {
        this.set(document, sheetOf({ version, text, layout, shown, alike: found }, file));
      }
    } catch (error) {
      if (signal.aborted) return;
      logError(error);
    }
  }

  /** Labels alone changed: that is shown at once. */
  private relabel(document: vscode.TextDocument, file: PromptFile): void {
    const sheet = this.of(document);
    if (!sheet) return;
    this.set(document, sheetOf(sheet, file));
    // Other labels can make other prompts contradict each other, which is looked for in the background.
    this.schedule(document, labelRestMs);
  }

  private set(document: vscode.TextDocument, sheet: Sheet): void {
    this.sheets.set(document.uri.toString(), sheet);
    this.changed.fire(document.uri);
  }

  /** The prompt file of a document. One that is not among those found is opened only where there is something to show. */
  private async fileOf(uri: vscode.Uri, evaluated: boolean): Promise<PromptFile | undefined> {
    await this.prompts.discovered();
    const file = this.prompts.file(uri);
    if (file || !evaluated) return file;
    return this.prompts.open(uri).catch((error: Error) => {
      log.warn(`${uri.fsPath}: ${error.message}`);
      return undefined;
    });
  }
}

function sheetOf(
  { version, text, layout, shown, alike }: Pick<Sheet, "version" | "text" | "layout" | "shown" | "alike">,
  file: PromptFile | undefined,
): Sheet {
  const decisionOf = (id: string) => file?.decisionOf(id);
  const marks = shown ? matchAnswers(text, shown.answers, decisionOf) : [];
  const hidden = !setting("discern.evaluation.show");
  const disputes = file ? disputesOf(text.records, file.labels) : [];
  const findings = hidden
    ? []
    : [...disputes, ...oppositeDuplicates(alike, decisionOf), ...failuresOf(marks)];
  return {
    version,
    text,
    layout,
    shown,
    alike,
    marks,
    summary: summarise(marks, shown?.answers.shown ?? []),
    findings,
  };
}

/** The prompts of a document as its layout has it read; null where it holds none, as most files do. */
async function readText(
  document: vscode.TextDocument,
  layout: Layout,
  signal: AbortSignal,
): Promise<SheetText | null> {
  if (isTooLarge(document)) return null;
  const prompt = columnOf(document.uri);
  const columns = prompt === undefined ? {} : { columns: { prompt } };
  const text = document.getText();
  try {
    const read = await parsePrompts(text, document.fileName, { ...columns, layout, signal });
    return document.fileName.toLowerCase().endsWith(".json") ? onLines(read, rowLines(text)) : read;
  } catch (error) {
    if (error instanceof DiscernError) return null;
    throw error;
  }
}

function isInSight(document: vscode.TextDocument): boolean {
  return mayBeMarked(document) && vscode.window.visibleTextEditors.some((one) => one.document === document);
}

function stop({ timer, abort, end }: Working): void {
  if (timer) clearTimeout(timer);
  abort.abort(new Error("The text has changed."));
  end();
}
