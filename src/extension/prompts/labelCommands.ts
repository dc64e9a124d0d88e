import * as vscode from "vscode";
import type { Label } from "../../protocol/label.ts";
import { registerCommand } from "../contributions.ts";
import { logError } from "../log.ts";
import type { Turns } from "../turns.ts";
import type { PromptNode, TreeNode } from "./branch.ts";
import type { PromptLibrary } from "./library.ts";
import { revealPrompt } from "./reveal.ts";
import { targetsOf } from "./targets.ts";
import type { PromptTree } from "./tree.ts";
import type { TreeModel } from "./treeModel.ts";
import { labelQuestion, prompts, unaskedLabels } from "./words.ts";

/** Milliseconds without a further label after which the editor follows: it need not show every prompt that a fast hand passes. */
const FOLLOW = 150;

/**
 * The commands that decide about the prompts selected in the tree.
 *
 * @param turns in which labels are given
 */
export function registerLabelCommands(
  library: PromptLibrary,
  model: TreeModel,
  tree: PromptTree,
  turns: Turns,
): vscode.Disposable {
  const decide = async (label: Label | "skip" | null, node?: TreeNode, nodes?: TreeNode[]) => {
    const chosen = await chosenNodes(tree, node, nodes);
    const targets = targetsOf(chosen, model);
    if (targets.count === 0) return;
    const asks = targets.collective || targets.count > unaskedLabels;
    if (asks && !(await confirmLabel(targets.count, label))) return;
    // By key one goes from prompt to prompt; a click stays where the pointer is.
    const next = node === undefined ? nextAfter(chosen, model) : undefined;
    // The eye is led on first: a tree whose rows move is slow to select one.
    if (next) tree.select(next);
    try {
      for (const [file, ids] of targets.ids) await library.label(file, [...ids], label);
      if (next) follow(next);
    } catch (error) {
      const [first] = chosen;
      if (next && first?.type === "prompt") tree.select(first);
      throw error;
    }
  };
  let following: NodeJS.Timeout | undefined;
  /** Has the editor show the prompt that the selection went to, where it shows the file; of several in a row the last. */
  const follow = ({ file, record }: PromptNode) => {
    clearTimeout(following);
    following = setTimeout(() => {
      const viewColumn = shownIn(file.uri);
      if (viewColumn !== undefined) {
        void revealPrompt(file.uri, record, { preserveFocus: true, viewColumn }).catch(logError);
      }
    }, FOLLOW);
  };
  // A fast hand presses the next key before the last label is written: each key is about the prompt the one before led to.
  const inTurn = (label: Label | "skip" | null) => (node?: TreeNode, nodes?: TreeNode[]) =>
    turns.take(() => decide(label, node, nodes));
  return vscode.Disposable.from(
    registerCommand("discern.prompts.labelToxic", inTurn("toxic")),
    registerCommand("discern.prompts.labelSeeminglyToxic", inTurn("seemingly_toxic")),
    registerCommand("discern.prompts.labelGeneral", inTurn("general")),
    registerCommand("discern.prompts.labelSkip", inTurn("skip")),
    registerCommand("discern.prompts.exclude", inTurn(null)),
    registerCommand("discern.prompts.note", async (node?: TreeNode, nodes?: TreeNode[]) =>
      addNote(library, await chosenNodes(tree, node, nodes)),
    ),
  );
}

/**
 * The nodes that a command is about. A menu hands over the node under the pointer, with the selection where that is part of
 * it; a key hands over nothing.
 */
export async function chosenNodes(
  tree: PromptTree,
  node?: TreeNode,
  nodes?: readonly TreeNode[],
): Promise<readonly TreeNode[]> {
  if (nodes && nodes.length > 0) return nodes;
  return node ? [node] : tree.chosen();
}

/** Asks whether many prompts are to get a label, or to lose it. */
export async function confirmLabel(count: number, label: string | null): Promise<boolean> {
  const yes = label === null ? "Remove Labels" : "Label";
  const detail = "Undo reverts this in one step per file.";
  const question = labelQuestion(count, label);
  return (await vscode.window.showWarningMessage(question, { modal: true, detail }, yes)) === yes;
}

/** The group of editors whose tab in front shows a file as text. */
function shownIn(uri: vscode.Uri): vscode.ViewColumn | undefined {
  return vscode.window.tabGroups.all.find(({ activeTab }) => {
    const input = activeTab?.input;
    return input instanceof vscode.TabInputText && input.uri.toString() === uri.toString();
  })?.viewColumn;
}

/** The prompt to go to once these are decided: the one below the last of them. */
function nextAfter(nodes: readonly TreeNode[], model: TreeModel): PromptNode | undefined {
  const decided = nodes.filter((node) => node.type === "prompt");
  const last = decided.toSorted((a, b) => a.number - b.number).at(-1);
  if (!last || decided.length < nodes.length) return undefined;
  const branch = model.branch(last.file);
  const next = branch?.outline.neighbour(
    last.number,
    new Set(decided.filter(({ file }) => file === last.file).map(({ number }) => number)),
  );
  return next === undefined ? undefined : branch?.prompt(next);
}

async function addNote(library: PromptLibrary, nodes: readonly TreeNode[]): Promise<void> {
  const chosen = nodes.filter((node) => node.type === "prompt");
  const [first] = chosen;
  if (!first) return;
  const note = await vscode.window.showInputBox({
    title: `Note on ${prompts(chosen.length)}`,
    placeHolder: "Reason for the label, or what is uncertain. Leave empty to remove the note.",
    value: first.file.decisionOf(first.record.id)?.note,
  });
  if (note === undefined) return;
  // A note changes no label: where nobody decided, the prompt counts as seen, and what the file says still holds.
  const labelOf = ({ file, record }: PromptNode) => {
    const decision = file.decisionOf(record.id);
    return decision === undefined ? "skip" : decision.label;
  };
  for (const [file, ofFile] of Map.groupBy(chosen, (node) => node.file)) {
    for (const [label, same] of Map.groupBy(ofFile, labelOf)) {
      const ids = same.map(({ record }) => record.id);
      await library.label(file, ids, label, note);
    }
  }
}
