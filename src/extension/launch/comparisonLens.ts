import * as vscode from "vscode";
import { comparisonSuffix } from "../../protocol/comparison.ts";
import type { CommandId } from "../contributionTypes.ts";

const run: CommandId = "discern.run.start";

/** Above the first line of a comparison file: what runs it. */
export function comparisonLens(): vscode.Disposable {
  return vscode.languages.registerCodeLensProvider(
    { scheme: "file", pattern: `**/*${comparisonSuffix}` },
    {
      provideCodeLenses({ uri }) {
        if (!vscode.workspace.isTrusted) return [];
        return [
          new vscode.CodeLens(new vscode.Range(0, 0, 0, 0), {
            title: "$(play) Run comparison",
            command: run,
            tooltip: "Every method with every seed and change, one run after the other; then one report",
            arguments: [uri],
          }),
        ];
      },
    },
  );
}
