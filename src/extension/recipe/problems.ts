import { basename, dirname } from "node:path";
import * as vscode from "vscode";
import { resolveSource } from "../../dataset/select.ts";
import type { PlacedProblem } from "../../recipe/check.ts";
import { problemText } from "../../recipe/problem.ts";
import type { SuiteToFetch } from "../../suites/locate.ts";
import type { CommandId } from "../contributionTypes.ts";
import { type CheckedFiles, checkedSuffixes } from "./checkedFiles.ts";

const severities: Readonly<Record<PlacedProblem["severity"], vscode.DiagnosticSeverity>> = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  information: vscode.DiagnosticSeverity.Information,
};

/** A diagnostic that knows the problem it was made from, for its quick fixes. */
class RecipeDiagnostic extends vscode.Diagnostic {
  readonly problem: PlacedProblem;

  constructor(document: vscode.TextDocument, problem: PlacedProblem) {
    const range = new vscode.Range(
      document.positionAt(problem.offset),
      // A key that holds a whole object is marked on its first line only.
      document.positionAt(problem.offset + problem.length),
    );
    const { start } = range;
    const shown = range.isSingleLine ? range : document.lineAt(start.line).range.with({ start });
    super(shown, problemText(problem), severities[problem.severity]);
    this.problem = problem;
    this.source = "Discern";
    this.code = problem.about;
  }
}

/** The problems of open recipes, comparisons and benchmarks, on their keys, with what fixes them. */
export function showProblems(recipes: CheckedFiles): vscode.Disposable {
  const collection = vscode.languages.createDiagnosticCollection("discern.recipe");
  const selector: vscode.DocumentSelector = { scheme: "file", pattern: `**/*{${checkedSuffixes.join(",")}}` };
  return vscode.Disposable.from(
    collection,
    recipes.onDidCheck(({ document, found }) => {
      collection.set(
        document.uri,
        found.problems.map((problem) => new RecipeDiagnostic(document, problem)),
      );
    }),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => collection.delete(uri)),
    vscode.languages.registerCodeActionsProvider(
      selector,
      {
        provideCodeActions: (document, range) =>
          (collection.get(document.uri) ?? []).flatMap((diagnostic) =>
            diagnostic instanceof RecipeDiagnostic && diagnostic.range.intersection(range)
              ? fixes(document, diagnostic)
              : [],
          ),
      },
      { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] },
    ),
  );
}

function fixes(document: vscode.TextDocument, diagnostic: RecipeDiagnostic): vscode.CodeAction[] {
  const { about, file, fetch, fix: change } = diagnostic.problem;
  if (change !== undefined) {
    const action = new vscode.CodeAction(`Change to ${change.text}`, vscode.CodeActionKind.QuickFix);
    const range = new vscode.Range(
      document.positionAt(change.offset),
      document.positionAt(change.offset + change.length),
    );
    action.edit = new vscode.WorkspaceEdit();
    action.edit.replace(document.uri, range, change.text);
    action.diagnostics = [diagnostic];
    action.isPreferred = true;
    return [action];
  }
  const fix = (title: string, command: CommandId, ...args: unknown[]) => {
    const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
    action.command = { title, command, arguments: args };
    action.diagnostics = [diagnostic];
    action.isPreferred = true;
    return action;
  };
  const root = dirname(document.uri.fsPath);
  if (fetch !== undefined) {
    const suite: SuiteToFetch = { reference: fetch, root };
    return [fix(`Fetch ${basename(fetch)}`, "discern.suites.fetch", suite)];
  }
  if (about === "model-missing") return [fix("Pull a model", "discern.models.pull")];
  if ((about === "group-too-small" || about === "dataset-empty") && !file?.startsWith("starter:")) {
    const title = "Label prompts";
    const path = file && vscode.Uri.file(resolveSource(file, { root }));
    return [path ? fix(title, "discern.labelling.open", path) : fix(title, "discern.labelling.open")];
  }
  if (about === "column-missing" && file && !file.startsWith("starter:")) {
    const path = vscode.Uri.file(resolveSource(file, { root }));
    const action = new vscode.CodeAction("Open the file", vscode.CodeActionKind.QuickFix);
    action.command = { title: action.title, command: "vscode.open", arguments: [path] };
    action.diagnostics = [diagnostic];
    return [action];
  }
  return [];
}
