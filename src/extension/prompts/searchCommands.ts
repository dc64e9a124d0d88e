import * as vscode from "vscode";
import { count } from "../../wording/numbers.ts";
import { changeSetting, registerCommand } from "../contributions.ts";
import { countFacets } from "./facets.ts";
import { everything, type PromptFilter, type VerdictKind, verdictKinds } from "./filter.ts";
import type { PromptLibrary } from "./library.ts";
import { type PromptState, promptStates } from "./promptState.ts";
import type { PromptTree } from "./tree.ts";
import type { TreeModel } from "./treeModel.ts";
import { wordState, wordVerdict } from "./words.ts";

/** Milliseconds after the last key until the tree follows the search. */
const PAUSE = 150;

/** Search, filters and grouping of the Prompts view. */
export function registerSearchCommands(
  library: PromptLibrary,
  model: TreeModel,
  tree: PromptTree,
): vscode.Disposable {
  return vscode.Disposable.from(
    registerCommand("discern.prompts.search", () => search(model, tree)),
    registerCommand("discern.prompts.filter", async () => {
      await tree.readAll();
      const filter = await chooseFilter(library, model);
      if (filter) tree.setFilter(filter);
    }),
    registerCommand("discern.prompts.clearFilter", () => tree.setFilter(everything)),
    registerCommand("discern.prompts.groupBy", () => chooseGrouping(model)),
  );
}

/** Searches while a person types; Escape brings back what was shown before. */
function search(model: TreeModel, tree: PromptTree): void {
  const before = model.filter;
  const input = vscode.window.createInputBox();
  input.title = "Search Prompts";
  input.placeholder = "Text of the prompt, or the name of a pair";
  input.value = before.text;
  let timer: NodeJS.Timeout | undefined;
  let accepted = false;
  const show = () => {
    clearTimeout(timer);
    if (model.filter.text !== input.value) tree.setFilter({ ...model.filter, text: input.value });
  };
  input.onDidChangeValue(() => {
    clearTimeout(timer);
    timer = setTimeout(show, PAUSE);
  });
  input.onDidAccept(() => {
    accepted = true;
    show();
    input.hide();
  });
  input.onDidHide(() => {
    clearTimeout(timer);
    if (!accepted && model.filter !== before) tree.setFilter(before);
    input.dispose();
  });
  input.show();
  input.busy = true;
  void tree.readAll().finally(() => {
    input.busy = false;
  });
}

type FilterItem = vscode.QuickPickItem & { change?: (filter: MutableFilter) => void };
interface MutableFilter {
  states: Set<PromptState>;
  kinds: Set<string>;
  disputed: boolean;
  verdicts: Set<VerdictKind>;
}

async function chooseFilter(library: PromptLibrary, model: TreeModel): Promise<PromptFilter | undefined> {
  const { filter } = model;
  const facets = countFacets(library.files, model, (file, id) => library.verdicts?.verdictOf(file, id));
  const separator = (label: string): FilterItem => ({ label, kind: vscode.QuickPickItemKind.Separator });
  const items: FilterItem[] = [
    separator("Label"),
    ...promptStates.map((state) => ({
      label: wordState(state),
      description: count(facets.states.get(state) ?? 0),
      picked: filter.states.has(state),
      change: ({ states }: MutableFilter) => void states.add(state),
    })),
    separator("Disagreement"),
    {
      label: "disputed",
      description: count(facets.disputed),
      picked: filter.disputed,
      change: (chosen) => {
        chosen.disputed = true;
      },
    },
  ];
  if (library.verdicts) {
    items.push(separator("Verdict of the run that a file shows"));
    for (const verdict of verdictKinds) {
      items.push({
        label: wordVerdict(verdict),
        description: count(facets.verdicts.get(verdict) ?? 0),
        picked: filter.verdicts.has(verdict),
        change: ({ verdicts }) => void verdicts.add(verdict),
      });
    }
  }
  items.push(separator("Category"));
  for (const [kind, prompts] of [...facets.kinds].sort(([a], [b]) => a.localeCompare(b))) {
    items.push({
      label: kind || "No category",
      description: count(prompts),
      picked: filter.kinds.has(kind),
      change: ({ kinds }) => void kinds.add(kind),
    });
  }
  const picked = await vscode.window.showQuickPick(items, {
    canPickMany: true,
    title: "Filter Prompts",
    placeHolder: "Show prompts that match a choice in every section",
  });
  if (!picked) return undefined;
  const chosen: MutableFilter = { states: new Set(), kinds: new Set(), disputed: false, verdicts: new Set() };
  for (const { change } of picked) change?.(chosen);
  return { ...chosen, text: filter.text };
}

async function chooseGrouping(model: TreeModel): Promise<void> {
  const items = [
    { label: "By label", value: "label" as const },
    { label: "By category", value: "kind" as const },
  ].map((item) => ({
    ...item,
    description: item.value === model.groupBy ? "current" : undefined,
  }));
  const picked = await vscode.window.showQuickPick(items, { title: "Group Prompts" });
  if (picked) await changeSetting("discern.prompts.groupBy", picked.value);
}
