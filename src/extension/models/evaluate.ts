import { join } from "node:path";
import * as vscode from "vscode";
import { asFileName } from "../../protocol/fileName.ts";
import type { Engine } from "../engine/engine.ts";
import { duringCall } from "../engine/progress.ts";
import type { PromptLibrary } from "../prompts/library.ts";
import { suiteNames } from "../recipe/newRecipe.ts";
import { targetFolder } from "../recipe/wizard.ts";
import { freePath } from "../runs/freeName.ts";
import { openReportFile } from "../runs/openReport.ts";

/** What is asked: a model as recipes name it, with adapters. */
export interface Asked {
  readonly name: string;
  readonly base: string;
  readonly adapters: readonly string[];
}

const starter = { name: "starter-test", source: { file: "starter:pairs.csv", split: "test" } };

/**
 * Has a model answer prompt files that a person chooses, and opens the report, which lies in the folder `evaluations` of the workspace.
 *
 * @throws as `Engine.call`; vscode.CancellationError where no folder is open.
 */
export async function evaluateModel(engine: Engine, prompts: PromptLibrary, asked: Asked): Promise<void> {
  const folder = await targetFolder(
    "A report is written into a folder of the workspace. Open a folder first.",
  );
  if (folder === undefined) return;
  const suites = await pickSuites(prompts);
  if (suites === undefined || suites.length === 0) return;
  const out = await freePath(join(folder.fsPath, "evaluations", asFileName(asked.name, "model")));
  const model = { base: asked.base, adapters: [...asked.adapters] };
  await duringCall(`Evaluating ${asked.name}`, (options) =>
    engine.call("evaluate", { model, root: folder.fsPath, name: asked.name, suites, out }, options),
  );
  await openReportFile(vscode.Uri.file(join(out, "report.json")));
}

/** Asks for prompt files, as sources with names of their own; undefined where the person left. */
export async function pickSuites(
  prompts: PromptLibrary,
  { title, placeHolder }: { readonly title: string; readonly placeHolder: string } = {
    title: "Evaluate a Model",
    placeHolder: "Prompt files that the model answers",
  },
) {
  await prompts.discovered();
  const usable = prompts.files.filter(({ state }) => state !== "unclear" && state !== "failed");
  const names = suiteNames(
    usable.map(({ path }) => path),
    starter.name,
  );
  const items = [
    { label: "Starter set", description: "its test split", suite: starter },
    ...usable.map((file, i) => ({
      label: file.path,
      suite: { name: names[i]!, source: { file: file.uri.fsPath } },
    })),
  ];
  const chosen = await vscode.window.showQuickPick(items, {
    title,
    placeHolder,
    canPickMany: true,
  });
  return chosen?.map(({ suite }) => suite);
}
