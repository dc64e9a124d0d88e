/*
 * Comparisons and benchmarks in the editor: files that describe runs of several methods. Their page, the matrix of methods by
 * suites, is drawn from the plan, the log of cells, the run folders and the reports, whoever runs them.
 */

import * as vscode from "vscode";
import { registerCommand } from "../contributions.ts";
import { pageIds } from "../contributionTypes.ts";
import type { Engine } from "../engine/engine.ts";
import type { ModelLibrary } from "../models/library.ts";
import { ShownPanels } from "../page/shownPanels.ts";
import { isUnasked, placeOfPanel, revealPanel } from "../page/unasked.ts";
import type { PromptLibrary } from "../prompts/library.ts";
import type { CheckedFiles } from "../recipe/checkedFiles.ts";
import type { RecipeFacts } from "../recipe/facts.ts";
import { registerValueCompletion } from "../recipe/valueCompletion.ts";
import type { RunLibrary } from "../runs/library.ts";
import { pickRun, type RunTarget, runOf } from "../runs/pick.ts";
import { requireTrust } from "../trust.ts";
import { namesAt } from "./completed.ts";
import { GateTests } from "./gateTests.ts";
import { PlannedLens } from "./lens.ts";
import { BenchmarkPanel } from "./panel.ts";
import { PlanDocuments, Planner } from "./planner.ts";
import { showPlan, startBenchmark } from "./start.ts";
import { createBenchmark } from "./wizard.ts";

/** What the workbench has that benchmarks need. */
interface Workbench {
  readonly engine: Engine;
  readonly library: RunLibrary;
  readonly facts: RecipeFacts;
  readonly files: CheckedFiles;
  readonly models: ModelLibrary;
  readonly prompts: PromptLibrary;
}

/** Files that describe several runs, with their lens, commands, gates and pages. */
export function registerBenchmark(
  context: vscode.ExtensionContext,
  { engine, library, facts, files, models, prompts }: Workbench,
): vscode.Disposable {
  const planner = new Planner(library, facts, files);
  const documents = new PlanDocuments();
  const parts = { engine, library, facts, planner, documents };
  return vscode.Disposable.from(
    documents.register(),
    new PlannedLens(library),
    registerValueCompletion((document, typed) => namesAt(document.getText(), typed)),
    // Forks of the editor may lack the Test Explorer, which their types promise.
    (vscode.tests as Partial<typeof vscode.tests> | undefined)?.createTestController
      ? new GateTests(parts)
      : { dispose: () => undefined },
    pages(context, library),
    registerCommand("discern.benchmark.start", (given?: unknown) => {
      requireTrust();
      return startBenchmark(parts, given);
    }),
    registerCommand("discern.benchmark.plan", (given?: unknown) => {
      requireTrust();
      return showPlan(parts, given);
    }),
    registerCommand("discern.benchmark.new", () => createBenchmark({ models, prompts }, planner)),
  );
}

/** The pages of comparisons and benchmarks, also after a reload of the window. */
function pages(context: vscode.ExtensionContext, library: RunLibrary): vscode.Disposable {
  const open = new Map<string, BenchmarkPanel>();
  const shown = new ShownPanels(context.workspaceState, pageIds.benchmark);
  const show = (panel: vscode.WebviewPanel, folder: vscode.Uri) => {
    const key = folder.toString();
    open.set(key, new BenchmarkPanel(panel, context, library, folder));
    shown.keep(panel, key);
    panel.onDidDispose(() => open.delete(key));
  };
  return vscode.Disposable.from(
    registerCommand("discern.benchmark.openMatrix", async (...given: [RunTarget?, ...unknown[]]) => {
      const [target] = given;
      const folder = await folderOf(library, target);
      if (folder === undefined) return;
      const there = open.get(folder.toString());
      const wasAsked = !isUnasked(given);
      if (there) revealPanel(there.panel, wasAsked);
      else {
        const place = placeOfPanel(wasAsked);
        show(
          vscode.window.createWebviewPanel(pageIds.benchmark, "", place, { enableFindWidget: true }),
          folder,
        );
      }
    }),
    vscode.window.registerWebviewPanelSerializer(pageIds.benchmark, {
      async deserializeWebviewPanel(panel) {
        const folder = shown.recall();
        if (folder === undefined) panel.dispose();
        else show(panel, vscode.Uri.parse(folder));
      },
    }),
  );
}

/** The folder of the comparison that a command was given, of that which a given run belongs to, or of one that is picked. */
async function folderOf(library: RunLibrary, target: RunTarget | undefined): Promise<vscode.Uri | undefined> {
  const run = runOf(library, target);
  if (run === undefined && target instanceof vscode.Uri) return target;
  const comparison = run && (run.cells === undefined ? library.comparisonOf(run) : run);
  if (comparison) return comparison.folder;
  const picked = await pickRun(library, {
    filter: ({ cells }) => cells !== undefined,
    placeholder: "Comparison or benchmark whose matrix to open",
  });
  return picked?.[0]?.folder;
}
