import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import * as vscode from "vscode";
import { shortened } from "../../dataset/notices.ts";
import { rowLines } from "../../dataset/rowLines.ts";
import type { Problem } from "../../dataset/sink.ts";
import { decodeText } from "../../storage/text.ts";
import { DisposableStore } from "../disposableStore.ts";
import type { PromptChange, PromptLibrary } from "./library.ts";
import type { PromptFile } from "./promptFile.ts";

/** Problems shown of one file: who has more sees from these what is wrong. */
const MOST = 1000;

/** Shows the broken lines of prompt files and label logs in the Problems view. */
export class PromptProblems implements vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly library: PromptLibrary;
  private readonly collection = this.store.add(
    vscode.languages.createDiagnosticCollection("discern-prompts"),
  );
  /** Files with problems shown, by the address of the prompt file. */
  private readonly shown = new Map<string, PromptFile>();

  constructor(library: PromptLibrary) {
    this.library = library;
    this.store.add(library.onDidChange((change) => void this.follow(change)));
  }

  dispose(): void {
    this.store.dispose();
  }

  private async follow(change: PromptChange): Promise<void> {
    if (change === undefined) {
      for (const [key, file] of this.shown) {
        if (this.library.file(file.uri) !== file) this.forget(key, file);
      }
      return;
    }
    const { file, ids } = change;
    if (file.state === "reading") return;
    // A decision may settle what the file's own label leaves open.
    if (!ids || file.records.some(({ labelText }) => labelText !== undefined)) await this.showRows(file);
    this.collection.set(
      vscode.Uri.file(file.labels.path),
      file.labels.problems.slice(0, MOST).map(({ line, message }) => diagnostic(line, message)),
    );
  }

  private forget(key: string, file: PromptFile): void {
    this.shown.delete(key);
    this.collection.delete(file.uri);
    this.collection.delete(vscode.Uri.file(file.labels.path));
  }

  private async showRows(file: PromptFile): Promise<void> {
    this.shown.set(file.uri.toString(), file);
    const problems = [...file.problems, ...file.unpaired, ...unknownLabels(file)]
      .sort((a, b) => a.line - b.line)
      .slice(0, MOST);
    const lines = await linesOf(file, problems);
    this.collection.set(
      file.uri,
      problems.map(({ message }, i) => diagnostic(lines[i]!, message)),
    );
  }
}

/** Prompts whose label in the file means none, and on which nobody decided. */
function unknownLabels(file: PromptFile): Problem[] {
  return file.records.flatMap((record) => {
    const decision = file.decisionOf(record.id)?.label;
    // Who skips a prompt leaves it to the file's label.
    if (record.labelText === undefined || (decision !== undefined && decision !== "skip")) return [];
    const message = `The label ${shortened(record.labelText)} is unknown and is ignored. Labels are toxic, seemingly_toxic and general.`;
    return { line: record.line, message };
  });
}

/** 1-based lines of problems; a .json file counts rows, and a Parquet file has no lines. */
async function linesOf(file: PromptFile, problems: readonly Problem[]): Promise<number[]> {
  const ending = extname(file.uri.path).toLowerCase();
  if (ending === ".parquet") return problems.map(() => 1);
  if (ending !== ".json" || problems.length === 0) return problems.map(({ line }) => line);
  // The file may have gone since; its problems then go with it.
  const text = await readFile(file.uri.fsPath).then(
    (bytes) => decodeText(bytes),
    () => "",
  );
  const lines = rowLines(text);
  return problems.map(({ line }) => lines[line - 1] ?? 1);
}

function diagnostic(line: number, message: string): vscode.Diagnostic {
  const range = new vscode.Range(line - 1, 0, line - 1, Number.MAX_SAFE_INTEGER);
  const found = new vscode.Diagnostic(range, message, vscode.DiagnosticSeverity.Warning);
  found.source = "Discern";
  return found;
}
