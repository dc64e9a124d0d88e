import * as vscode from "vscode";
import type { Engine } from "../engine/engine.ts";
import { duringCall } from "../engine/progress.ts";
import { requireTrust } from "../trust.ts";
import type { ReportSession } from "./session.ts";

/**
 * Asks for an earlier report, and has the open one held against it.
 *
 * @returns the earlier report; undefined where the person chose none.
 * @throws as `Engine.call`.
 */
export async function compareWithEarlier(
  engine: Engine,
  report: vscode.Uri,
  session: Pick<ReportSession, "compareWith">,
): Promise<vscode.Uri | undefined> {
  requireTrust();
  const earlier = await pickEarlier(report);
  if (earlier === undefined) return undefined;
  await session.compareWith(earlier.fsPath, (path) =>
    duringCall("Comparing with the earlier report", (options) =>
      engine.call("compareEarlier", { path: report.fsPath, earlier: path }, options),
    ),
  );
  return earlier;
}

async function pickEarlier(report: vscode.Uri): Promise<vscode.Uri | undefined> {
  type Item = vscode.QuickPickItem & { uri?: vscode.Uri };
  const found = await vscode.workspace.findFiles("**/report.json", "**/node_modules/**");
  const others = found.filter((uri) => uri.toString() !== report.toString());
  const dated = await Promise.all(
    others.map(async (uri) => ({ uri, time: (await vscode.workspace.fs.stat(uri)).mtime })),
  );
  const items = dated
    .sort((a, b) => b.time - a.time)
    .map(
      ({ uri, time }): Item => ({
        label: vscode.workspace.asRelativePath(vscode.Uri.joinPath(uri, "..")),
        description: new Date(time).toLocaleString("en"),
        uri,
      }),
    );
  const elsewhere: Item = { label: "$(folder-opened) Another file…" };
  const chosen = await vscode.window.showQuickPick([...items, elsewhere], {
    placeHolder: "Earlier report to compare with",
  });
  if (chosen !== elsewhere) return chosen?.uri;
  const [file] =
    (await vscode.window.showOpenDialog({
      title: "Earlier report",
      openLabel: "Compare",
      filters: { Report: ["json"] },
    })) ?? [];
  return file;
}
