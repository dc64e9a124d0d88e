import { isDeepStrictEqual } from "node:util";
import * as vscode from "vscode";
import { keptWords } from "../../dataset/carryLabels.ts";
import type { MergePlan } from "../../dataset/labelMerge.ts";
import { readLayout } from "../../dataset/layout.ts";
import { carriedEntries } from "../../dataset/orphans.ts";
import type { ReadOptions } from "../../dataset/read.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { Label } from "../../protocol/label.ts";
import { byteSize } from "../../wording/numbers.ts";
import { onSettingChange, setting } from "../contributions.ts";
import { DisposableStore } from "../disposableStore.ts";
import { log } from "../log.ts";
import { authorName } from "./author.ts";
import { isInRunsFolder, sizeOf } from "./discovery.ts";
import type { LostLog } from "./lostLog.ts";
import { PromptFile } from "./promptFile.ts";
import type { VerdictSource } from "./verdicts.ts";
import { type FileEvents, watchOutside, watchPromptFiles } from "./watch.ts";
import { columnOf, findInWorkspace, largeBytes, rulesOf, shownPath } from "./workspaceFiles.ts";

export type { PromptFile } from "./promptFile.ts";

/** What changed: the list of files (undefined), a whole file, or prompts of a file. */
export type PromptChange = { readonly file: PromptFile; readonly ids?: ReadonlySet<string> } | undefined;

/** Bytes of a file's start by which it is taken for a prompt file. */
const SMALL = 64 * 1024;

/** Bytes up to which a file is examined that nobody opened: reading them takes some hundredths of a second. */
const EXAMINED = 2e6;

/**
 * The prompt files of the workspace and what people decided about their prompts. It looks for files when it is first asked,
 * and reads one when it is opened.
 */
export class PromptLibrary implements vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly byUri = new Map<string, PromptFile>();
  /** Files opened from outside of what is discovered: they stay until the window closes. */
  private readonly guests = new Set<string>();
  private readonly change = this.store.add(new vscode.EventEmitter<PromptChange>());
  private readonly large = this.store.add(new vscode.EventEmitter<{ file: PromptFile; bytes: number }>());
  private readonly elsewhere = this.store.add(
    new vscode.EventEmitter<{ readonly file: PromptFile; readonly id: string }>(),
  );
  private readonly events: FileEvents = {
    promptFile: (uri) => void this.fileChanged(uri),
    labelLog: (uri) => void this.logChanged(uri),
    layout: (uri) => void this.layoutChanged(uri),
    list: () => void this.listChanged(),
  };
  private sorted: readonly PromptFile[] = [];
  private lostLogs: readonly LostLog[] = [];
  private discovery: Promise<void> | undefined;
  /** Files that were examined as they are now. */
  private examined = new WeakSet<PromptFile>();
  private examining: Promise<void> | undefined;
  private readonly listing = this.store.add(new vscode.EventEmitter<Promise<void>>());
  private verdictSource: VerdictSource | undefined;

  /** Tells of every change: undefined for the list of files, without ids for a whole file. */
  readonly onDidChange = this.change.event;
  /** Fires when a person labelled a prompt outside of the Prompts view; the view then selects it. */
  readonly onDidLabelElsewhere = this.elsewhere.event;
  /** Tells of a file too large to be read unasked, when it is found. */
  readonly onDidFindLarge = this.large.event;

  /** Fires when the workspace is looked through, with what settles when that is done. */
  readonly onDidBeginListing = this.listing.event;

  constructor() {
    this.store.add(watchPromptFiles(this.events));
    this.store.add(
      onSettingChange(
        ["discern.prompts.include", "discern.prompts.exclude", "discern.runs.folder"],
        () => void this.listChanged(),
      ),
    );
    this.store.add(
      onSettingChange(["discern.prompts.columns", "discern.prompts.largeFileMegabytes"], () => {
        if (this.discovery) void this.refresh();
      }),
    );
    this.store.add(vscode.workspace.onDidChangeWorkspaceFolders(() => void this.listChanged()));
    // What another window wrote is seen at the latest when this one is looked at again.
    this.store.add(
      vscode.window.onDidChangeWindowState(({ focused }) => {
        if (focused) void this.readLabels();
      }),
    );
  }

  /** The prompt files found, sorted by path; empty until somebody asked for `discovered`. */
  get files(): readonly PromptFile[] {
    return this.sorted;
  }

  /** Label logs whose prompt file is gone and for which no other file was found. */
  get lost(): readonly LostLog[] {
    return this.lostLogs;
  }

  /** Says which label logs have no prompt file. */
  showLost(logs: readonly LostLog[]): void {
    const words = (shown: readonly LostLog[]) =>
      JSON.stringify(shown.map(({ path, labels }) => [path, labels.entries.length]));
    // Only what changes is told: whoever looks for lost logs does so at every change.
    if (words(logs) === words(this.lostLogs)) return;
    this.lostLogs = logs;
    this.change.fire(undefined);
  }

  /** The name that decisions made in this window carry. */
  get author(): string {
    return authorName(setting("discern.labels.author"));
  }

  /** What the model of the run that is shown did with the prompts, once somebody says it. */
  get verdicts(): VerdictSource | undefined {
    return this.verdictSource;
  }

  /** Says what models did with prompts, from now until the result is disposed. */
  provideVerdicts(source: VerdictSource): vscode.Disposable {
    this.verdictSource = source;
    const listening = source.onDidChange(() => this.change.fire(undefined));
    this.change.fire(undefined);
    return new vscode.Disposable(() => {
      listening.dispose();
      if (this.verdictSource === source) this.verdictSource = undefined;
      this.change.fire(undefined);
    });
  }

  dispose(): void {
    this.store.dispose();
  }

  /** The prompt file at a place, if it is found or opened. */
  file(uri: vscode.Uri): PromptFile | undefined {
    return this.byUri.get(uri.toString());
  }

  /** The files, after the workspace was looked through for the first time. */
  async discovered(): Promise<readonly PromptFile[]> {
    this.discovery ??= this.discovering(Promise.resolve());
    await this.discovery;
    return this.sorted;
  }

  /** Reads small files that nobody opened, one after another, so that it is known of each what is wrong with it. */
  examine(): Promise<void> {
    this.examining ??= this.examineUnread().finally(() => {
      this.examining = undefined;
    });
    return this.examining;
  }

  private async examineUnread(): Promise<void> {
    for (const file of this.sorted) {
      if (file.state !== "unread" || this.examined.has(file)) continue;
      this.examined.add(file);
      if (((await sizeOf(file.uri.fsPath)) ?? 0) > EXAMINED) continue;
      if (await file.examine(readOptions(file.uri))) this.change.fire({ file });
    }
  }

  /** Looks through the workspace again. */
  async refresh(): Promise<void> {
    await this.discoverAgain();
    for (const file of this.sorted) {
      if (["ready", "failed", "empty"].includes(file.state)) await this.readQuietly(file);
    }
  }

  /**
   * A prompt file, read when it is not read yet; also one that was not found in the workspace.
   *
   * @param options `large` reads a file above the size that is read unasked
   * @throws DiscernError as `readPrompts`; "column-missing" while nobody chose the columns of an unclear file;
   * "dataset-unreadable" for a large file that is not asked for, and for what is not a file on disk.
   */
  async open(uri: vscode.Uri, options: ReadOptions & { large?: boolean } = {}): Promise<PromptFile> {
    if (uri.scheme !== "file") {
      throw new DiscernError(
        "dataset-unreadable",
        `${uri.path} is not a file on disk. Save it as a .csv, .jsonl or .json file first.`,
      );
    }
    const file = this.file(uri) ?? this.admit(uri);
    if (file.state === "ready") return file;
    const bytes = (await sizeOf(uri.fsPath)) ?? 0;
    const limit = largeBytes(uri);
    if (bytes > limit && !options.large) {
      file.wait("large");
      this.change.fire({ file });
      throw new DiscernError(
        "dataset-unreadable",
        `${file.path} is ${byteSize(bytes)} large, more than is read without a request. Choose "Read Large File" in the Prompts view.`,
      );
    }
    await this.following(file, file.read(readOptions(uri, options)));
    return file;
  }

  /**
   * Reads a file anew that is to be read otherwise than before.
   *
   * @throws DiscernError as `open`.
   */
  async reopen(uri: vscode.Uri): Promise<PromptFile> {
    const file = this.file(uri);
    if (file?.state !== "ready") return this.open(uri);
    await this.following(file, file.readAgain(readOptions(uri)));
    return file;
  }

  /**
   * Decides about prompts, at once and as one step of undo. A note that this person left stays when the label changes.
   *
   * @param label "skip" for seen and not decided, null to take the label away
   * @param note a new note; an empty one takes the note away
   * @param pass the labelling it belongs to, where it is not the first
   * @throws DiscernError "labels-unwritable" when the folder can not be written to; nothing changes then.
   */
  async label(
    file: PromptFile,
    ids: readonly string[],
    label: Label | "skip" | null,
    note?: string,
    pass = 1,
  ): Promise<void> {
    const by = this.author;
    const ofPass = pass > 1 ? file.labels.passOf(by, pass) : file.labels.current;
    const kept = (id: string) => {
      const earlier = ofPass.get(id);
      return earlier?.by === by ? earlier.note : undefined;
    };
    const choices = [...new Set(ids)].map((id) => {
      const prompt = file.find(id)?.prompt;
      return {
        id,
        label,
        note: (note ?? kept(id)) || undefined,
        // By its words a label finds its prompt again when that is edited.
        ...(prompt !== undefined && { prompt: keptWords(prompt) }),
      };
    });
    this.tell(file, await file.labels.decide(by, choices, pass));
  }

  /**
   * Decides about a prompt as `label`, in a text editor: the Prompts view follows with its selection.
   *
   * @throws DiscernError as `label`.
   */
  async labelElsewhere(file: PromptFile, id: string, label: Label | "skip" | null): Promise<void> {
    await this.label(file, [id], label);
    this.elsewhere.fire({ file, id });
  }

  /**
   * Appends what other people's logs say of a file's prompts, as one step of undo.
   *
   * @throws DiscernError as `label`.
   */
  async merge(file: PromptFile, entries: MergePlan["entries"]): Promise<void> {
    this.tell(file, await file.labels.merge(this.author, entries));
  }

  /**
   * Carries what people said of prompts over to what these became, as one step of undo.
   *
   * @throws DiscernError as `label`.
   */
  async carryOver(file: PromptFile, carries: readonly { from: string; to: string }[]): Promise<void> {
    const worded = carries.map((carry) => ({
      ...carry,
      prompt: keptWords(file.find(carry.to)?.prompt ?? ""),
    }));
    await this.merge(file, carriedEntries(file.labels, worded));
    this.change.fire({ file });
  }

  /**
   * Says that labels without a prompt are no longer to be listed, as one step of undo.
   *
   * @throws DiscernError as `label`.
   */
  async forget(file: PromptFile, ids: readonly string[]): Promise<void> {
    await file.labels.forget(this.author, ids);
    this.change.fire({ file });
  }

  /**
   * Names prompts as the members of a pair, as one step of undo.
   *
   * @throws DiscernError as `label`.
   */
  async pair(file: PromptFile, ids: readonly string[], pair: string | null): Promise<void> {
    this.tell(file, await file.labels.pair(this.author, ids, pair));
  }

  /** Undoes or redoes this person's last step in a file, and says which prompts it concerned. */
  async step(file: PromptFile, direction: "undo" | "redo"): Promise<ReadonlySet<string>> {
    const changed = (await file.labels[direction](this.author)) ?? new Set<string>();
    this.tell(file, changed);
    return changed;
  }

  /**
   * What undoes the step that this person just made in a file, and no step that was made since.
   *
   * @returns undoes it, and says which prompts that concerned: null where another step was made since and still holds
   */
  undoing(file: PromptFile): () => Promise<ReadonlySet<string> | null> {
    const by = this.author;
    const that = file.labels.history(by).lastDone;
    return async () => {
      const changed = await file.labels.undo(by, that);
      this.tell(file, changed ?? new Set());
      return changed;
    };
  }

  /** Reads what other windows appended to the label logs. */
  async readLabels(): Promise<void> {
    for (const file of this.byUri.values()) await this.readLog(file);
  }

  private tell(file: PromptFile, ids: ReadonlySet<string>): void {
    if (ids.size > 0) this.change.fire({ file, ids });
  }

  /** Tells when a reading begins and how it ends. */
  private async following(file: PromptFile, reading: Promise<void>): Promise<void> {
    this.change.fire({ file });
    try {
      await reading;
    } finally {
      this.change.fire({ file });
    }
  }

  private discoverAgain(): Promise<void> {
    // One after another: of two that overlap, the older could have the last word.
    this.discovery = this.discovering(this.discovery ?? Promise.resolve());
    return this.discovery;
  }

  private discovering(after: Promise<void>): Promise<void> {
    const listing = after.then(() => this.discover());
    this.listing.fire(listing);
    return listing;
  }

  private async discover(): Promise<void> {
    const found = await findInWorkspace();
    const gone = new Set(this.byUri.keys());
    for (const { path, state, size, reason } of found) {
      const uri = vscode.Uri.file(path);
      const key = uri.toString();
      gone.delete(key);
      const known = this.byUri.get(key);
      const waits = known && ["unread", "unclear", "large", "empty"].includes(known.state);
      if (known && (!waits || (known.state === state && known.failure === reason))) continue;
      const file = new PromptFile(uri, shownPath(uri), state, reason);
      this.byUri.set(key, file);
      if (state === "large") this.large.fire({ file, bytes: size });
    }
    for (const key of gone) if (!this.guests.has(key)) this.byUri.delete(key);
    this.sort();
    // Labels of all files are known from the start, so that what was done last can be undone after a restart.
    await this.readLabels();
  }

  private async listChanged(): Promise<void> {
    if (this.discovery) await this.discoverAgain();
  }

  private async fileChanged(uri: vscode.Uri): Promise<void> {
    const file = this.file(uri);
    if (file) {
      if (["ready", "reading", "failed", "empty"].includes(file.state)) await this.readQuietly(file);
      else if (file.state !== "unread") await this.listChanged();
      else if (this.examined.delete(file)) await this.examine();
      return;
    }
    // A file that held no prompts may hold some now, but only while its head still grows; runs write all the time.
    const folder = vscode.workspace.getWorkspaceFolder(uri);
    if (!folder || isInRunsFolder(uri.fsPath, rulesOf(folder))) return;
    if (((await sizeOf(uri.fsPath)) ?? 0) < SMALL) await this.listChanged();
  }

  private async layoutChanged(uri: vscode.Uri): Promise<void> {
    const file = this.file(uri);
    if (!file) return;
    const layout = await readLayout(uri.fsPath).catch(() => undefined);
    // What this window wrote it has read.
    if (layout && isDeepStrictEqual(layout, file.layout)) return;
    if (["ready", "reading", "failed", "empty", "unclear"].includes(file.state)) await this.readQuietly(file);
  }

  private async logChanged(uri: vscode.Uri): Promise<void> {
    const file = this.file(uri);
    if (file) await this.readLog(file);
    // A log without a file came or went.
    else if (this.discovery) this.change.fire(undefined);
  }

  private async readLog(file: PromptFile): Promise<void> {
    try {
      this.tell(file, await file.labels.read());
    } catch (error) {
      log.warn(`${file.path}: ${(error as Error).message}`);
    }
  }

  /** Reads a file that nobody is waiting for: its state says what went wrong. */
  private async readQuietly(file: PromptFile): Promise<void> {
    try {
      await this.following(file, file.readAgain(readOptions(file.uri)));
    } catch (error) {
      log.warn(`${file.path}: ${(error as Error).message}`);
    }
  }

  private admit(uri: vscode.Uri): PromptFile {
    const file = new PromptFile(uri, shownPath(uri));
    this.guests.add(uri.toString());
    if (!vscode.workspace.getWorkspaceFolder(uri)) this.store.add(watchOutside(uri, this.events));
    this.byUri.set(uri.toString(), file);
    this.sort();
    return file;
  }

  private sort(): void {
    // Files that give no prompts stand below those that do.
    const last = ({ state }: PromptFile) => Number(state === "empty");
    this.sorted = [...this.byUri.values()].sort((a, b) => last(a) - last(b) || a.path.localeCompare(b.path));
    this.change.fire(undefined);
  }
}

function readOptions(uri: vscode.Uri, options: ReadOptions = {}): ReadOptions {
  const prompt = columnOf(uri);
  return prompt === undefined ? options : { ...options, columns: { prompt } };
}
