import * as vscode from "vscode";
import { recipeSuffix } from "../../protocol/recipe.ts";
import { plannedSuffixes } from "../../recipe/checkPlanned.ts";
import { type Suggestion, type TypedValue, valueAt } from "./valueAt.ts";

/** What is offered at a value of a file; nothing where it names nothing that is known. */
type Offered = (
  document: vscode.TextDocument,
  typed: TypedValue,
) => readonly Suggestion[] | Promise<readonly Suggestion[]>;

/** Completes values of recipes, and of files that describe several runs of one. */
export function registerValueCompletion(offered: Offered): vscode.Disposable {
  const pattern = `**/*{${[recipeSuffix, ...plannedSuffixes].join(",")}}`;
  return vscode.languages.registerCompletionItemProvider(
    { scheme: "file", pattern },
    {
      async provideCompletionItems(document, position) {
        const typed = valueAt(document.getText(), document.offsetAt(position));
        if (typed === null) return [];
        const range = new vscode.Range(
          document.positionAt(typed.offset),
          document.positionAt(typed.offset + typed.length),
        );
        return (await offered(document, typed)).map(({ name, description }) => {
          const text = JSON.stringify(name);
          const item = new vscode.CompletionItem(
            { label: text, description },
            vscode.CompletionItemKind.Value,
          );
          item.range = range;
          item.filterText = text;
          return item;
        });
      },
    },
    '"',
  );
}
