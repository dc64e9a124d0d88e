import * as vscode from "vscode";
import {
  type DashboardFromPage,
  type DashboardToPage,
  dashboardFromPage,
  type RunCommand,
  type ShownRun,
} from "../../protocol/webview/dashboard.ts";
import { laboratoryMentions } from "../../runFolder/laboratoryMentions.ts";
import { onSettingChange, runCommand, setting } from "../contributions.ts";
import type { CommandId } from "../contributionTypes.ts";
import type { Engine } from "../engine/engine.ts";
import { wordError } from "../errors.ts";
import { answerRunResults } from "../laboratory/requests.ts";
import { watchResults } from "../laboratory/watchResults.ts";
import { openPage, type Page, tabIcon } from "../page/page.ts";
import { saveFromPage } from "../page/save.ts";
import { revealPrompt } from "../prompts/reveal.ts";
import type { RunLibrary } from "../runs/library.ts";
import { pickRun } from "../runs/pick.ts";
import { type CellsOf, type Contents, withBegun, without } from "./contents.ts";
import { type Panels, panelTexts, readPanels } from "./panelPrompts.ts";
import { methodOf } from "./runMethod.ts";
import { watchRun } from "./runWatch.ts";

const commands: Record<RunCommand, CommandId> = {
  stop: "discern.runs.stop",
  stopAndKeepBest: "discern.runs.stopAndKeepBest",
  resume: "discern.runs.resume",
  runAgain: "discern.run.again",
  openReport: "discern.runs.openReport",
  openLog: "discern.runs.openLog",
};

/** What a dashboard needs of the workbench. */
export interface DashboardParts {
  readonly engine: Engine;
  readonly library: RunLibrary;
}

/** What a dashboard needs of those who open it. */
interface PanelParts extends DashboardParts {
  readonly cellsOf: CellsOf;
  /** Remembers what is shown. */
  readonly keep: (contents: Contents) => void;
}

/** One dashboard: the runs it shows, followed for as long as its page is there to see them. */
export class DashboardPanel implements vscode.Disposable {
  readonly panel: vscode.WebviewPanel;
  private readonly extensionUri: vscode.Uri;
  private readonly parts: PanelParts;
  private readonly page: Page<DashboardToPage> & vscode.Disposable;
  private readonly watched = new Map<string, AbortController>();
  private readonly panels = new Map<string, Promise<Panels>>();
  private shown: Contents;
  /** The names that the tab and the page were told last. */
  private named = "";

  /** @param panel an empty webview panel, new or restored by the editor. */
  constructor(
    panel: vscode.WebviewPanel,
    { extensionUri }: Pick<vscode.ExtensionContext, "extensionUri">,
    parts: PanelParts,
    contents: Contents,
  ) {
    this.panel = panel;
    this.extensionUri = extensionUri;
    this.parts = parts;
    this.shown = withBegun(contents, parts.cellsOf);
    panel.iconPath = tabIcon(extensionUri, "graph-line");
    this.page = openPage(panel, extensionUri, {
      name: "dashboard",
      title: "Dashboard",
      from: dashboardFromPage,
      onMessage: (message) => this.take(message),
      onReady: () => this.tellAnew(),
    });
    panel.onDidChangeViewState(() => {
      // A page that is hidden is taken down by the editor; it says that it is ready when it is there again.
      if (!panel.visible) this.stopWatching();
    });
    const settings = onSettingChange(["discern.labelling.blur"], () => this.tellSettings());
    const runs = parts.library.onDidChange(() => this.followRuns());
    panel.onDidDispose(() => {
      settings.dispose();
      runs.dispose();
      this.dispose();
    });
    this.name();
  }

  /** What is shown. */
  get contents(): Contents {
    return this.shown;
  }

  dispose(): void {
    this.stopWatching();
    this.page.dispose();
  }

  private name(): void {
    this.parts.keep(this.shown);
    const names = this.names();
    this.named = names.join("\n");
    this.panel.title = `Dashboard: ${names.join(", ") || "no run"}`;
  }

  private names(): string[] {
    const { runs, follows } = this.shown;
    return (runs.length > 0 ? runs : follows).map((folder) => this.parts.library.nameOf(folder));
  }

  private stopWatching(): void {
    for (const watching of this.watched.values()) watching.abort();
    this.watched.clear();
    this.panels.clear();
  }

  private tellAnew(): Promise<void> {
    this.stopWatching();
    this.tellSettings();
    return this.tellRuns();
  }

  private tellSettings(): void {
    this.page.post({ type: "settings", blur: setting("discern.labelling.blur") });
  }

  /** Tells the page which runs there are, and begins or ends following them. */
  private async tellRuns(): Promise<void> {
    this.name();
    // A page that is hidden is told everything when it is there again, and nobody follows its runs until then.
    if (!this.panel.visible) return;
    const shown = this.shown;
    const runs = await Promise.all(
      shown.runs.map(async (folder): Promise<ShownRun> => {
        const method = await methodOf(folder.fsPath);
        const label = this.parts.library.nameOf(folder);
        return { id: folder.toString(), label, ...(method !== null && { method }) };
      }),
    );
    // Others may have been chosen while plans were read, or the page was hidden.
    if (shown !== this.shown || !this.panel.visible) return;
    const kept = { follows: shown.follows.map(String), removed: shown.removed.map(String) };
    this.page.post({ type: "runs", runs, kept });
    const ids = new Set(runs.map(({ id }) => id));
    for (const [id, watching] of this.watched) {
      if (ids.has(id)) continue;
      watching.abort();
      this.watched.delete(id);
    }
    for (const folder of shown.runs) if (!this.watched.has(folder.toString())) this.watch(folder);
  }

  private watch(folder: vscode.Uri): void {
    const run = folder.toString();
    const watching = new AbortController();
    this.watched.set(run, watching);
    void watchRun(
      folder.fsPath,
      (batch) => this.page.post({ type: "events", run, ...batch }),
      watching.signal,
      () => this.parts.library.run(folder)?.stopping ?? null,
    );
    const tellResults = async () => {
      const mentions = (await laboratoryMentions(folder.fsPath)) ?? [];
      if (!watching.signal.aborted) this.page.post({ type: "results", run, mentions });
    };
    const results = watchResults(folder, tellResults);
    watching.signal.addEventListener("abort", () => results.dispose());
    void tellResults();
  }

  private async take(message: DashboardFromPage): Promise<void> {
    if (message.type === "add-run") return this.add();
    if (message.type === "save") return saveFromPage(message, this.saveFolder());
    const folder = this.shown.runs.find((one) => one.toString() === message.run);
    // The page may still speak of a run that was just taken from it.
    if (!folder) return;
    switch (message.type) {
      case "laboratory":
        return answerRunResults(this.parts.engine, folder, message.ask, (shown) =>
          this.page.post({ type: "result", run: message.run, shown }),
        );
      case "remove-run":
        this.shown = without(this.shown, folder);
        return this.tellRuns();
      case "command":
        await runCommand(commands[message.command], folder);
        return;
      case "prompts":
        return this.tellPrompts(folder);
      case "open-prompt": {
        const prompt = (await this.panelsOf(folder))[message.panel][message.index];
        if (prompt) await revealPrompt(vscode.Uri.file(prompt.path), prompt);
      }
    }
  }

  /** Adds runs that have begun, and follows names that people give. */
  private followRuns(): void {
    const shown = withBegun(this.shown, this.parts.cellsOf);
    const named = this.names().join("\n");
    if (shown === this.shown && named === this.named) return;
    this.shown = shown;
    void this.tellRuns();
  }

  private async add(): Promise<void> {
    const shown = new Set(this.shown.runs.map(String));
    const picked = await pickRun(this.parts.library, {
      filter: ({ folder }) => !shown.has(folder.toString()),
      placeholder: "Runs to add",
      many: true,
    });
    if (!picked?.length) return;
    const { runs, removed, ...others } = this.shown;
    const added = picked.map(({ folder }) => folder);
    const isBack = new Set(added.map(String));
    this.shown = {
      ...others,
      runs: [...runs, ...added],
      removed: removed.filter((folder) => !isBack.has(folder.toString())),
    };
    await this.tellRuns();
  }

  private async tellPrompts(folder: vscode.Uri): Promise<void> {
    const run = folder.toString();
    try {
      this.page.post({ type: "prompts", run, prompts: panelTexts(await this.panelsOf(folder)) });
    } catch (error) {
      this.page.post({ type: "prompts-missing", run, reason: wordError(error) });
    }
  }

  /** The panels of a run, read once while the page is there. A failure is not remembered: a file may come back. */
  private panelsOf(folder: vscode.Uri): Promise<Panels> {
    const run = folder.toString();
    const starter = vscode.Uri.joinPath(this.extensionUri, "datasets", "starter").fsPath;
    const reading = this.panels.get(run) ?? readPanels(folder.fsPath, starter);
    this.panels.set(run, reading);
    reading.catch(() => this.panels.delete(run));
    return reading;
  }

  /** Pictures are proposed beside the run they are of, but not inside of its folder, which is Discern's own. */
  private saveFolder(): vscode.Uri {
    const workspace = vscode.workspace.workspaceFolders?.[0]?.uri;
    return workspace ?? vscode.Uri.joinPath(this.shown.runs[0] ?? this.extensionUri, "..");
  }
}
