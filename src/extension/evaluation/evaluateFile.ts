import { basename, join, resolve } from "node:path";
import * as vscode from "vscode";
import type { Label } from "../../protocol/label.ts";
import { recipeSuffix } from "../../protocol/recipe.ts";
import { openRun } from "../../runFolder/folder.ts";
import { writeAtomic } from "../../storage/atomic.ts";
import { makeFolders } from "../../storage/folders.ts";
import { registerCommand, runCommand } from "../contributions.ts";
import type { Engine } from "../engine/engine.ts";
import { checkedRecipe } from "../launch/checked.ts";
import { launch } from "../launch/start.ts";
import { recipeName } from "../models/find.ts";
import type { ModelLibrary } from "../models/library.ts";
import { asked } from "../models/pick.ts";
import type { PromptFile, PromptLibrary } from "../prompts/library.ts";
import { columnOf } from "../prompts/workspaceFiles.ts";
import type { RecipeFacts } from "../recipe/facts.ts";
import { freePath } from "../runs/freeName.ts";
import type { RunLibrary } from "../runs/library.ts";
import { requireTrust } from "../trust.ts";
import {
  type Amount,
  type AskedFile,
  type AskedModel,
  amounts,
  askedRecipe,
  completeRecipe,
  leftOutWords,
} from "./askedRecipe.ts";
import { mayBeMarked } from "./documents.ts";
import type { ShownRuns } from "./shownRuns.ts";

interface Doors {
  readonly engine: Engine;
  readonly facts: RecipeFacts;
  readonly models: ModelLibrary;
  readonly prompts: PromptLibrary;
  readonly runs: RunLibrary;
  readonly shown: ShownRuns;
}

/** The commands that score and evaluate a prompt file with a model, trained or not. */
export function registerEvaluateFile(doors: Doors): vscode.Disposable {
  return vscode.Disposable.from(
    registerCommand("discern.evaluation.score", (file?: unknown) => evaluateFile(doors, file, true)),
    registerCommand("discern.evaluation.evaluate", (file?: unknown) => evaluateFile(doors, file, false)),
  );
}

/**
 * Starts a run without stages that evaluates a model on a prompt file, and shows it in that file once it has finished. So progress,
 * stopping, partial results and resuming are those of every run, and the recipe beside it says what was asked.
 *
 * @param given the file's URI; the active editor's, or one that a person picks, where there is none
 * @throws as `PromptLibrary.open`, `checkedRecipe` and `launch`.
 */
async function evaluateFile(doors: Doors, given: unknown, scoreOnly: boolean): Promise<void> {
  requireTrust();
  const title = scoreOnly ? "Score Prompts" : "Evaluate Prompts";
  const uri = await promptFileOf(doors.prompts, given, title);
  if (uri === undefined) return;
  const folder = vscode.workspace.getWorkspaceFolder(uri) ?? vscode.workspace.workspaceFolders?.[0];
  if (folder === undefined) {
    void vscode.window.showInformationMessage(
      "Results are written into a folder of the workspace. Open a folder first.",
    );
    return;
  }
  // The engine reads what is on disk.
  const open = vscode.workspace.textDocuments.find((one) => one.uri.toString() === uri.toString());
  if (open?.isDirty && !(await open.save())) return;
  const file = doors.prompts.file(uri) ?? (await doors.prompts.open(uri));
  if (file.state !== "ready") await doors.prompts.open(uri);
  const model = await pickAskedModel(doors, title);
  if (model === undefined) return;
  const known = labelledOf(file);
  const label = known.labelled === 0 ? await askLabel(title, known.prompts) : undefined;
  if (label === "mixed") await runCommand("discern.labelling.open", uri);
  if (label === "mixed" || (known.labelled === 0 && label === undefined)) return;
  // A recipe of its own, which can be read, run again and shared.
  const place = join(folder.uri.fsPath, "evaluations");
  const whole: AskedFile = { model, file: uri.fsPath, column: columnOf(uri), label, scoreOnly };
  const prompts = known.labelled === 0 ? known.prompts : known.labelled;
  const cost = await doors.facts.cost(completeRecipe(askedRecipe(whole, place)), place, { suites: prompts });
  const offered = amounts(prompts, cost?.evaluation.seconds ?? null);
  const left = leftOutWords(known);
  const amount: Pick<Amount, "limit"> | undefined =
    offered.length === 0
      ? {}
      : (
          await vscode.window.showQuickPick(
            offered.map((one) => ({ label: one.title, one })),
            {
              title,
              placeHolder: left ?? `How many prompts of ${basename(uri.fsPath)} ${model.name} is asked`,
            },
          )
        )?.one;
  if (amount === undefined) return;
  if (left !== null && offered.length === 0) vscode.window.setStatusBarMessage(left, 8000);
  await start(doors, uri, askedRecipe({ ...whole, ...amount }, place), place);
}

async function start(
  { engine, facts, runs, shown }: Doors,
  file: vscode.Uri,
  recipe: ReturnType<typeof askedRecipe>,
  place: string,
): Promise<void> {
  await makeFolders(place);
  const base = join(place, recipe.name);
  const path = `${await freePath(base)}${recipeSuffix}`;
  const text = `${JSON.stringify(recipe, null, 2)}\n`;
  await writeAtomic(path, text);
  const uri = vscode.Uri.file(path);
  if ((await checkedRecipe(facts, uri, false)) === undefined) return;
  const folder = await launch(engine, runs, recipe.name, {
    kind: "start",
    file: path,
    text,
    stlAlone: false,
  });
  // Asked for in this file, so shown in it, also where an older run knows more of it.
  if (folder) await shown.pinIn(file, folder);
}

async function promptFileOf(
  prompts: PromptLibrary,
  given: unknown,
  title: string,
): Promise<vscode.Uri | undefined> {
  if (given instanceof vscode.Uri) return given;
  if (typeof given === "string") return vscode.Uri.parse(given, true);
  await prompts.discovered();
  const active = vscode.window.activeTextEditor?.document;
  if (active && mayBeMarked(active) && prompts.file(active.uri)) return active.uri;
  const usable = prompts.files.filter(({ state }) => state !== "unclear" && state !== "failed");
  if (usable.length === 0) {
    void vscode.window.showInformationMessage(
      "No prompt file was found. Open a .csv, .jsonl or .json file with a column of prompts.",
    );
    return undefined;
  }
  const items = usable.map(({ path, uri }) => ({ label: path, uri }));
  return (await vscode.window.showQuickPick(items, { title, placeHolder: "Prompt file" }))?.uri;
}

function labelledOf(file: PromptFile): { prompts: number; labelled: number } {
  const prompts = new Map(file.records.map((record) => [record.id, record]));
  const labelled = [...prompts.values()].filter((record) => file.labelOf(record) !== undefined).length;
  return { prompts: prompts.size, labelled };
}

async function askLabel(title: string, prompts: number): Promise<Label | "mixed" | undefined> {
  const items: (vscode.QuickPickItem & { value: Label | "mixed" })[] = [
    { label: "Answered", description: "all are safe prompts", value: "general" },
    { label: "Refused", description: "all are toxic prompts", value: "toxic" },
    { label: "Some of each", description: "label them first, or some of them", value: "mixed" },
  ];
  const placeHolder = `None of the ${prompts} prompts has a label. What should a model do with them?`;
  return (await vscode.window.showQuickPick(items, { title, placeHolder }))?.value;
}

/** Asks for a model: as it is, with an adapter, or as a run trained it. */
async function pickAskedModel({ models, runs }: Doors, title: string): Promise<AskedModel | undefined> {
  const all = await models.models();
  const usable = all.filter(({ problem }) => problem === null);
  const trained = runs.runs.filter(
    ({ state, cells, stages }) => state === "finished" && cells === undefined && stages.length > 0,
  );
  type Item = vscode.QuickPickItem & { readonly pick?: () => Promise<AskedModel> };
  const group = (label: string, items: Item[]): Item[] =>
    items.length === 0 ? [] : [{ label, kind: vscode.QuickPickItemKind.Separator }, ...items];
  const found = (kind: "model" | "adapter") =>
    usable
      .filter((model) => model.kind === kind)
      .map((model): Item => {
        const pick = async () => ({ name: model.name, ...(await asked(models, model)) });
        return { label: model.name, description: model.place.title, pick };
      });
  const states = trained.map(({ label, folder, manifest }): Item => {
    const pick = () => trainedBy(folder.fsPath, label, all);
    return { label, description: manifest?.model.name ?? "", pick };
  });
  const items = [
    ...group("Models", found("model")),
    ...group("Adapters", found("adapter")),
    ...group("Trained by runs", states),
  ];
  if (items.length === 0) {
    const pull = "Pull a Model…";
    const chosen = await vscode.window.showInformationMessage("There is no model on this machine yet.", pull);
    if (chosen === pull) await runCommand("discern.models.pull");
    return undefined;
  }
  const chosen = await vscode.window.showQuickPick(items, {
    title,
    placeHolder: "Model",
    matchOnDescription: true,
  });
  return chosen?.pick?.();
}

/** What a run trained: its base model, what that began with, and the run's own result. */
async function trainedBy(
  folder: string,
  name: string,
  all: Awaited<ReturnType<ModelLibrary["models"]>>,
): Promise<AskedModel> {
  const { recipe, manifest } = await openRun(folder);
  const model = all.find(({ path }) => path === manifest.model.path);
  return {
    name,
    base: model ? recipeName(model) : manifest.model.path,
    adapters: [...recipe.model.adapters.map((path) => resolve(manifest.recipe.root, path)), folder],
  };
}
