import { basename, dirname, resolve } from "node:path";
import * as vscode from "vscode";
import { resolveSource } from "../../dataset/select.ts";
import type { ProbeResult } from "../../protocol/probe/result.ts";
import type {
  LaboratoryFromPage,
  RunResultsRequest,
  ShownResult,
} from "../../protocol/webview/laboratory.ts";
import { isRun, openRun } from "../../runFolder/folder.ts";
import { mentionedFile } from "../../runFolder/laboratoryMentions.ts";
import { readProbeResult } from "../../runFolder/probeFile.ts";
import { runCommand } from "../contributions.ts";
import type { Engine } from "../engine/engine.ts";
import { wordError } from "../errors.ts";
import { revealPrompt } from "../prompts/reveal.ts";
import { requireTrust } from "../trust.ts";
import { excludePrompts } from "./exclude.ts";
import { measureAfterPlan, openResult } from "./measure.ts";
import { exportData } from "./results.ts";

/** The run that a result lies in the `probes` folder of. */
export function runOfResult(uri: vscode.Uri): string {
  return dirname(dirname(uri.fsPath));
}

/**
 * Does what a page asks about a result that it shows.
 *
 * @throws as `Engine.call`; DiscernError where a file of the run cannot be read.
 */
export async function answerResult(
  engine: Engine,
  uri: vscode.Uri,
  result: ProbeResult,
  message: LaboratoryFromPage,
): Promise<void> {
  switch (message.type) {
    case "openPrompt":
      return openPrompt(uri, message);
    case "exportData":
      return exportData(uri, result, message.table);
    case "exportPage":
      return exportPage(engine, uri);
    case "excludePrompts":
      requireTrust();
      return excludePrompts(runOfResult(uri), message.ids);
    case "measure": {
      requireTrust();
      const file = await measureAfterPlan(engine, result.title, askOf(uri, result, message));
      if (file === undefined) return;
      await openResult(file);
      await runCommand("discern.runs.refresh");
      return;
    }
    case "openResult":
      return openResult(vscode.Uri.joinPath(uri, "..", basename(message.file)));
    case "openAsText":
      await vscode.commands.executeCommand("vscode.openWith", uri, "default");
  }
}

/**
 * Does what a page about a run, or about the runs of a comparison, asks about the results that lie there.
 *
 * @param tell tells the page a result that it asked for.
 * @throws as {@link answerResult}.
 */
export async function answerRunResults(
  engine: Engine,
  folder: vscode.Uri,
  ask: RunResultsRequest,
  tell: (shown: ShownResult) => void,
): Promise<void> {
  if (ask.type === "measure") {
    await runCommand(
      "discern.laboratory.measure",
      (await isRun(folder.fsPath)) ? folder : undefined,
      ask.probe,
    );
    return;
  }
  const { file } = ask;
  // A page asks about results alone, and about those of its own folder.
  const path = mentionedFile(folder.fsPath, file);
  if (path === null) return;
  const uri = vscode.Uri.file(path);
  if (ask.type === "about") return answerResult(engine, uri, await readProbeResult(uri.fsPath), ask.request);
  tell(
    await readProbeResult(uri.fsPath).then(
      (result) => ({ file, result }),
      (error: unknown) => ({ file, problem: wordError(error) }),
    ),
  );
}

async function exportPage(engine: Engine, uri: vscode.Uri): Promise<void> {
  requireTrust();
  const into = await vscode.window.showSaveDialog({
    title: "Export the result to HTML",
    defaultUri: vscode.Uri.file(uri.fsPath.replace(/\.json$/, ".html")),
    filters: { HTML: ["html"] },
  });
  if (into === undefined) return;
  await engine.call("exportProbe", { path: uri.fsPath, into: into.fsPath });
  const open = "Open";
  const chosen = await vscode.window.showInformationMessage(
    `The page is in ${vscode.workspace.asRelativePath(into)}.`,
    open,
  );
  if (chosen === open) await vscode.env.openExternal(into);
}

function askOf(
  uri: vscode.Uri,
  { probe, options, states, seed }: ProbeResult,
  changes: Extract<LaboratoryFromPage, { type: "measure" }>,
) {
  const folder = runOfResult(uri);
  return {
    ...{ probe, seed, root: folder, options: { ...options, ...changes.options } },
    subject: { kind: "run" as const, folder, states: changes.states ?? states.map(({ name }) => name) },
  };
}

async function openPrompt(
  uri: vscode.Uri,
  { file, line, id }: Extract<LaboratoryFromPage, { type: "openPrompt" }>,
): Promise<void> {
  const run = runOfResult(uri);
  const root = (await isRun(run)) ? (await openRun(run)).manifest.recipe.root : dirname(dirname(uri.fsPath));
  await revealPrompt(vscode.Uri.file(resolve(resolveSource(file, { root }))), { id, line });
}
