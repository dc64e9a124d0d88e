import { basename } from "node:path";
import type * as vscode from "vscode";
import {
  type LabellingFromPage,
  type LabellingToPage,
  type LabellingView,
  labellingFromPageSchema,
} from "../../protocol/webview/labelling.ts";
import { onSettingChange, runCommand, setting } from "../contributions.ts";
import { DisposableStore } from "../disposableStore.ts";
import { wordError } from "../errors.ts";
import type { ShownRuns } from "../evaluation/shownRuns.ts";
import { openPage, type Page, tabIcon } from "../page/page.ts";
import { confirmLabel } from "../prompts/labelCommands.ts";
import type { PromptFile, PromptLibrary } from "../prompts/library.ts";
import { revealPrompt } from "../prompts/reveal.ts";
import { exportAgreement } from "./labelCommands.ts";
import { resultsOf } from "./runResults.ts";
import { SECOND_PASS, SecondPass } from "./secondPass.ts";
import { LabellingSession } from "./session.ts";

/** What panels share. */
export interface PanelParts {
  readonly extensionUri: vscode.Uri;
  readonly library: PromptLibrary;
  readonly shown: ShownRuns;
}

/** What a panel shows: a prompt file, or so many of its prompts to be labelled again without seeing labels. */
export interface PanelSubject {
  readonly uri: vscode.Uri;
  readonly secondPass?: number;
}

/** One labelling panel: a prompt file's session in a webview. */
export class LabellingPanel {
  private readonly parts: PanelParts;
  private readonly uri: vscode.Uri;
  private readonly secondPass: number | undefined;
  private readonly panel: vscode.WebviewPanel;
  private readonly page: Page<LabellingToPage>;
  private readonly session: LabellingSession;
  private shown: PromptFile["records"] | undefined;
  /** Counts requests for the run, so that of two that overlap the later one holds. */
  private runsAsked = 0;
  private begin: string | LabellingView | undefined;

  /** @param begin id of the prompt, or the view, to begin with */
  constructor(
    parts: PanelParts,
    { uri, secondPass }: PanelSubject,
    panel: vscode.WebviewPanel,
    begin: string | LabellingView | undefined,
  ) {
    this.parts = parts;
    this.uri = uri;
    this.secondPass = secondPass;
    this.panel = panel;
    this.begin = begin;
    panel.title = `${secondPass === undefined ? "Label" : "Second Pass:"} ${basename(uri.path)}`;
    panel.iconPath = tabIcon(parts.extensionUri, "tag");
    const page = openPage<LabellingToPage, typeof labellingFromPageSchema>(panel, parts.extensionUri, {
      name: "labelling",
      title: panel.title,
      from: labellingFromPageSchema,
      onMessage: (message) => this.session.receive(message),
      onReady: () => this.ready(),
    });
    this.page = page;
    this.session = new LabellingSession({
      post: (message) => this.page.post(message),
      confirm: confirmLabel,
      label: async (ids, label, note) =>
        parts.library.label(await this.file(), ids, label, note, secondPass && SECOND_PASS),
      pair: async (ids, pair) => parts.library.pair(await this.file(), ids, pair),
      do: (what) => this.do(what),
      step: async (step) => parts.library.step(await this.file(), step),
      reveal: (record) => revealPrompt(uri, record),
      chooseFile: async () => void (await runCommand("discern.labelling.open")),
      wordError,
    });
    const shown = new DisposableStore();
    shown.add(page);
    shown.add(
      parts.library.onDidChange((change) => {
        if (change?.file.uri.toString() !== uri.toString()) return;
        if (change.ids) this.session.changed(change.ids);
        else this.showFile(change.file);
      }),
    );
    shown.add(parts.shown.onDidChangeRuns(() => void this.showRun()));
    shown.add(
      onSettingChange(["discern.labelling.blur", "discern.labelling.guidelines"], () => this.tellSettings()),
    );
    panel.onDidDispose(() => shown.dispose());
  }

  /** Brings the panel to the front, and to a prompt or a view. */
  show(begin: string | LabellingView | undefined): void {
    // A page that was hidden is made anew, and told where to begin once it is there, as is one that has no file yet.
    if (!this.panel.visible || this.shown === undefined) this.begin = begin;
    this.panel.reveal();
    if (typeof begin === "string") this.session.go(begin);
    else if (begin) this.page.post({ type: "view", view: begin });
  }

  /** The page is there, for the first time or again after it was hidden: it is told everything. */
  private async ready(): Promise<void> {
    this.tellSettings();
    this.session.showRun(null);
    this.shown = undefined;
    try {
      this.showFile(await this.file());
    } catch (error) {
      this.page.post({ type: "unreadable", message: wordError(error) });
    }
  }

  /** Shows what the run did whose marks the file shows; not in a second pass, since that is a hint of the label. */
  private async showRun(): Promise<void> {
    if (this.secondPass !== undefined || !this.shown) return;
    const asked = ++this.runsAsked;
    const found = await this.parts.shown.of(this.shown, this.uri);
    if (asked === this.runsAsked) this.session.showRun(found && resultsOf(found.run.label, found.answers));
  }

  private file(): Promise<PromptFile> {
    return this.parts.library.open(this.uri);
  }

  private showFile(file: PromptFile): void {
    if (file.state === "failed") {
      this.page.post({ type: "unreadable", message: file.failure ?? "" });
      return;
    }
    // A file tells when its reading begins, too; its prompts are still the old ones then.
    if (file.state !== "ready" || file.records === this.shown) return;
    this.shown = file.records;
    const { begin } = this;
    const { secondPass, parts } = this;
    const prompts =
      secondPass === undefined
        ? file
        : new SecondPass(file.records, file.labels, parts.library.author, secondPass);
    const blind = secondPass !== undefined;
    const shown = { uri: this.uri.toString(), path: file.path, prompts, blind, secondPass };
    this.session.show(shown, typeof begin === "string" ? begin : undefined);
    if (typeof begin === "object") this.page.post({ type: "view", view: begin });
    this.begin = undefined;
    void this.showRun();
  }

  private async do(what: (LabellingFromPage & { type: "do" })["what"]): Promise<void> {
    const { uri } = this;
    if (what === "exportAgreement") await exportAgreement(await this.file());
    else if (what === "train") await runCommand("discern.run.onPrompts", uri);
    else if (what === "merge") await runCommand("discern.labels.merge", uri);
    else if (what === "secondPass") await runCommand("discern.labels.secondPass", uri);
    else await runCommand("discern.labelling.open", uri, { mode: "agreement" });
  }

  private tellSettings(): void {
    this.page.post({
      type: "settings",
      guidelines: setting("discern.labelling.guidelines", this.uri),
      blur: setting("discern.labelling.blur", this.uri),
    });
  }
}
