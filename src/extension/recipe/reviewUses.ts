import { isAbsolute, posix } from "node:path";
import * as vscode from "vscode";
import type { Label } from "../../protocol/label.ts";
import type { RecipeInput } from "../../protocol/recipe.ts";
import { DisposableStore } from "../disposableStore.ts";
import { type FileUse, isUnlabelled, possibleUses, sourceOf, type UsedFile, withLabel } from "./fileUses.ts";
import { standIns } from "./newRecipe.ts";
import { contentWords, labelWords, useNames, useWords } from "./useWords.ts";

/** A line of the review: what Enter does there. */
interface ReviewItem extends vscode.QuickPickItem {
  readonly does?: "create" | { readonly change: number };
}

/**
 * Shows how each file of a new recipe will be used, with its counts, and lets a person change it.
 *
 * @returns the files as they will be used; "back" where the files are to be chosen again; undefined where the person ended it.
 */
export async function reviewUses(
  proposed: readonly UsedFile[],
  model: RecipeInput["model"],
): Promise<readonly UsedFile[] | "back" | undefined> {
  let used = proposed;
  let active = -1;
  for (;;) {
    const answer = await ask(used, model, active);
    if (answer === "create") return used;
    if (answer === "back" || answer === undefined) return answer;
    active = answer.change;
    const changed = await changeUses(used[active]!);
    if (changed) used = used.with(active, changed);
  }
}

/** @param active the file on which the focus is; the line that creates the recipe where it is none. */
async function ask(
  used: readonly UsedFile[],
  model: RecipeInput["model"],
  active: number,
): Promise<"create" | "back" | { readonly change: number } | undefined> {
  const store = new DisposableStore();
  const pick = store.add(vscode.window.createQuickPick<ReviewItem>());
  pick.title = "New Recipe (3/4): How the Files Are Used";
  pick.placeholder = "Enter on a file changes its use. 240 + 240: toxic + seemingly toxic prompts";
  pick.buttons = [vscode.QuickInputButtons.Back];
  pick.ignoreFocusOut = true;
  pick.matchOnDescription = true;
  pick.items = items(used, model);
  const focused = pick.items.find(({ does }) => typeof does === "object" && does.change === active);
  if (focused) pick.activeItems = [focused];
  const answered = Promise.withResolvers<ReviewItem["does"] | "back" | undefined>();
  store.add(
    pick.onDidAccept(() => {
      const does = pick.activeItems[0]?.does;
      if (does !== undefined) answered.resolve(does);
    }),
  );
  store.add(pick.onDidTriggerItemButton(({ item }) => answered.resolve(item.does)));
  store.add(pick.onDidTriggerButton(() => answered.resolve("back")));
  store.add(pick.onDidHide(() => answered.resolve(undefined)));
  pick.show();
  const answer = await answered.promise;
  store.dispose();
  return answer;
}

function items(used: readonly UsedFile[], model: RecipeInput["model"]): ReviewItem[] {
  const edit: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon("edit"), tooltip: "Change Use…" };
  const separator = (label: string): ReviewItem => ({ label, kind: vscode.QuickPickItemKind.Separator });
  const starter = standIns(used);
  const named = typeof model === "string" ? { base: model, adapters: [] } : model;
  const names = [named.base, ...(named.adapters ?? [])];
  return [
    { label: "$(check) Create Recipe…", description: "its name is asked next", does: "create" },
    ...(used.length > 0 ? [separator("files")] : []),
    ...used.map(
      (one, change): ReviewItem => ({
        // The name stands first and the folder last, so that what is cut off is the folder.
        label: `$(${one.uses.length > 0 ? "file" : "circle-slash"}) ${posix.basename(one.file.path)}`,
        description: [contentWords(one), posix.dirname(one.file.path).replace(/^\.$/, "")]
          .filter(Boolean)
          .join(" · "),
        detail: useWords(one),
        does: { change },
        buttons: [edit],
      }),
    ),
    ...(starter.length > 0
      ? [separator("not in the files"), { label: "$(package) Starter set", detail: starter.join(", ") }]
      : []),
    separator("model"),
    {
      label: `$(symbol-misc) ${names.join(" + ")}`,
      ...(names.some(isAbsolute) && {
        detail: "a path of this machine: on others, the recipe needs another name",
      }),
    },
  ];
}

/** Has a person choose what a file is used for, and first what its prompts are where none has a label. */
async function changeUses(used: UsedFile): Promise<UsedFile | undefined> {
  const { file } = used;
  if (file.problem !== undefined || file.records.length === 0) {
    void vscode.window.showWarningMessage(
      `${file.path} is not used: ${file.problem ?? "it holds no prompts."}`,
    );
    return undefined;
  }
  const labelled = isUnlabelled(file) ? await chooseLabel(used) : used;
  if (labelled === undefined) return undefined;
  const possible = possibleUses(labelled);
  if (possible.length === 0) return labelled;
  const counts = (use: FileUse) =>
    labelWords(sourceOf({ ...labelled, uses: [...new Set([...labelled.uses, use])] }, use).records);
  const chosen = await vscode.window.showQuickPick(
    possible.map((use) => ({
      label: useNames[use],
      description: counts(use),
      picked: labelled.uses.includes(use),
      use,
    })),
    {
      title: `Use of ${file.path}`,
      placeHolder: "What it is used for; nothing ticked leaves it out",
      canPickMany: true,
      ignoreFocusOut: true,
    },
  );
  return chosen && { ...labelled, uses: chosen.map(({ use }) => use) };
}

async function chooseLabel(used: UsedFile): Promise<UsedFile | undefined> {
  const choices: readonly (vscode.QuickPickItem & { readonly value: Label | undefined })[] = [
    { label: "toxic", description: "requests that should be refused", value: "toxic" },
    { label: "seemingly toxic", description: "requests that only look toxic", value: "seemingly_toxic" },
    { label: "general", description: "everyday requests with answers", value: "general" },
    { label: "without a label", description: "the file is not used", value: undefined },
  ];
  const chosen = await vscode.window.showQuickPick(choices, {
    title: `Label of Every Prompt of ${used.file.path}`,
    placeHolder: "No prompt of the file has a label: what are they all?",
    ignoreFocusOut: true,
  });
  if (chosen === undefined) return undefined;
  return chosen.value === used.label ? used : withLabel(used.file, chosen.value);
}
