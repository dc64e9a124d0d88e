import * as vscode from "vscode";
import { withDecision } from "../../dataset/labels.ts";
import { NearestIndex } from "../../dataset/nearest.ts";
import type { PromptRecord } from "../../dataset/record.ts";
import type { Label } from "../../protocol/label.ts";
import { setting } from "../contributions.ts";
import { log } from "../log.ts";
import type { PromptLibrary } from "../prompts/library.ts";
import type { Run } from "../runs/library.ts";
import { markedFiles } from "./documents.ts";
import { type HoverSubject, hoverCommands, hoverText } from "./hoverText.ts";
import { type Mark, markAt, type SheetText } from "./match.ts";
import type { Sheets } from "./sheets.ts";
import { Trails } from "./trails.ts";

/** What is known of the prompt under the pointer: both answers, the probability's way, and the nearest opposite. */
export class MarkHover implements vscode.HoverProvider {
  private readonly sheets: Sheets;
  private readonly prompts: PromptLibrary;
  private readonly starter: string;
  /** A run that goes on is a new object, and is read anew. */
  private readonly trails = new WeakMap<Run, Promise<Trails | null>>();
  private readonly indices = new WeakMap<SheetText, Promise<NearestIndex>>();

  /** @param starter folder of the starter set, in which panels may lie */
  constructor(sheets: Sheets, prompts: PromptLibrary, starter: string) {
    this.sheets = sheets;
    this.prompts = prompts;
    this.starter = starter;
  }

  register(): vscode.Disposable {
    return vscode.languages.registerHoverProvider(markedFiles, this);
  }

  async provideHover(
    document: vscode.TextDocument,
    position: vscode.Position,
  ): Promise<vscode.Hover | undefined> {
    const sheet = setting("discern.evaluation.show") ? this.sheets.of(document) : undefined;
    const mark = sheet && markAt(sheet.marks, position.line + 1);
    if (!sheet?.shown || !mark) return undefined;
    const { run } = sheet.shown;
    const [trails, nearest] = await Promise.all([
      this.trailsOf(run),
      this.nearest(document.uri, sheet.text, mark),
    ]);
    const text = hoverText({
      mark,
      run: { name: run.name, folder: run.folder.toString() },
      file: document.uri.toString(),
      trail: trails?.of(mark.record.id),
      nearest,
    });
    const markdown = new vscode.MarkdownString(text);
    // Neither HTML nor icons: the answers that are shown are words of a model.
    markdown.isTrusted = { enabledCommands: hoverCommands };
    const end = Math.min(mark.endLine, document.lineCount) - 1;
    return new vscode.Hover(
      markdown,
      new vscode.Range(new vscode.Position(mark.line - 1, 0), document.lineAt(end).range.end),
    );
  }

  private trailsOf(run: Run): Promise<Trails | null> {
    const trails =
      this.trails.get(run) ??
      Trails.read(run.folder.fsPath, this.starter).catch((error: Error) => {
        // Panels may be moved or a log removed; the two ends of the trail are in the report.
        log.info(`${run.label}: its panels cannot be read. ${error.message}`);
        return null;
      });
    this.trails.set(run, trails);
    return trails;
  }

  /** The prompt most like this one that is to be answered the other way. */
  private async nearest(uri: vscode.Uri, text: SheetText, mark: Mark): Promise<HoverSubject["nearest"]> {
    const file = this.prompts.file(uri);
    const labelOf = (record: PromptRecord): Label | undefined =>
      withDecision(record, file?.decisionOf(record.id)).label;
    const index = this.indices.get(text) ?? NearestIndex.build(text.records);
    this.indices.set(text, index);
    const found = (await index).nearest(mark.record, (candidate) => {
      const label = labelOf(candidate);
      return label !== undefined && (label === "toxic") !== mark.unsafe;
    });
    const label = found && labelOf(found.second);
    return found && label && { record: found.second, label };
  }
}
