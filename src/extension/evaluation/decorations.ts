import * as vscode from "vscode";
import { setting } from "../contributions.ts";
import { DisposableStore } from "../disposableStore.ts";
import type { Mark } from "./match.ts";
import type { Sheets } from "./sheets.ts";
import { lineWords } from "./words.ts";

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

/** The marks at prompts: an icon in the gutter, a text behind the line, and failures in the overview ruler. */
export class MarkDecorations implements vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly sheets: Sheets;
  private readonly gutters: Record<Look, vscode.TextEditorDecorationType>;
  private readonly text: vscode.TextEditorDecorationType;

  constructor(extension: vscode.Uri, sheets: Sheets) {
    this.sheets = sheets;
    const gutters = looks.map((look) => [look, this.store.add(gutterOf(extension, look))] as const);
    this.gutters = Object.fromEntries(gutters) as Record<Look, vscode.TextEditorDecorationType>;
    this.text = this.store.add(
      vscode.window.createTextEditorDecorationType({
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
      ranges[lookOf(mark)]!.push(new vscode.Range(mark.line - 1, 0, mark.line - 1, 0));
    }
    for (const look of looks) editor.setDecorations(this.gutters[look], ranges[look]!);
    this.drawTexts(editor);
  }

  /** Every text is a style of its own to the editor, so only lines near those in sight have one. */
  private drawTexts(editor: vscode.TextEditor): void {
    const near = (line: number) =>
      editor.visibleRanges.some(({ start, end }) => line >= start.line - AROUND && line <= end.line + AROUND);
    const { document } = editor;
    const texts = this.marks(editor)
      .filter(({ line }) => near(line - 1))
      .map((mark): vscode.DecorationOptions => {
        const { end } = document.lineAt(mark.line - 1).range;
        const color = new vscode.ThemeColor(textColours[lookOf(mark)] ?? "descriptionForeground");
        const contentText = lineWords(mark);
        return {
          range: new vscode.Range(end, end),
          renderOptions: { after: { contentText, color, margin: "0 0 0 3ch", fontStyle: "normal" } },
        };
      });
    editor.setDecorations(this.text, texts);
  }
}

function lookOf(mark: Mark): Look {
  if (mark.excluded) return "excluded";
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
