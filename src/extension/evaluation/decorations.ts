import * as vscode from "vscode";
import { setting } from "../contributions.ts";
import { DisposableStore } from "../disposableStore.ts";
import type { Mark } from "./match.ts";
import type { Sheets } from "./sheets.ts";
import { badgeLength, badgeWords, lineWords } from "./words.ts";

const looks = ["over-refused", "under-refused", "refused", "complied", "undetermined", "excluded"] as const;
type Look = (typeof looks)[number];

/** Lines around those in sight that have their texts, too, so that a short scroll shows them at once. */
const AROUND = 60;

/** In the overview each kind of failure has its own lane, so that they differ by more than their colours. */
const overview: Partial<Record<Look, { color: string; lane: vscode.OverviewRulerLane }>> = {
  "over-refused": { color: "editorOverviewRuler.warningForeground", lane: vscode.OverviewRulerLane.Left },
  "under-refused": { color: "editorOverviewRuler.errorForeground", lane: vscode.OverviewRulerLane.Right },
};

const textColours: Partial<Record<Look, string>> = {
  "over-refused": "editorWarning.foreground",
  "under-refused": "editorError.foreground",
};

/** Room before a line, in the widths of a digit: the badge and two spaces. */
const BADGE_WIDTH = `${badgeLength + 2}ch`;

/**
 * The marks at prompts: an icon in the gutter, a badge before the line, which is in sight however long the line is, the whole change
 * behind it, and failures in the overview ruler.
 */
export class MarkDecorations implements vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly sheets: Sheets;
  private readonly gutters: Record<Look, vscode.TextEditorDecorationType>;
  private readonly text: vscode.TextEditorDecorationType;
  /** Of lines without a badge, whose texts then begin below those with one. */
  private readonly room: vscode.TextEditorDecorationType;

  constructor(extension: vscode.Uri, sheets: Sheets) {
    this.sheets = sheets;
    const gutters = looks.map((look) => [look, this.store.add(gutterOf(extension, look))] as const);
    this.gutters = Object.fromEntries(gutters) as Record<Look, vscode.TextEditorDecorationType>;
    this.text = this.store.add(
      vscode.window.createTextEditorDecorationType({
        rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
      }),
    );
    this.room = this.store.add(
      vscode.window.createTextEditorDecorationType({
        before: { contentText: "\u00a0", width: BADGE_WIDTH },
        rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
      }),
    );
    this.store.add(
      sheets.onDidChange((uri) => {
        for (const editor of vscode.window.visibleTextEditors) {
          if (editor.document.uri.toString() === uri.toString()) this.draw(editor);
        }
      }),
    );
    this.store.add(
      vscode.window.onDidChangeVisibleTextEditors((editors) => {
        for (const editor of editors) this.draw(editor);
      }),
    );
    this.store.add(
      vscode.window.onDidChangeTextEditorVisibleRanges(({ textEditor }) => this.drawTexts(textEditor)),
    );
  }

  dispose(): void {
    this.store.dispose();
  }

  private marks(editor: vscode.TextEditor): readonly Mark[] {
    if (!setting("discern.evaluation.show")) return [];
    return this.sheets.of(editor.document)?.marks ?? [];
  }

  private draw(editor: vscode.TextEditor): void {
    const ranges = Object.fromEntries(looks.map((look) => [look, [] as vscode.Range[]]));
    for (const mark of this.marks(editor)) {
      const look = lookOf(mark);
      if (look) ranges[look]!.push(new vscode.Range(mark.line - 1, 0, mark.line - 1, 0));
    }
    for (const look of looks) editor.setDecorations(this.gutters[look], ranges[look]!);
    this.drawTexts(editor);
  }

  /** Every text is a style of its own to the editor, so only lines near those in sight have one. */
  private drawTexts(editor: vscode.TextEditor): void {
    const { document, visibleRanges } = editor;
    const near = (line: number) =>
      visibleRanges.some(({ start, end }) => line >= start.line - AROUND && line <= end.line + AROUND);
    const lines = new Map<number, Mark>();
    for (const mark of this.marks(editor)) {
      const { line } = mark;
      if (!near(line - 1) || line > document.lineCount) continue;
      // All prompts of a .json may stand on one line, which has room for one badge: that of its first failure.
      const first = lines.get(line);
      if (!first || (mark.failure && !first.failure)) lines.set(line, mark);
    }
    const without = new Set<number>();
    for (const { start, end } of lines.size > 0 ? visibleRanges : []) {
      const last = Math.min(document.lineCount, end.line + 1 + AROUND);
      for (let line = Math.max(1, start.line + 1 - AROUND); line <= last; line++) {
        if (!lines.has(line)) without.add(line);
      }
    }
    editor.setDecorations(
      this.text,
      [...lines.values()].map((mark) => textsOf(mark, document)),
    );
    editor.setDecorations(
      this.room,
      [...without].map((line) => new vscode.Range(line - 1, 0, line - 1, 0)),
    );
  }
}

function textsOf(mark: Mark, document: vscode.TextDocument): vscode.DecorationOptions {
  const look = lookOf(mark);
  const behind = lineWords(mark);
  const color = new vscode.ThemeColor((look && textColours[look]) ?? "descriptionForeground");
  return {
    range: document.lineAt(mark.line - 1).range,
    renderOptions: {
      before: {
        // Runs of spaces are one space to a page, except those that do not break.
        contentText: badgeWords(mark).replaceAll(" ", "\u00a0"),
        color,
        width: BADGE_WIDTH,
        fontStyle: "normal",
        fontWeight: mark.failure ? "bold" : "normal",
      },
      ...(behind && { after: { contentText: behind, color, margin: "0 0 0 3ch", fontStyle: "normal" } }),
    },
  };
}

/** None where the prompt was scored alone: there is nothing that was done. */
function lookOf(mark: Mark): Look | undefined {
  if (mark.excluded) return "excluded";
  if (mark.marked.scored) return undefined;
  return mark.failure ?? mark.marked.outcome;
}

function gutterOf(extension: vscode.Uri, look: Look): vscode.TextEditorDecorationType {
  const icon = (theme: string) => ({
    gutterIconPath: vscode.Uri.joinPath(extension, "media", "evaluation", `${look}-${theme}.svg`),
  });
  const ruler = overview[look];
  return vscode.window.createTextEditorDecorationType({
    gutterIconSize: "contain",
    light: icon("light"),
    dark: icon("dark"),
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
    ...(ruler && {
      overviewRulerColor: new vscode.ThemeColor(ruler.color),
      overviewRulerLane: ruler.lane,
    }),
  });
}
