import * as vscode from "vscode";
import { withDecision } from "../../dataset/labels.ts";
import { NearestIndex } from "../../dataset/nearest.ts";
import type { PromptRecord } from "../../dataset/record.ts";
import type { Label } from "../../protocol/label.ts";
import { cellFolder, readPlan } from "../../runFolder/comparison.ts";
import { setting } from "../contributions.ts";
import { log } from "../log.ts";
import type { PromptLibrary } from "../prompts/library.ts";
import type { Run } from "../runs/library.ts";
import type { Answers } from "./answers.ts";
import { markedFiles } from "./documents.ts";
import { type HoverSubject, hoverCommands, hoverText } from "./hoverText.ts";
import { type Mark, markAt, type SheetText } from "./match.ts";
import type { Sheets } from "./sheets.ts";
import { Trails } from "./trails.ts";

/** What is known of the prompt under the pointer: the methods' answers, the probability's way, and the nearest opposite. */
export class MarkHover implements vscode.HoverProvider {
  private readonly sheets: Sheets;
  private readonly prompts: PromptLibrary;
  private readonly starter: string;
  /** By the answers that are shown: those of a run that continues are new objects, and it is read anew. */
  private readonly trails = new WeakMap<Answers, Promise<Trails | null>>();
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
    const { run, answers } = sheet.shown;
    const [trails, nearest] = await Promise.all([
      this.trailsOf(run, answers),
      this.nearest(document.uri, sheet.text, mark),
    ]);
    const text = hoverText({
      mark,
      run: run.folder.toString(),
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

  private trailsOf(run: Run, answers: Answers): Promise<Trails | null> {
    const trails =
      this.trails.get(answers) ??
      this.readTrails(run, answers).catch((error: Error) => {
        // Panels may be moved or a log removed; the ends of the trail are in the report.
        log.info(`${run.label}: its monitored prompts cannot be read. ${error.message}`);
        return null;
      });
    this.trails.set(answers, trails);
    return trails;
  }

  /** The trails of the run that made the marked answers: of a comparison, one of its cells. */
  private async readTrails(run: Run, { shown }: Answers): Promise<Trails | null> {
    const folder = run.folder.fsPath;
    if (run.cells === undefined) return Trails.read(folder, this.starter);
    const marked = shown.at(-1);
    const { cells } = await readPlan(folder);
    const cell = cells.find(({ method, seed }) => method === marked?.method && seed === marked.seed);
    return cell === undefined ? null : Trails.read(cellFolder(folder, cell), this.starter);
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
