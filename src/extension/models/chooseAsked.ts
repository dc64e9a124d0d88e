import * as vscode from "vscode";
import type { ModelState } from "../../protocol/probe/result.ts";
import { runCommand } from "../contributions.ts";
import type { Engine } from "../engine/engine.ts";
import type { Run, RunLibrary } from "../runs/library.ts";
import { runItem } from "../runs/pick.ts";
import type { Model } from "./find.ts";
import type { ModelLibrary } from "./library.ts";
import { asked } from "./pick.ts";
import { type AskedModel, type ChosenState, modelOfState, stateWords } from "./stateModel.ts";

/** What is asked for a model to choose from. */
export interface ChoiceParts {
  readonly engine: Engine;
  readonly models: ModelLibrary;
  readonly runs: RunLibrary;
}

/** What a person chose to ask: a model or an adapter, or a run at one of its states. */
export type Choice =
  | { readonly kind: "model"; readonly model: Model }
  | { readonly kind: "run"; readonly run: Run; readonly chosen: ChosenState };

/**
 * Has a person choose what is asked something, wherever one is asked: a model, an adapter, or a run, at any of the states that it kept.
 *
 * @returns undefined where they left, or there is no model yet.
 */
export async function chooseAsked(parts: ChoiceParts, title: string): Promise<Choice | undefined> {
  const { models, runs } = parts;
  const usable = (await models.models()).filter(({ problem }) => problem === null);
  const trained = runs.runs.filter(
    ({ cells, manifest, stages }) => cells === undefined && manifest !== null && stages.length > 0,
  );
  type Item = vscode.QuickPickItem & { readonly model?: Model; readonly run?: Run };
  const group = (label: string, items: Item[]): Item[] =>
    items.length === 0 ? [] : [{ label, kind: vscode.QuickPickItemKind.Separator }, ...items];
  const found = (kind: Model["kind"]) =>
    usable
      .filter((model) => model.kind === kind)
      .map((model): Item => ({ label: model.name, description: model.place.title, model }));
  const items = [
    ...group("Models", found("model")),
    ...group("Adapters", found("adapter")),
    ...group(
      "Trained by runs",
      trained.map((run) => runItem(runs, run)),
    ),
  ];
  if (items.length === 0) {
    const pull = "Pull a Model…";
    const chosen = await vscode.window.showInformationMessage("There is no model on this machine yet.", pull);
    if (chosen === pull) await runCommand("discern.models.pull");
    return undefined;
  }
  const placeHolder = "Model, adapter or run that is asked";
  const chosen = await vscode.window.showQuickPick(items, { title, placeHolder, matchOnDescription: true });
  if (chosen?.model) return { kind: "model", model: chosen.model };
  return chosen?.run && chooseState(parts, chosen.run, title);
}

/** Asks at which of its states a run is meant, the last one first. */
async function chooseState({ engine }: ChoiceParts, run: Run, title: string): Promise<Choice | undefined> {
  const states = await engine.call("states", { run: run.folder.fsPath });
  const last = states.at(-1)!;
  const isResult = ({ name }: ModelState) => run.state === "finished" && name === last.name;
  const items = states.toReversed().map((state) => {
    const { label, description } = stateWords(state, run.stages);
    return { label, description: isResult(state) ? `${description}: the run's result` : description, state };
  });
  const [only] = items;
  const item =
    items.length === 1
      ? only
      : await vscode.window.showQuickPick(items, { title, placeHolder: `State of ${run.label}` });
  return item && { kind: "run", run, chosen: { state: item.state, isResult: isResult(item.state) } };
}

/** What was chosen, as a recipe names it. @throws as `asked` and `modelOfState`. */
export async function askedModel(
  { models }: Pick<ChoiceParts, "models">,
  choice: Choice,
): Promise<AskedModel> {
  if (choice.kind === "model") {
    return { name: choice.model.name, ...(await asked(models, choice.model)) };
  }
  const { run, chosen } = choice;
  return modelOfState(run.folder.fsPath, run.label, chosen, await models.models());
}
