import { access } from "node:fs/promises";
import { basename, resolve } from "node:path";
import * as vscode from "vscode";
import { asFileName } from "../../protocol/fileName.ts";
import { type JudgeSpec, judgeQuestion, judgeSpecSchema, schemeQuestion } from "../../protocol/judges.ts";
import { openingsSuffix } from "../../protocol/openings.ts";
import type { ParamsInput } from "../../protocol/rpc.ts";
import type { SourceInput } from "../../protocol/source.ts";
import { askEndpoint } from "../benchmark/askEndpoint.ts";
import { judgeChoices, schemeChoices } from "../benchmark/newBenchmark.ts";
import { duringCall } from "../engine/progress.ts";
import { recipeName } from "../models/find.ts";
import { pickPromptFiles } from "../prompts/pickFiles.ts";
import { columnOf, pathInside } from "../prompts/workspaceFiles.ts";
import { targetFolder } from "../recipe/wizard.ts";
import { runItem } from "../runs/pick.ts";
import type { MeasureParts } from "./measure.ts";
import { madeWords, planLines, takesOpenings, withOpenings } from "./openingsUse.ts";

const title = (step: number, what: string) => `Derive Refusal Openings (${step}/5): ${what}`;

/** Answers to each prompt by each model. */
const samples = 8;

/** The training prompts of the starter set: of a split that no suite of a preset tests with. */
const starterTraining: readonly SourceInput[] = [
  { file: "starter:pairs.csv", split: "train" },
  { file: "starter:general.jsonl", split: "train" },
];

/**
 * Asks for models and runs, training prompts, a judge and a file, shows the cost, derives openings of a refusal from the sampled answers, opens
 * their file, and offers to measure by them in the recipe that is open.
 *
 * @throws as `Engine.call`; vscode.CancellationError where it was cancelled: nothing is written then.
 */
export async function deriveOpenings(parts: MeasureParts): Promise<void> {
  const { engine, prompts } = parts;
  const user = measuringFile();
  const folder = await targetFolder(
    "Openings are written into a folder of the workspace. Open a folder first.",
  );
  if (folder === undefined) return;
  const models = await pickModels(parts);
  if (models === undefined) return;
  const sources = await pickSources(prompts, folder);
  if (sources === undefined) return;
  const judge = await pickJudge(folder);
  if (judge === undefined) return;
  const out = await askFile(folder, models[0]!.label);
  if (out === undefined) return;
  const ask: ParamsInput<"deriveOpenings"> = {
    ...{ root: folder.fsPath, prompts: sources, judge, samples, out },
    models: models.map(({ model }) => model),
  };
  const plan = await duringCall("Reading what openings are derived from", (options) =>
    engine.call("planOpenings", ask, options),
  );
  const go = "Derive";
  const url = typeof judge === "object" && judge.type === "endpoint" ? judge.url : undefined;
  const answer = await vscode.window.showInformationMessage(
    `Derive openings of ${plan.models.join(", ")}?`,
    { modal: true, detail: planLines(plan, { samples, url }).join("\n") },
    go,
  );
  if (answer !== go) return;
  const made = await duringCall("Deriving refusal openings", (options) =>
    engine.call("deriveOpenings", ask, options),
  );
  await vscode.window.showTextDocument(vscode.Uri.file(made.file), { preview: false });
  const show =
    made.caveats.length > 0 ? vscode.window.showWarningMessage : vscode.window.showInformationMessage;
  const use = user && `Use in ${basename(user.fsPath)}`;
  const chosen = await show(madeWords(made), ...(use === undefined ? [] : [use]));
  if (user !== undefined && chosen !== undefined) await useIn(user, made.file);
}

/** The file that measures by openings and is open: the active editor's, else one that is seen, else any that is open. */
function measuringFile(): vscode.Uri | undefined {
  const { activeTextEditor: active, visibleTextEditors, tabGroups } = vscode.window;
  const open = tabGroups.all.flatMap(({ tabs }) =>
    tabs.flatMap(({ input }) => (input instanceof vscode.TabInputText ? input.uri : [])),
  );
  const seen = visibleTextEditors.map(({ document }) => document.uri);
  return [...(active ? [active.document.uri] : []), ...seen, ...open].find(
    ({ scheme, fsPath }) => scheme === "file" && takesOpenings(fsPath),
  );
}

/** Asks who answers: models, and runs with what they trained. */
async function pickModels({
  library,
  models,
}: MeasureParts): Promise<{ label: string; model: string }[] | undefined> {
  const usable = (await models.models()).filter(({ kind, problem }) => kind === "model" && problem === null);
  const runs = library.runs.filter(
    ({ cells, manifest, state }) => cells === undefined && manifest !== null && state === "finished",
  );
  if (usable.length + runs.length === 0) {
    void vscode.window.showInformationMessage(
      'There is no model on this machine yet. "Discern: Pull Model…" fetches one.',
    );
    return undefined;
  }
  type Item = vscode.QuickPickItem & { readonly asked?: { label: string; model: string } };
  const separator = (label: string): Item => ({ label, kind: vscode.QuickPickItemKind.Separator });
  const items: Item[] = [
    ...(usable.length > 0 ? [separator("Models")] : []),
    ...usable.map((model) => ({
      label: model.name,
      description: model.place.title,
      asked: { label: model.name, model: recipeName(model) },
    })),
    ...(runs.length > 0 ? [separator("Runs, as they ended")] : []),
    ...runs.map((run) => ({
      ...runItem(library, run),
      asked: { label: run.label, model: run.folder.fsPath },
    })),
  ];
  const chosen = await vscode.window.showQuickPick(items, {
    title: title(1, "Models"),
    placeHolder: "All models and runs that will be compared: one list of openings measures them all",
    canPickMany: true,
    matchOnDescription: true,
    matchOnDetail: true,
  });
  const asked = chosen?.flatMap((item) => item.asked ?? []);
  return asked?.length ? asked : undefined;
}

/** Asks which training prompts are answered, and how many of each file. */
async function pickSources(
  prompts: MeasureParts["prompts"],
  folder: vscode.Uri,
): Promise<SourceInput[] | undefined> {
  const picked = await pickPromptFiles(prompts, {
    title: title(2, "Prompts"),
    placeHolder: "Training prompts, toxic and harmless ones; never those of a suite that is tested on",
    starterPart: "its training split: pairs and general prompts",
  });
  if (picked === undefined) return undefined;
  const files = picked.files.map(({ uri }): SourceInput => {
    const column = columnOf(uri);
    return { file: pathInside(folder, uri), ...(column !== undefined && { columns: { prompt: column } }) };
  });
  const sources = [...files, ...(picked.starter ? starterTraining : [])];
  const amounts = [40, 80, 200].map((limit) => ({
    label: `${limit} of each file`,
    description: `drawn at random; at most ${samples * limit * sources.length} answers of each model`,
    limit,
  }));
  const all: vscode.QuickPickItem & { limit?: number } = { label: "All", description: "every prompt" };
  const chosen = await vscode.window.showQuickPick([...amounts, all], {
    title: title(3, "Number of Prompts"),
    placeHolder: `Prompts of which each model gives ${samples} answers; the cost is shown before anything is computed`,
  });
  if (chosen === undefined) return undefined;
  return sources.map((source) => ({ ...source, ...(chosen.limit !== undefined && { limit: chosen.limit }) }));
}

/** Asks who decides which answers refuse. */
async function pickJudge(folder: vscode.Uri): Promise<JudgeSpec | undefined> {
  const fitting = judgeChoices.filter(
    ({ judge }) => judge === null || judgeQuestion(judgeSpecSchema.parse(judge)) === "refusal",
  );
  const items = fitting.map((choice) => ({ label: choice.label, description: choice.about, choice }));
  const withModel = {
    label: "With a model, which is pulled beforehand",
    kind: vscode.QuickPickItemKind.Separator,
  };
  const step = title(4, "Judge");
  const chosen: (vscode.QuickPickItem & { choice?: (typeof fitting)[number] }) | undefined =
    await vscode.window.showQuickPick(
      [
        ...items.filter(({ choice }) => !choice.hasModel),
        { ...withModel },
        ...items.filter(({ choice }) => choice.hasModel),
      ],
      {
        title: step,
        placeHolder: "Who decides which answers refuse; one of strings finds the refusals that it lists",
        matchOnDescription: true,
      },
    );
  if (chosen?.choice === undefined) return undefined;
  const schemes = schemeChoices.filter(({ scheme }) => schemeQuestion[scheme] === "refusal");
  const judge = chosen.choice.judge ?? (await askEndpoint(step, schemes, (file) => pathInside(folder, file)));
  return judge && judgeSpecSchema.parse(judge);
}

/** Asks for the file that is written; one that is free is proposed, and none is replaced. */
async function askFile(folder: vscode.Uri, model: string): Promise<string | undefined> {
  const isTaken = (name: string) =>
    access(resolve(folder.fsPath, name)).then(
      () => true,
      () => false,
    );
  const wanted = asFileName(basename(model), "model");
  let free = `${wanted}${openingsSuffix}`;
  for (let n = 2; await isTaken(free); n++) free = `${wanted}-${n}${openingsSuffix}`;
  return vscode.window.showInputBox({
    title: title(5, "File"),
    prompt: `File that is written, relative to ${basename(folder.fsPath)}`,
    value: free,
    valueSelection: [0, free.length - openingsSuffix.length],
    async validateInput(name) {
      if (!name.endsWith(openingsSuffix) || basename(name) === openingsSuffix) {
        return `A file of openings is called NAME${openingsSuffix}.`;
      }
      return (await isTaken(name)) ? `${name} exists and is never replaced. Choose another name.` : undefined;
    },
  });
}

/** Writes the file of openings into a file that measures, unsaved. */
async function useIn(user: vscode.Uri, openings: string): Promise<void> {
  const document = await vscode.workspace.openTextDocument(user);
  const text = document.getText();
  const edit = new vscode.WorkspaceEdit();
  const whole = new vscode.Range(document.positionAt(0), document.positionAt(text.length));
  edit.replace(user, whole, withOpenings(text, user.fsPath, openings));
  await vscode.workspace.applyEdit(edit);
  await vscode.window.showTextDocument(document);
}
