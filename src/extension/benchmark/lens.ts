import * as vscode from "vscode";
import { plannedSuffixes } from "../../recipe/checkPlanned.ts";
import type { CommandId } from "../contributionTypes.ts";
import { DisposableStore } from "../disposableStore.ts";
import { nounOf } from "../launch/checked.ts";
import { cellsWords } from "../runs/describe.ts";
import type { RunLibrary } from "../runs/library.ts";
import { isActive, isResumable } from "../runs/summary.ts";
import { nameIn, newestRun } from "./planner.ts";

/** Above the first line of a comparison, benchmark or sweep: what runs it, its plan, and where its newest run stands. */
export class PlannedLens implements vscode.CodeLensProvider, vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly library: RunLibrary;
  private readonly changed = this.store.add(new vscode.EventEmitter<void>());
  readonly onDidChangeCodeLenses = this.changed.event;

  constructor(library: RunLibrary) {
    this.library = library;
    const tell = () => this.changed.fire();
    this.store.add(library.onDidChange(tell));
    this.store.add(vscode.workspace.onDidGrantWorkspaceTrust(tell));
    this.store.add(
      vscode.languages.registerCodeLensProvider(
        { scheme: "file", pattern: `**/*{${plannedSuffixes.join(",")}}` },
        this,
      ),
    );
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const { uri } = document;
    const noun = nounOf(uri);
    const run = newestRun(this.library, nameIn(document.getText()));
    const lens = (title: string, command: CommandId, tooltip: string, argument: vscode.Uri = uri) =>
      new vscode.CodeLens(new vscode.Range(0, 0, 0, 0), { title, command, tooltip, arguments: [argument] });
    const page =
      noun === "sweep"
        ? { title: "$(graph-line) Trials", tooltip: "Open the curves and the table of trials" }
        : { title: "$(table) Matrix", tooltip: "Open the matrix of methods and suites" };
    const trusted = vscode.workspace.isTrusted;
    const folder = run?.folder;
    const state = run?.cells === undefined ? "" : cellsWords({ ...run.cells, running: [] });
    return [
      ...(trusted && !(run && isActive(run))
        ? [
            lens(
              `$(play) Run ${noun}`,
              noun === "comparison" ? "discern.run.start" : "discern.benchmark.start",
              noun === "sweep"
                ? "Every trial with every seed, one run after the other; then one table"
                : "Every method with every seed, one run after the other; then one report",
            ),
          ]
        : []),
      ...(run && folder && isActive(run)
        ? [
            lens(`$(sync~spin) ${state}`, "discern.benchmark.openMatrix", page.tooltip, folder),
            lens("$(debug-stop) Stop", "discern.runs.stop", "Stop and save; it can be resumed", folder),
          ]
        : []),
      ...(trusted && run && folder && isResumable(run)
        ? [lens(`$(debug-continue) Resume (${state})`, "discern.runs.resume", run.problem ?? state, folder)]
        : []),
      ...(trusted
        ? [lens("$(list-ordered) Plan", "discern.benchmark.plan", "The runs, and what each of them costs")]
        : []),
      ...(run && folder && !isActive(run)
        ? [lens(page.title, "discern.benchmark.openMatrix", page.tooltip, folder)]
        : []),
      ...(folder && run.report !== null
        ? [lens("$(book) Open report", "discern.runs.openReport", "The report of its newest run", folder)]
        : []),
    ];
  }

  dispose(): void {
    this.store.dispose();
  }
}
