import { access } from "node:fs/promises";
import { basename, join, relative, sep } from "node:path";
import * as vscode from "vscode";
import { benchmarkSuffix } from "../../protocol/benchmark.ts";
import { recipeSuffix } from "../../protocol/recipe.ts";
import { writeAtomic } from "../../storage/atomic.ts";
import { suiteFolders } from "../../suites/home.ts";
import { locateSuite } from "../../suites/locate.ts";
import { knownSuites } from "../../suites/registry.ts";
import type { ModelLibrary } from "../models/library.ts";
import type { PromptLibrary } from "../prompts/library.ts";
import { createRecipe, targetFolder } from "../recipe/wizard.ts";
import {
  judgeChoices,
  methodChoices,
  newBenchmark,
  type PresetChoice,
  presetChoices,
  type SuiteChoice,
  seedsOf,
  suiteChoice,
} from "./newBenchmark.ts";
import { planLine } from "./planned.ts";
import type { Planner } from "./planner.ts";

const title = (step: number, what: string) => `New Benchmark (${step}/5): ${what}`;

/**
 * Asks for a recipe (model and data), methods, suites, judges and seeds, or takes a preset whole; writes a benchmark file, opens it,
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
  const methods = await pickMethods();
  if (!methods?.length) return;
  const lacking = methods.find(({ on }) => on !== undefined && !methods.some(({ name }) => name === on));
  if (lacking !== undefined) {
    void vscode.window.showWarningMessage(`${lacking.name} begins with ${lacking.on}: choose that, too.`);
    return;
  }
  const suites = await pickSuites();
  if (!suites?.length) return;
  const judges = await pickJudges();
  if (!judges?.length) return;
  const seeds = await askSeeds();
  if (seeds === undefined) return;
  const { name, path } = await freeName(
    folder.fsPath,
    basename(recipe.fsPath, recipeSuffix),
    benchmarkSuffix,
  );
  const benchmark = newBenchmark({
    ...{ name, methods, judges, seeds, suites: suites.map(({ id }) => id) },
    recipe: relative(folder.fsPath, recipe.fsPath).split(sep).join("/"),
  });
  await writeAndShow(benchmark, path, planner);
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
  const separator: Item = { label: "Whole benchmarks and sweeps", kind: vscode.QuickPickItemKind.Separator };
  const whole = presetChoices.map(
    (preset): Item => ({
      label: `$(beaker) ${preset.label}`,
      description: preset.description,
      detail: "a copy of it, as a file that you can change",
      preset,
    }),
  );
  const chosen = await vscode.window.showQuickPick([...items, fresh, separator, ...whole], {
    title: title(1, "Model and data"),
    placeHolder: "The recipe whose model, data and stages every method shares, or a preset",
  });
  if (chosen?.preset !== undefined) return { preset: chosen.preset };
  const recipe = chosen === fresh ? await createRecipe(models, prompts) : chosen?.uri;
  return recipe && { recipe };
}

async function pickMethods() {
  const items = methodChoices.map(({ method, about, picked }) => ({
    ...{ label: method.name, description: about, picked, method },
  }));
  const chosen = await vscode.window.showQuickPick(items, {
    title: title(2, "Methods"),
    placeHolder: "Methods to compare",
    canPickMany: true,
    matchOnDescription: true,
  });
  return chosen?.map(({ method }) => method);
}

const groups: readonly { readonly task: SuiteChoice["task"]; readonly label: string }[] = [
  { task: "refusal", label: "Refusal: over-refusal and harm" },
  { task: "choice", label: "Capability: questions of several choices" },
  { task: "pairwise", label: "Helpfulness: answers compared by a judge" },
];

async function pickSuites(): Promise<SuiteChoice[] | undefined> {
  const folders = suiteFolders();
  const suites = await Promise.all(
    knownSuites.map(async (declaration) => {
      const found = { declaration, folder: null };
      return suiteChoice(found, await locateSuite(found, folders));
    }),
  );
  type Item = vscode.QuickPickItem & { suite?: SuiteChoice };
  const items = groups.flatMap(({ task, label }): Item[] => {
    const own = suites.filter((suite) => suite.task === task);
    return [
      { label, kind: vscode.QuickPickItemKind.Separator },
      ...own.map((suite) => ({
        label: `${suite.isMissing ? "$(cloud-download)" : "$(check)"} ${suite.label}`,
        description: suite.description,
        detail: suite.detail,
        suite,
        picked: suite.id === "xstest",
      })),
    ];
  });
  const chosen = await vscode.window.showQuickPick(items, {
    title: title(3, "Suites"),
    placeHolder: "Suites to evaluate on; one that is missing stays in the table as missing",
    canPickMany: true,
    matchOnDetail: true,
  });
  return chosen?.flatMap(({ suite }) => suite ?? []);
}

async function pickJudges(): Promise<string[] | undefined> {
  const chosen = await vscode.window.showQuickPick(
    judgeChoices.map(({ id, about }, i) => ({ label: id, description: about, picked: i === 0 })),
    {
      title: title(4, "Judges"),
      placeHolder: "Judges of the answers; those with a model are added in the file",
      canPickMany: true,
    },
  );
  return chosen?.map(({ label }) => label);
}

async function askSeeds(): Promise<number[] | undefined> {
  const text = await vscode.window.showInputBox({
    title: title(5, "Seeds"),
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
