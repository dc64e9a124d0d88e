import { basename, join } from "node:path";
import * as vscode from "vscode";
import { selectPrompts } from "../../dataset/select.ts";
import type { Label } from "../../protocol/label.ts";
import { recipeSuffix } from "../../protocol/recipe.ts";
import { writeAtomic } from "../../storage/atomic.ts";
import { makeFolders } from "../../storage/folders.ts";
import { registerCommand, runCommand } from "../contributions.ts";
import { checkedRecipe } from "../launch/checked.ts";
import { launch } from "../launch/start.ts";
import { askedModel, type Choice, type ChoiceParts, chooseAsked } from "../models/chooseAsked.ts";
import type { Model } from "../models/find.ts";
import type { AskedModel } from "../models/stateModel.ts";
import type { PromptLibrary } from "../prompts/library.ts";
import { pickPromptFiles, starterTest } from "../prompts/pickFiles.ts";
import type { PromptFile } from "../prompts/promptFile.ts";
import { columnOf } from "../prompts/workspaceFiles.ts";
import type { RecipeFacts } from "../recipe/facts.ts";
import { targetFolder } from "../recipe/wizard.ts";
import { freePath } from "../runs/freeName.ts";
import { requireTrust } from "../trust.ts";
import {
  type Amount,
  type AskedFile,
  amounts,
  askedPrompts,
  askedRecipe,
  completeRecipe,
  type Labelled,
  leftOutWords,
  type Question,
} from "./askedRecipe.ts";
import { mayBeMarked } from "./documents.ts";

interface Doors extends ChoiceParts {
  readonly facts: RecipeFacts;
  readonly prompts: PromptLibrary;
}

/** The commands that score and evaluate prompt files with a model, trained or not. */
export function registerEvaluateFile(doors: Doors): vscode.Disposable {
  return vscode.Disposable.from(
    registerCommand("discern.evaluation.score", (file?: unknown) => askFile(doors, file, true)),
    registerCommand("discern.evaluation.evaluate", (file?: unknown) => askFile(doors, file, false)),
    registerCommand("discern.models.evaluate", (model?: Model) => askModel(doors, model)),
  );
}

/** Asks for a model, and has it asked the prompts of one file: the active editor's where none is given. */
async function askFile(doors: Doors, given: unknown, scoreOnly: boolean): Promise<void> {
  requireTrust();
  const title = scoreOnly ? "Score Prompts" : "Evaluate Prompts";
  const uri = await promptFileOf(doors.prompts, given, title);
  if (uri === undefined) return;
  const folder = vscode.workspace.getWorkspaceFolder(uri)?.uri ?? (await resultsFolder());
  const asked = await readFileOf(doors.prompts, uri);
  if (folder === undefined || asked === undefined) return;
  const chosen = await chooseAsked(doors, title);
  if (chosen === undefined) return;
  await ask(doors, folder, title, await askedModel(doors, chosen), [asked], scoreOnly);
}

/** Asks for prompt files, and has a model of the Models view answer them. */
async function askModel(doors: Doors, given: Model | undefined): Promise<void> {
  requireTrust();
  const title = "Evaluate a Model";
  const chosen: Choice | undefined = given
    ? { kind: "model", model: given }
    : await chooseAsked(doors, title);
  const folder = chosen && (await resultsFolder());
  if (chosen === undefined || folder === undefined) return;
  const asked = await askedModel(doors, chosen);
  const picked = await pickPromptFiles(doors.prompts, {
    title,
    placeHolder: `Prompt files that ${asked.name} answers`,
  });
  if (picked === undefined) return;
  const files: ReadFile[] = [];
  for (const { uri } of picked.files) {
    const read = await readFileOf(doors.prompts, uri);
    if (read === undefined) return;
    files.push(read);
  }
  if (picked.starter) files.push(await starterFile(doors.facts));
  await ask(doors, folder, title, asked, files, false);
}

function resultsFolder(): Promise<vscode.Uri | undefined> {
  return targetFolder("Results are written into a folder of the workspace. Open a folder first.");
}

/** A prompt file that was read: what a recipe says of it, and how many of its prompts can be asked. */
interface ReadFile {
  readonly asked: AskedFile;
  readonly known: Labelled;
  /** Where marks are shown; absent of the starter set. */
  readonly uri?: vscode.Uri;
}

/** Reads a prompt file as it is on disk, which is what the engine reads. @returns undefined where it was not saved. */
async function readFileOf(prompts: PromptLibrary, uri: vscode.Uri): Promise<ReadFile | undefined> {
  const open = vscode.workspace.textDocuments.find((one) => one.uri.toString() === uri.toString());
  if (open?.isDirty && !(await open.save())) return undefined;
  const file = prompts.file(uri) ?? (await prompts.open(uri));
  if (file.state !== "ready") await prompts.open(uri);
  return { asked: { file: uri.fsPath, column: columnOf(uri) }, known: labelledOf(file), uri };
}

async function starterFile({ starter }: RecipeFacts): Promise<ReadFile> {
  const { records } = await selectPrompts(starterTest, { starter });
  const prompts = new Set(records.map(({ id }) => id)).size;
  return { asked: starterTest, known: { prompts, labelled: prompts } };
}

/**
 * Starts a run without stages that asks a model the prompts of files, and shows it in those files once it has finished. So progress,
 * stopping, partial results and resuming are those of every run, and the recipe beside it says what was asked.
 *
 * @throws as `checkedRecipe` and `launch`.
 */
async function ask(
  doors: Doors,
  folder: vscode.Uri,
  title: string,
  model: AskedModel,
  read: readonly ReadFile[],
  scoreOnly: boolean,
): Promise<void> {
  const files: AskedFile[] = [];
  for (const { asked, known, uri } of read) {
    const label = known.labelled === 0 ? await askLabel(title, asked.file, known.prompts) : undefined;
    if (label === "mixed") {
      // Of the starter set all prompts have labels, so it is a file.
      await runCommand("discern.labelling.open", uri);
      return;
    }
    if (known.labelled === 0 && label === undefined) return;
    files.push({ ...asked, label });
  }
  // A recipe of its own, which can be read, run again and shared.
  const place = join(folder.fsPath, "evaluations");
  const question: Question = { model, files, scoreOnly };
  const amount = await askAmount(doors, title, question, place, read);
  if (amount === undefined) return;
  const { limit } = amount;
  await start(doors, askedRecipe({ ...question, limit }, place), place, read);
}

/** Asks how many prompts are meant, where all take long; undefined where the person left. */
async function askAmount(
  { facts }: Doors,
  title: string,
  question: Question,
  place: string,
  read: readonly ReadFile[],
): Promise<Pick<Amount, "limit"> | undefined> {
  const counts = read.map(({ known }) => askedPrompts(known));
  const suites = counts.reduce((sum, count) => sum + count, 0);
  const cost = await facts.cost(completeRecipe(askedRecipe(question, place)), place, { suites });
  const offered = amounts(counts, cost?.evaluation.seconds ?? null);
  const left = leftOutWords(read.map(({ known }) => known));
  if (offered.length === 0) {
    if (left !== null) vscode.window.setStatusBarMessage(left, 8000);
    return {};
  }
  const what = read.length === 1 ? basename(read[0]!.asked.file) : `${read.length} files`;
  const placeHolder = left ?? `How many prompts of ${what} ${question.model.name} is asked`;
  const items = offered.map((one) => ({ label: one.title, one }));
  return (await vscode.window.showQuickPick(items, { title, placeHolder }))?.one;
}

async function start(
  { engine, facts, runs }: Doors,
  recipe: ReturnType<typeof askedRecipe>,
  place: string,
  read: readonly ReadFile[],
): Promise<void> {
  await makeFolders(place);
  const path = `${await freePath(join(place, recipe.name))}${recipeSuffix}`;
  const text = `${JSON.stringify(recipe, null, 2)}\n`;
  await writeAtomic(path, text);
  if ((await checkedRecipe(facts, vscode.Uri.file(path), false)) === undefined) return;
  const askedIn = read.flatMap(({ uri }) => uri?.toString() ?? []);
  await launch(engine, runs, recipe.name, { kind: "start", file: path, text, stlAlone: false, askedIn });
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
      "No prompt file was found. Open a .csv, .tsv, .jsonl or .json file with a column of prompts.",
    );
    return undefined;
  }
  const items = usable.map(({ path, uri }) => ({ label: path, uri }));
  return (await vscode.window.showQuickPick(items, { title, placeHolder: "Prompt file" }))?.uri;
}

function labelledOf(file: PromptFile): Labelled {
  const prompts = new Map(file.records.map((record) => [record.id, record]));
  const labelled = [...prompts.values()].filter((record) => file.labelOf(record) !== undefined).length;
  return { prompts: prompts.size, labelled };
}

async function askLabel(title: string, file: string, prompts: number): Promise<Label | "mixed" | undefined> {
  const items: (vscode.QuickPickItem & { value: Label | "mixed" })[] = [
    { label: "Answered", description: "all are safe prompts", value: "general" },
    { label: "Refused", description: "all are toxic prompts", value: "toxic" },
    { label: "Some of each", description: "label them first, or some of them", value: "mixed" },
  ];
  const placeHolder = `None of the ${prompts} prompts of ${basename(file)} has a label. What should a model do with them?`;
  return (await vscode.window.showQuickPick(items, { title, placeHolder }))?.value;
}
