import * as vscode from "vscode";
import { benchmarkSuffix } from "../../protocol/benchmark.ts";
import { sweepSuffix } from "../../protocol/sweep.ts";
import { type AddedToPlan, addedToPlan } from "../../recipe/addedToPlan.ts";
import { locatedProblem, type PlacedProblem } from "../../recipe/check.ts";
import type { CheckedPlanned } from "../../recipe/checkPlanned.ts";
import { readPlan } from "../../runFolder/comparison.ts";
import { runCommand } from "../contributions.ts";
import type { Engine } from "../engine/engine.ts";
import { nounOf, plannedDoors, savedText } from "../launch/checked.ts";
import { addToExperiment, startComparison } from "../launch/compareMethods.ts";
import { type StartChoice, startChoices } from "../launch/offers.ts";
import { roomForRuns } from "../launch/plannedPreflight.ts";
import { passesFindings } from "../launch/showFindings.ts";
import { resumeRun } from "../launch/start.ts";
import { UnderWay } from "../launch/underWay.ts";
import type { RecipeFacts } from "../recipe/facts.ts";
import { cellsWords } from "../runs/describe.ts";
import type { Run, RunLibrary } from "../runs/library.ts";
import { isActive, isResumable } from "../runs/summary.ts";
import { addedLine, planLine, planMarkdown } from "./planned.ts";
import { nameIn, newestRun, type PlanDocuments, type Planner } from "./planner.ts";

/** What starting a benchmark needs. */
export interface BenchmarkParts {
  readonly engine: Engine;
  readonly library: RunLibrary;
  readonly facts: RecipeFacts;
  readonly planner: Planner;
  readonly documents: PlanDocuments;
}

/** The files that are being planned and asked about. */
const underWay = new UnderWay();

/**
 * Shows what a benchmark or sweep file plans and costs, and starts or resumes it where a person wants that. A process of its own runs it.
 *
 * @param given the file; that in the active editor or one that is picked where left out.
 * @throws as `Engine.call`.
 */
export async function startBenchmark(parts: BenchmarkParts, given: unknown): Promise<void> {
  const uri = await pickBenchmark(given);
  if (uri !== undefined) await underWay.once(uri.toString(), () => startFile(parts, uri));
}

async function startFile(parts: BenchmarkParts, uri: vscode.Uri): Promise<void> {
  const text = await savedText(uri);
  const document = await vscode.workspace.openTextDocument(uri);
  const { checked, summary } = await vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: `Planning ${vscode.workspace.asRelativePath(uri)}`,
    },
    () => parts.planner.plan(document),
  );
  const errors = checked.problems.filter(({ severity }) => severity === "error");
  if (summary === null || errors.length > 0) {
    await showFaults(document, errors);
    return;
  }
  const name = nameIn(document.getText())!;
  const before = newestRun(parts.library, name);
  if (before && isActive(before)) {
    await runCommand("discern.benchmark.openMatrix", before.folder);
    return;
  }
  const isOpen = before !== undefined && isResumable(before);
  const added = before === undefined ? null : await addedTo(before, checked);
  // Beside an earlier run that has ended, all runs of the file are made again.
  const runs = isOpen ? summary.runs : summary.runs.map((one) => ({ ...one, isFinished: false }));
  const left = runs.filter(({ isFinished }) => !isFinished).map(({ cell }) => cell);
  const { findings } = await roomForRuns(left, checked, plannedDoors(parts.facts, uri));
  if (findings.some(({ severity }) => severity === "fault")) {
    await passesFindings(uri, findings, null, [], nounOf(uri));
    return;
  }
  const items: Record<StartChoice, vscode.MessageItem> = {
    run: { title: "Run" },
    resume: { title: "Resume" },
    add: { title: "Add to Earlier Run" },
    plan: { title: "Show Whole Plan" },
  };
  const warnings = [...findings, ...checked.problems].map(({ message }) => `• ${message}`);
  const chosen = await vscode.window.showInformationMessage(
    `${name}: ${planLine({ ...summary, runs })}`,
    {
      modal: true,
      detail: [
        ...(isOpen ? [`The earlier run: ${cellsWords(before.cells!)}.`] : []),
        ...(added === null ? [] : [addedLine(added)]),
        ...warnings,
        "It runs in a process of its own: close the window, and it continues.",
      ].join("\n"),
    },
    ...startChoices(findings, { isResumable: isOpen, isAdded: added !== null }).map(
      (choice) => items[choice],
    ),
  );
  if (chosen === items.plan) await parts.documents.show(name, planMarkdown(summary));
  else if (chosen === items.resume && before) await resumeRun(parts.engine, parts.library, before);
  else if (chosen === items.add && before) await addToExperiment(parts.engine, parts.library, uri, before);
  else if (chosen === items.run)
    await startComparison(parts.engine, parts.library, { file: uri, text }, name);
}

/** What a file has more than its earlier run; null where that cannot be added, or there is nothing. */
async function addedTo(run: Run, { cells, missing }: CheckedPlanned): Promise<AddedToPlan | null> {
  const plan = await readPlan(run.folder.fsPath).catch(() => null);
  return plan && addedToPlan(plan.cells, cells, new Set(missing.map(({ suite }) => suite)));
}

/** Shows the plan of a comparison or benchmark. */
export async function showPlan(parts: BenchmarkParts, given: unknown): Promise<void> {
  const uri = await pickBenchmark(given);
  if (uri === undefined) return;
  const document = await vscode.workspace.openTextDocument(uri);
  const { checked, summary } = await parts.planner.plan(document);
  if (summary === null) await showFaults(document, checked.problems);
  else await parts.documents.show(summary.name, planMarkdown(summary));
}

async function showFaults(document: vscode.TextDocument, faults: readonly PlacedProblem[]): Promise<void> {
  const open = "Open File";
  const text = document.getText();
  const detail = faults.map((fault) => `• ${locatedProblem(fault, text)}`).join("\n");
  const chosen = await vscode.window.showErrorMessage(
    `${vscode.workspace.asRelativePath(document.uri)} cannot be run yet.`,
    { modal: true, detail: detail || "Its problems are shown at their keys." },
    open,
  );
  if (chosen !== open) return;
  const at = document.positionAt(faults[0]?.offset ?? 0);
  await vscode.window.showTextDocument(document, { selection: new vscode.Range(at, at) });
}

/** What a benchmark or a sweep is described by. */
const suffixes = [benchmarkSuffix, sweepSuffix];

/** The benchmark or sweep that a command is about: the file given, that in the active editor, or one that is picked. */
async function pickBenchmark(given: unknown): Promise<vscode.Uri | undefined> {
  if (given instanceof vscode.Uri) return given;
  const active = vscode.window.activeTextEditor?.document.uri;
  if (active?.scheme === "file" && suffixes.some((suffix) => active.path.endsWith(suffix))) return active;
  const found = await vscode.workspace.findFiles(`**/*{${suffixes.join(",")}}`, "**/node_modules/**");
  type Item = vscode.QuickPickItem & { uri?: vscode.Uri };
  const items: Item[] = found
    .map((uri) => ({ label: `$(json) ${vscode.workspace.asRelativePath(uri)}`, uri }))
    .sort((a, b) => a.label.localeCompare(b.label));
  const fresh: Item = {
    label: "$(add) New Benchmark or Sweep…",
    description: "from a preset, or from what you choose",
  };
  const separator: Item = { label: "", kind: vscode.QuickPickItemKind.Separator };
  const chosen = await vscode.window.showQuickPick([...items, separator, fresh], {
    placeHolder: "Benchmark or sweep to run",
  });
  if (chosen === fresh) await runCommand("discern.benchmark.new");
  return chosen?.uri;
}
