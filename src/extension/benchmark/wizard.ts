import { access } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import * as vscode from "vscode";
import { type BenchmarkInput, benchmarkSuffix } from "../../protocol/benchmark.ts";
import { type Recipe, recipeSuffix } from "../../protocol/recipe.ts";
import { suiteSuffix } from "../../protocol/suiteDeclaration.ts";
import { readWritten } from "../../recipe/loadRecipe.ts";
import { parseRecipe } from "../../recipe/recipeFile.ts";
import { writeAtomic } from "../../storage/atomic.ts";
import { suiteFolders } from "../../suites/home.ts";
import { locateSuite } from "../../suites/locate.ts";
import { knownSuites } from "../../suites/registry.ts";
import type { ModelLibrary } from "../models/library.ts";
import type { PromptLibrary } from "../prompts/library.ts";
import { createRecipe, targetFolder } from "../recipe/wizard.ts";
import { askEndpoint } from "./askEndpoint.ts";
import {
  controlChoices,
  type JudgeChoice,
  judgeChoices,
  methodChoices,
  newBenchmark,
  ownSuite,
  type PresetChoice,
  presetChoices,
  type SuiteChoice,
  schemeChoices,
  seedsOf,
  suiteChoice,
} from "./newBenchmark.ts";
import { planLine } from "./planned.ts";
import type { Planner } from "./planner.ts";
import { budgets, type MethodChoice, type MethodInput, tunedMethods } from "./trainedMethods.ts";

const title = (step: number, what: string) => `New Benchmark (${step}/6): ${what}`;

/**
 * Asks for a recipe (model and data), methods, suites, judges, a tuning budget and seeds, or takes a preset whole; writes a benchmark file, opens it,
 * and says what it costs. No file is overwritten, and nothing is run.
 *
 * @throws vscode.CancellationError when no folder is open.
 */
export async function createBenchmark(
  { models, prompts }: { models: ModelLibrary; prompts: PromptLibrary },
  planner: Planner,
): Promise<void> {
  const folder = await targetFolder("A benchmark is a file beside your recipes. Open a folder first.");
  if (folder === undefined) return;
  const begun = await pickRecipe(models, prompts);
  if (begun === undefined) return;
  if (begun.preset !== undefined) {
    const { label, value, suffix } = begun.preset;
    const { name, path } = await freeName(folder.fsPath, label.slice("preset:".length), suffix);
    await writeAndShow({ ...value, name }, path, planner);
    return;
  }
  const { recipe } = begun;
  const read = parseRecipe(await readWritten(recipe.fsPath, "recipe"), recipe.fsPath);
  const methods = await pickMethods(read);
  if (!methods?.length) return;
  const lacking = methods.find(({ on }) => on !== undefined && !methods.some(({ name }) => name === on));
  if (lacking !== undefined) {
    void vscode.window.showWarningMessage(`${lacking.name} begins with ${lacking.on}: choose that, too.`);
    return;
  }
  const fromRecipe = (uri: vscode.Uri) => pathFrom(dirname(recipe.fsPath), uri);
  const controls = await pickControls(methods);
  if (controls === undefined) return;
  const suites = await pickSuites(fromRecipe, prompts);
  if (!suites?.length) return;
  const judges = await pickJudges(fromRecipe);
  if (!judges?.length) return;
  const trials = await pickBudget();
  if (trials === undefined) return;
  const seeds = await askSeeds();
  if (seeds === undefined) return;
  const { name, path } = await freeName(
    folder.fsPath,
    basename(recipe.fsPath, recipeSuffix),
    benchmarkSuffix,
  );
  const benchmark = newBenchmark({
    ...{ name, judges, seeds, suites, trials, controls },
    methods: trials === null ? methods : tunedMethods(methods, read, trials),
    recipe: pathFrom(folder.fsPath, recipe),
  });
  await writeAndShow(benchmark, path, planner);
}

/** A path as a file in the folder writes it. */
function pathFrom(folder: string, { fsPath }: vscode.Uri): string {
  return relative(folder, fsPath).split(sep).join("/");
}

async function writeAndShow(benchmark: PresetChoice["value"], path: string, planner: Planner): Promise<void> {
  await writeAtomic(path, `${JSON.stringify(benchmark, null, 2)}\n`);
  const document = await vscode.workspace.openTextDocument(vscode.Uri.file(path));
  await vscode.window.showTextDocument(document);
  const { summary } = await planner.plan(document);
  void vscode.window.showInformationMessage(
    summary === null
      ? `${basename(path)} was written. Its problems are shown at their keys.`
      : `${basename(path)} was written: ${planLine(summary)}. Run it by the lens above its first line.`,
  );
}

/** What a new benchmark begins with: a recipe, or a preset. */
type Begun = { readonly recipe: vscode.Uri; readonly preset?: undefined } | { readonly preset: PresetChoice };

async function pickRecipe(models: ModelLibrary, prompts: PromptLibrary): Promise<Begun | undefined> {
  type Item = vscode.QuickPickItem & { uri?: vscode.Uri; preset?: PresetChoice };
  const found = await vscode.workspace.findFiles(`**/*${recipeSuffix}`, "**/node_modules/**");
  const items: Item[] = found
    .map((uri) => ({ label: `$(json) ${vscode.workspace.asRelativePath(uri)}`, uri }))
    .sort((a, b) => a.label.localeCompare(b.label));
  const fresh: Item = { label: "$(add) New Recipe…", description: "choose a model and prompt files" };
  const heading: Item = { label: "Whole benchmarks and sweeps", kind: separator };
  const whole = presetChoices.map(
    (preset): Item => ({
      label: `$(beaker) ${preset.label}`,
      description: preset.description,
      detail: "a copy of it, as a file that you can change",
      preset,
    }),
  );
  const chosen = await vscode.window.showQuickPick([...items, fresh, heading, ...whole], {
    title: title(1, "Model and data"),
    placeHolder: "The recipe whose model, data and stages every method shares, or a preset",
  });
  if (chosen?.preset !== undefined) return { preset: chosen.preset };
  const recipe = chosen === fresh ? await createRecipe(models, prompts) : chosen?.uri;
  return recipe && { recipe };
}

const pickMethods = (recipe: Recipe) => pickAmong(methodChoices(recipe), "Methods", "Methods to compare");

/** Controls of the inference-time methods that were chosen; not asked where there is none of these. */
async function pickControls(methods: readonly MethodInput[]): Promise<MethodInput[] | undefined> {
  const choices = controlChoices(methods);
  if (choices.length === 0) return [];
  const what =
    "Ten draws of random vectors in place of a method's own, on a suite with safe and unsafe prompts";
  return pickAmong(choices, "Controls", what);
}

async function pickAmong(
  choices: readonly MethodChoice[],
  what: string,
  placeHolder: string,
): Promise<MethodInput[] | undefined> {
  const items = choices.map(({ method, about, picked }) => ({
    ...{ label: method.name, description: about, picked, method },
  }));
  const chosen = await vscode.window.showQuickPick(items, {
    ...{ title: title(2, what), placeHolder, canPickMany: true, matchOnDescription: true },
  });
  return chosen?.map(({ method }) => method);
}

const separator = vscode.QuickPickItemKind.Separator;

const groups: readonly { readonly task: SuiteChoice["task"]; readonly label: string }[] = [
  { task: "refusal", label: "Refusal: over-refusal and harm" },
  { task: "choice", label: "Capability: questions of several choices" },
  { task: "pairwise", label: "Helpfulness: answers compared by a judge" },
];

type SuiteInput = NonNullable<BenchmarkInput["suites"]>[number];

/** The path of a file as a recipe writes it. */
type FromRecipe = (uri: vscode.Uri) => string;

/** Known suites, and prompt and suite files of the workspace. */
async function pickSuites(fromRecipe: FromRecipe, prompts: PromptLibrary): Promise<SuiteInput[] | undefined> {
  const folders = suiteFolders();
  const suites = await Promise.all(
    knownSuites.map(async (declaration) => {
      const found = { declaration, folder: null };
      return suiteChoice(found, await locateSuite(found, folders));
    }),
  );
  type Item = vscode.QuickPickItem & { suite?: SuiteInput };
  const declared = await vscode.workspace.findFiles(`**/*${suiteSuffix}`, "**/node_modules/**");
  const local = prompts.files.map(({ uri }) => uri).filter(({ scheme }) => scheme === "file");
  const files = [...declared, ...local].map(
    (uri): Item => ({
      label: `$(file) ${vscode.workspace.asRelativePath(uri)}`,
      suite: ownSuite(fromRecipe(uri)),
    }),
  );
  const known = groups.flatMap(({ task, label }): Item[] => {
    const own = suites.filter((suite) => suite.task === task);
    return [
      { label, kind: separator },
      ...own.map((suite) => ({
        label: `${suite.isMissing ? "$(cloud-download)" : "$(check)"} ${suite.label}`,
        description: suite.description,
        detail: suite.detail,
        suite: suite.id,
        picked: suite.id === "xstest",
      })),
    ];
  });
  const own: Item = { label: "Your files: toxic prompts are unsafe, others safe", kind: separator };
  const chosen = await vscode.window.showQuickPick(files.length > 0 ? [...known, own, ...files] : known, {
    title: title(3, "Suites"),
    placeHolder: "Suites to evaluate on; one that is missing stays in the table as missing",
    canPickMany: true,
    matchOnDetail: true,
  });
  return chosen?.flatMap(({ suite }) => suite ?? []);
}

type JudgeInput = NonNullable<BenchmarkInput["judges"]>[number];

async function pickJudges(fromRecipe: FromRecipe): Promise<JudgeInput[] | undefined> {
  type Item = vscode.QuickPickItem & { choice?: JudgeChoice };
  const items = (hasModel: boolean) =>
    judgeChoices
      .filter((choice) => choice.hasModel === hasModel)
      .map((choice, i): Item => {
        const { label, about } = choice;
        return { label, description: about, choice, picked: !hasModel && i === 0 };
      });
  const models: Item = { label: "With a model, which is pulled beforehand", kind: separator };
  const chosen = await vscode.window.showQuickPick([...items(false), models, ...items(true)], {
    title: title(4, "Judges"),
    placeHolder: "Judges of the answers; rates are those of the first one of refusal",
    canPickMany: true,
  });
  if (chosen === undefined) return undefined;
  const judges: JudgeInput[] = [];
  for (const { choice } of chosen) {
    const judge =
      choice?.judge ?? (await askEndpoint(title(4, "A Model behind an API"), schemeChoices, fromRecipe));
    if (judge === undefined) return undefined;
    judges.push(judge);
  }
  return judges;
}

/** The tuning budget; null for none. */
async function pickBudget(): Promise<number | null | undefined> {
  const items = [
    { label: "No tuning", description: "the recipe's settings for every method", trials: null },
    ...budgets.map((trials) => ({
      label: `${trials} trials of every method`,
      description: "learning rates of what trains, strengths of what steers, on starter-panel",
      trials,
    })),
  ];
  const chosen = await vscode.window.showQuickPick(items, {
    title: title(5, "Tuning"),
    placeHolder:
      "Settings that are tried for each method, the same number for all; test suites are not touched",
  });
  return chosen?.trials;
}

async function askSeeds(): Promise<number[] | undefined> {
  const text = await vscode.window.showInputBox({
    title: title(6, "Seeds"),
    prompt: "Seeds, one run of each method that trains per seed",
    value: "0, 1, 2",
    validateInput: (value) => (seedsOf(value) === null ? "Write seeds such as 0, 1, 2 or 0-4." : undefined),
  });
  return text === undefined ? undefined : (seedsOf(text) ?? undefined);
}

async function freeName(
  folder: string,
  wanted: string,
  suffix: string,
): Promise<{ name: string; path: string }> {
  for (let n = 1; ; n++) {
    const base = n === 1 ? wanted : `${wanted}-${n}`;
    const path = join(folder, `${base}${suffix}`);
    const taken = await access(path).then(
      () => true,
      () => false,
    );
    // Its folder of runs is not that of the recipe's own runs.
    if (!taken) return { name: suffix === benchmarkSuffix ? `${base}-benchmark` : base, path };
  }
}
