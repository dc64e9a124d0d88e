import * as vscode from "vscode";
import { DisposableStore } from "../disposableStore.ts";
import type { Finding } from "./findings.ts";
import { findingWords } from "./fixes.ts";
import type { Sheets } from "./sheets.ts";

/** What is wrong in prompt files, in the Problems view. */
export class FindingDiagnostics implements vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly collection = this.store.add(vscode.languages.createDiagnosticCollection("discern"));

  constructor(sheets: Sheets) {
    this.store.add(
      sheets.onDidChange((uri) => {
        const document = vscode.workspace.textDocuments.find((one) => one.uri.toString() === uri.toString());
        const sheet = document && sheets.of(document);
        if (sheet)
          this.collection.set(
            uri,
            sheet.findings.map((finding) => diagnosticOf(finding, document)),
          );
        else this.collection.delete(uri);
      }),
    );
  }

  dispose(): void {
    this.store.dispose();
  }
}

/**
 * Faults of the labels are warnings, for they can be mended here and spoil what is trained from them. Failures of the model
 * are information: nothing is wrong with the file.
 */
function diagnosticOf(finding: Finding, document: vscode.TextDocument): vscode.Diagnostic {
  const isOfLabels = finding.code === "disputed" || finding.code === "opposite-duplicate";
  const diagnostic = new vscode.Diagnostic(
    rangeOf(finding.record, document),
    findingWords(finding),
    isOfLabels ? vscode.DiagnosticSeverity.Warning : vscode.DiagnosticSeverity.Information,
  );
  diagnostic.source = "Discern";
  diagnostic.code = finding.code;
  if (finding.code === "opposite-duplicate") {
    const { other } = finding;
    const location = new vscode.Location(document.uri, rangeOf(other, document));
    diagnostic.relatedInformation = [new vscode.DiagnosticRelatedInformation(location, other.prompt)];
  }
  return diagnostic;
}

/** The prompt's first word where it stands in its line as it is: a line of waves under every failure would be unreadable. */
function rangeOf({ line, prompt }: Finding["record"], document: vscode.TextDocument): vscode.Range {
  const { text } = document.lineAt(line - 1);
  const [opening] = /^[^\n"\\]{1,24}/.exec(prompt) ?? [];
  const start = Math.max(0, opening === undefined ? 0 : text.indexOf(opening));
  const [word] = /^[\p{L}\p{N}]+|^./u.exec(text.slice(start)) ?? [""];
  return new vscode.Range(line - 1, start, line - 1, start + word.length);
}
