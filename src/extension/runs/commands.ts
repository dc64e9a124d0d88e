import * as vscode from "vscode";
import { runPaths } from "../../runFolder/folder.ts";
import { registerCommand } from "../contributions.ts";
import type { Engine } from "../engine/engine.ts";
import { requireTrust } from "../trust.ts";
import { compareRuns } from "./compare.ts";
import { deleteRuns } from "./delete.ts";
import { exportRun } from "./export.ts";
import { tagsOf } from "./filter.ts";
import type { Run, RunLibrary } from "./library.ts";
import { openReportFile } from "./openReport.ts";
import { pickRun, type RunTarget, runOf } from "./pick.ts";
import { compareRecipes, newRecipeFrom, StoredRecipes } from "./recipes.ts";
import { editTags, openNotes, renameRun } from "./remarks.ts";
import { isActive } from "./summary.ts";
import type { RunTree } from "./tree.ts";

/** Finds the runs that a command is about. */
type Chosen = (
  given: RunTarget | undefined,
  selected: readonly RunTarget[] | undefined,
  placeholder: string,
  filter?: (run: Run) => boolean,
) => Promise<Run[]>;

/** The commands about runs, but for those that start, stop and watch them. */
export function runCommands(library: RunLibrary, tree: RunTree, engine: Engine): vscode.Disposable[] {
  /** Those selected, the one given, or the one picked. */
  const chosen: Chosen = async (given, selected, placeholder, filter = () => true) => {
    const targets = selected && selected.length > 0 ? selected : given ? [given] : [];
    const runs = targets.flatMap((target) => runOf(library, target) ?? []);
    return runs.length > 0 ? runs : ((await pickRun(library, { filter, placeholder })) ?? []);
  };
  return [
    registerCommand("discern.runs.refresh", () => library.refresh()),
    registerCommand("discern.runs.reveal", async (given?: RunTarget) => {
      const [run] = await chosen(given, undefined, "Run whose folder to reveal");
      if (run) await vscode.commands.executeCommand("revealFileInOS", run.folder);
    }),
    registerCommand("discern.runs.openLog", async (given?: RunTarget) => {
      const [run] = await chosen(given, undefined, "Run whose engine log to open");
      if (run) await openLog(run);
    }),
    registerCommand("discern.runs.openReport", async (given?: RunTarget) => {
      const placeholder = "Run whose report to open";
      const [run] = await chosen(given, undefined, placeholder, ({ report }) => report !== null);
      if (run) await openReportFile(vscode.Uri.file(runPaths(run.folder.fsPath).report));
    }),
    registerCommand("discern.runs.export", async (given?: RunTarget) => {
      requireTrust();
      const placeholder = "Run whose model to export";
      const [run] = await chosen(given, undefined, placeholder, isTrained);
      if (run) await exportRun(engine, run);
    }),
    registerCommand("discern.runs.delete", async (given?: RunTarget, selected?: readonly RunTarget[]) => {
      const placeholder = "Run to move to the trash";
      const runs = await chosen(given, selected, placeholder, (run) => !isActive(run));
      if (runs.length === 0) return;
      await deleteRuns(runs);
      await library.refresh();
    }),
    registerCommand("discern.runs.compare", async (given?: RunTarget, selected?: readonly RunTarget[]) => {
      requireTrust();
      const marked = selected?.flatMap((target) => runOf(library, target) ?? []) ?? tree.selected;
      const runs = marked.length > 1 ? marked : await pickSeveral(library, runOf(library, given));
      if (runs) await compareRuns(engine, runs);
    }),
    ...remarkCommands(library, tree, chosen),
    ...recipeCommands(library, tree, chosen),
  ];
}

/** What people say about runs, and which are shown. */
function remarkCommands(library: RunLibrary, tree: RunTree, chosen: Chosen): vscode.Disposable[] {
  // A key of the view gives no run: its selection is meant.
  const ofKey = (given: RunTarget | undefined) => given ?? tree.selected[0];
  return [
    registerCommand("discern.runs.rename", async (given?: RunTarget) => {
      const [run] = await chosen(ofKey(given), undefined, "Run or experiment to rename");
      if (!run) return;
      await renameRun(run);
      await library.refresh();
    }),
    registerCommand("discern.runs.editTags", async (given?: RunTarget, selected?: readonly RunTarget[]) => {
      const runs = await chosen(ofKey(given), selected, "Run or experiment whose tags to edit");
      if (runs.length === 0) return;
      await editTags(runs, library.listed);
      await library.refresh();
    }),
    registerCommand("discern.runs.editNotes", async (given?: RunTarget) => {
      const [run] = await chosen(ofKey(given), undefined, "Run or experiment whose notes to edit");
      if (run) await openNotes(run);
    }),
    registerCommand("discern.runs.filter", () => filterRuns(library, tree)),
    registerCommand("discern.runs.clearFilter", () => {
      tree.filter = "";
    }),
  ];
}

/** Filters while a person types; Escape brings back what was shown before. */
function filterRuns(library: RunLibrary, tree: RunTree): void {
  const before = tree.filter;
  const tags = tagsOf(library.listed).map((tag) => `#${tag}`);
  const input = vscode.window.createInputBox();
  input.title = "Filter Runs";
  input.placeholder = "Words of name, folder, model, state, tags or notes; #tag for a tag";
  if (tags.length > 0) input.prompt = `Tags: ${tags.join(" ")}`;
  input.value = before;
  let accepted = false;
  input.onDidChangeValue((value) => {
    tree.filter = value;
  });
  input.onDidAccept(() => {
    accepted = true;
    input.hide();
  });
  input.onDidHide(() => {
    if (!accepted) tree.filter = before;
    input.dispose();
  });
  input.show();
}

/** What can be done with the recipe that a run keeps. */
function recipeCommands(library: RunLibrary, tree: RunTree, chosen: Chosen): vscode.Disposable[] {
  const recipes = new StoredRecipes();
  const hasRecipe = ({ manifest }: Run) => manifest !== null;
  return [
    recipes.register(),
    registerCommand("discern.runs.newRecipe", async (given?: RunTarget) => {
      const [run] = await chosen(given, undefined, "Run whose recipe to change and run again", hasRecipe);
      if (run) await newRecipeFrom(run);
    }),
    registerCommand(
      "discern.runs.compareRecipes",
      async (given?: RunTarget, selected?: readonly RunTarget[]) => {
        const marked = selected?.flatMap((target) => runOf(library, target) ?? []) ?? tree.selected;
        const named = marked.length === 2 ? marked : given ? [runOf(library, given)] : [];
        const [one, two] = named.filter((run) => run !== undefined && hasRecipe(run));
        const first = one ?? (await pickRun(library, { filter: hasRecipe, placeholder: "First run" }))?.[0];
        if (!first) return;
        const isOther = (run: Run) => hasRecipe(run) && run.folder.fsPath !== first.folder.fsPath;
        const placeholder = `Run whose recipe to compare with that of ${first.label}`;
        const second = two ?? (await pickRun(library, { filter: isOther, placeholder }))?.[0];
        if (second) await compareRecipes(recipes, [first, second]);
      },
    ),
  ];
}

/** Whether there is a model to export. */
function isTrained({ state, cells }: Run): boolean {
  return state === "finished" && cells === undefined;
}

/** Asks for two runs or more; comparing needs their reports. */
async function pickSeveral(library: RunLibrary, first: Run | undefined): Promise<Run[] | undefined> {
  const picked = await pickRun(library, {
    filter: ({ report }) => report !== null,
    placeholder: first ? `Runs to compare with ${first.label}` : "Two or more runs to compare",
    many: true,
  });
  if (!picked) return undefined;
  const runs = [...new Set(first ? [first, ...picked] : picked)];
  if (runs.length > 1) return runs;
  void vscode.window.showInformationMessage("Select at least two runs to compare.");
  return undefined;
}

async function openLog({ folder, label }: Run): Promise<void> {
  const file = vscode.Uri.file(runPaths(folder.fsPath).engineLog);
  const exists = await vscode.workspace.fs.stat(file).then(
    () => true,
    () => false,
  );
  if (exists) await vscode.window.showTextDocument(file, { preview: true });
  else {
    void vscode.window.showInformationMessage(
      `${label} has no engine log: it was started in a terminal, which shows its output.`,
    );
  }
}
