import { stat } from "node:fs/promises";
import { basename, dirname, extname } from "node:path";
import * as vscode from "vscode";
import { everybodysLabels, holdingLabels } from "../../dataset/labelExport.ts";
import { type MergePlan, planMerge } from "../../dataset/labelMerge.ts";
import { readLabels } from "../../dataset/labels.ts";
import { type Label, labelLogEnding } from "../../protocol/label.ts";
import { counted } from "../../wording/numbers.ts";
import { registerCommand, runCommand } from "../contributions.ts";
import { log, logError } from "../log.ts";
import { confirmLabel } from "../prompts/labelCommands.ts";
import type { PromptFile, PromptLibrary } from "../prompts/library.ts";
import { tellLabelled } from "../prompts/tellLabelled.ts";
import { oneLine, prompts, unaskedLabels, wordDecision } from "../prompts/words.ts";
import { agreementOn } from "./agreement.ts";
import { agreementText } from "./agreementText.ts";
import { labelsText } from "./labelsText.ts";
import { mergeQuestion, nothingToMerge, wordConflict } from "./mergeWords.ts";
import { pickPromptFile } from "./pick.ts";
import { type Target, uriOf } from "./target.ts";

/** Commands about all labels of a prompt file: label it whole, export labels, merge those of others, open their log. */
export function registerLabelFileCommands(library: PromptLibrary): vscode.Disposable {
  const withFile = (work: (file: PromptFile) => Promise<void>) => async (target?: Target) => {
    const uri = target === undefined ? await pickPromptFile(library) : uriOf(target);
    if (uri) await work(await library.open(uri));
  };
  return vscode.Disposable.from(
    registerCommand(
      "discern.labels.labelFile",
      withFile((file) => labelFile(library, file)),
    ),
    registerCommand("discern.labels.export", withFile(exportLabels)),
    registerCommand(
      "discern.labels.merge",
      withFile((file) => mergeLogs(library, file)),
    ),
    registerCommand("discern.labels.openLog", withFile(openLog)),
  );
}

async function labelFile(library: PromptLibrary, file: PromptFile): Promise<void> {
  if (file.records.length === 0) {
    void vscode.window.showInformationMessage(`${file.path} holds no prompts.`);
    return;
  }
  const title = `Label All Prompts of ${file.path}`;
  const labels: readonly Label[] = ["toxic", "seemingly_toxic", "general"];
  const label = await vscode.window.showQuickPick(
    labels.map((each) => ({ label: capital(wordDecision(each)), each })),
    { title, placeHolder: "The label that every prompt gets" },
  );
  if (!label) return;
  const all = [...new Set(file.records.map(({ id }) => id))];
  const open = new Set(
    file.records.filter((record) => file.labelOf(record) === undefined).map(({ id }) => id),
  );
  const ids = open.size === 0 || open.size === all.length ? all : await chooseWhich(title, all, [...open]);
  if (!ids || (ids.length > unaskedLabels && !(await confirmLabel(ids.length, label.each)))) return;
  await library.label(file, ids, label.each);
  const message = `Labelled ${prompts(ids.length)} of ${file.path} as ${wordDecision(label.each)}.`;
  void tellLabelled(library, file, message).catch(logError);
}

async function chooseWhich(title: string, all: string[], open: string[]): Promise<string[] | undefined> {
  const picked = await vscode.window.showQuickPick(
    [
      { label: "Prompts Without a Label", description: prompts(open.length), ids: open },
      {
        label: "All Prompts",
        description: `${prompts(all.length)}, replaces ${counted(all.length - open.length, "label")}`,
        ids: all,
      },
    ],
    { title, placeHolder: "Which prompts" },
  );
  return picked?.ids;
}

/** Writes the labels of a prompt file, or of a log whose file is gone, into a file that the person names. */
export async function exportLabels(
  file: Pick<PromptFile, "path" | "uri" | "records" | "labels">,
): Promise<void> {
  const [holding, everybodys] = [holdingLabels(file), everybodysLabels(file)];
  if (holding.length === 0 && everybodys.length === 0) {
    void vscode.window.showInformationMessage(`${file.path} has no labels to export.`);
    return;
  }
  const picked = await vscode.window.showQuickPick(
    [
      {
        label: "Label of Each Prompt",
        description: counted(holding.length, "row"),
        detail: "The label that holds. The author is empty where the file itself gives the label.",
        rows: holding,
      },
      {
        label: "Labels of Each Person",
        description: counted(everybodys.length, "row"),
        detail: "What each person decided last, those of second passes too.",
        rows: everybodys,
      },
    ],
    { title: `Export Labels of ${file.path}`, placeHolder: "Which labels" },
  );
  if (!picked) return;
  const { rows } = picked;
  await saveText(file, "labels", { CSV: ["csv"], "JSON Lines": ["jsonl"] }, (ending) =>
    labelsText(rows, ending === "jsonl" ? "jsonl" : "csv"),
  );
}

/** Writes how far people agree on a file's prompts into a file that the person names. */
export async function exportAgreement(file: PromptFile): Promise<void> {
  const ids = file.records.map(({ id }) => id);
  const agreement = agreementOn(ids, file.labels.decisions);
  await saveText(file, "agreement", { CSV: ["csv"], JSON: ["json"] }, (ending) =>
    agreementText(agreement, ending === "json" ? "json" : "csv"),
  );
}

/**
 * Asks for a place beside a prompt file, and writes a text there.
 *
 * @param textOf the text, by the ending of the name that the person chose
 */
async function saveText(
  file: Pick<PromptFile, "path" | "uri">,
  what: string,
  filters: Record<string, string[]>,
  textOf: (ending: string) => string,
): Promise<void> {
  const name = basename(file.path).replace(/\.[^.]+$/, "");
  const into = await vscode.window.showSaveDialog({
    title: `Export ${capital(what)}`,
    defaultUri: vscode.Uri.joinPath(file.uri, "..", `${name}-${what}.csv`),
    filters,
  });
  if (!into) return;
  await vscode.workspace.fs.writeFile(into, Buffer.from(textOf(extname(into.path).slice(1).toLowerCase())));
  log.info(`Saved ${into.fsPath}`);
  const open = "Open";
  const message = `Exported ${what} to ${vscode.workspace.asRelativePath(into)}.`;
  void vscode.window.showInformationMessage(message, open).then((chosen) => {
    if (chosen === open) void vscode.commands.executeCommand("vscode.open", into);
  });
}

async function mergeLogs(library: PromptLibrary, file: PromptFile): Promise<void> {
  const chosen = await vscode.window.showOpenDialog({
    title: `Merge Label Logs into ${file.path}`,
    openLabel: "Merge",
    canSelectMany: true,
    defaultUri: vscode.Uri.file(dirname(file.uri.fsPath)),
    filters: { "Label logs": [labelLogEnding.slice(1), "jsonl"] },
  });
  if (!chosen || chosen.length === 0) return;
  await file.labels.read();
  const others = await Promise.all(chosen.map(({ fsPath }) => readLabels(fsPath)));
  const own = { decisions: [...file.labels.decisions], pairs: file.labels.pairings };
  const plan = planMerge(own, others, (id) => file.find(id) !== undefined);
  if (plan.entries.length === 0) {
    void vscode.window.showInformationMessage(nothingToMerge(plan, file.path));
    return;
  }
  if (!(await confirmMerge(file, plan))) return;
  await library.merge(file, plan.entries);
  void tellMerged(library, file, plan).catch(logError);
}

async function tellMerged(library: PromptLibrary, file: PromptFile, plan: MergePlan): Promise<void> {
  const show = "Show Disputed";
  const message = `Merged ${counted(plan.entries.length, "label")} into ${file.path}.`;
  const offers = plan.conflicts.length > 0 ? [show] : [];
  if ((await tellLabelled(library, file, message, offers)) === show)
    await runCommand("discern.labelling.open", file.uri, { query: { label: "disputed", text: "" } });
}

/** Asks whether to merge; conflicts are shown when asked for, and then it asks again. */
async function confirmMerge(file: PromptFile, plan: MergePlan): Promise<boolean> {
  const { question, detail } = mergeQuestion(plan, file.path);
  const [merge, show] = ["Merge", "Show Conflicts"];
  const offers = plan.conflicts.length > 0 ? [merge, show] : [merge];
  for (;;) {
    const answer = await vscode.window.showInformationMessage(question, { modal: true, detail }, ...offers);
    if (answer !== show) return answer === merge;
    const items = plan.conflicts.map((conflict) => ({
      label: oneLine(file.find(conflict.id)?.prompt ?? conflict.id, 100),
      detail: wordConflict(conflict),
    }));
    await vscode.window.showQuickPick(items, {
      title: `${prompts(items.length)} on Which People Will Differ`,
      placeHolder: "Enter or Escape returns to the question",
      matchOnDetail: true,
    });
  }
}

async function openLog({ path, labels }: PromptFile): Promise<void> {
  const exists = await stat(labels.path).catch(() => undefined);
  if (exists) await vscode.commands.executeCommand("vscode.open", vscode.Uri.file(labels.path));
  else void vscode.window.showInformationMessage(`${path} has no label log yet. The first label creates it.`);
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
