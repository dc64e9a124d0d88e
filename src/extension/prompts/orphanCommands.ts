import { setImmediate } from "node:timers/promises";
import * as vscode from "vscode";
import { type Carry, proposeCarries, type Worded } from "../../dataset/carryLabels.ts";
import type { Orphan } from "../../dataset/orphans.ts";
import { counted } from "../../wording/numbers.ts";
import { registerCommand } from "../contributions.ts";
import { DisposableStore } from "../disposableStore.ts";
import { logError } from "../log.ts";
import type { TreeNode } from "./branch.ts";
import { chosenNodes } from "./labelCommands.ts";
import type { PromptFile, PromptLibrary } from "./library.ts";
import { tellLabelled } from "./tellLabelled.ts";
import type { PromptTree } from "./tree.ts";
import { oneLine, wordDecision } from "./words.ts";

/** Milliseconds that matching may take before others get a turn. */
const TURN = 20;

/**
 * Labels whose prompts are gone: a lens above the file and a row of the tree say how many there are, and one list says what to do with
 * each. Nothing is carried over unasked.
 */
export function registerOrphanCommands(library: PromptLibrary, tree: PromptTree): vscode.Disposable {
  return vscode.Disposable.from(
    new OrphanLens(library),
    registerCommand("discern.labels.orphans", async (of?: vscode.Uri | TreeNode) => {
      const file = await fileOf(of, library, tree);
      if (file) await settle(library, file);
    }),
  );
}

async function fileOf(
  of: vscode.Uri | TreeNode | undefined,
  library: PromptLibrary,
  tree: PromptTree,
): Promise<PromptFile | undefined> {
  const open = vscode.window.activeTextEditor?.document.uri;
  const uri =
    of instanceof vscode.Uri ? of : of === undefined && open && library.file(open) ? open : undefined;
  if (uri) return library.open(uri);
  const [node] = await chosenNodes(tree, of instanceof vscode.Uri ? undefined : of);
  return node && library.open(node.file.uri);
}

type Item = vscode.QuickPickItem & { readonly carry?: Carry; readonly orphan: Orphan };

/** Asks what is to become of the labels of a file whose prompts are gone. */
async function settle(library: PromptLibrary, file: PromptFile): Promise<void> {
  const { orphans } = file;
  if (orphans.length === 0) {
    void vscode.window.showInformationMessage(`Every label of ${file.path} has its prompt.`);
    return;
  }
  const carries = await propose(file, orphans);
  const byId = new Map(carries.map((carry) => [carry.from, carry]));
  const edited = orphans.filter(({ id }) => byId.has(id));
  if (edited.length > 0) {
    const picked = await pick(
      edited.map((orphan) => itemOf(file, orphan, byId.get(orphan.id))),
      `Carry Over Labels of Edited Prompts (${file.path})`,
      "Tick the labels to carry over",
      true,
    );
    if (!picked) return;
    const chosen = picked.flatMap(({ carry }) => (carry ? [carry] : []));
    if (chosen.length > 0) {
      await library.carryOver(file, chosen);
      void tellLabelled(
        library,
        file,
        `Carried over ${counted(chosen.length, "label")} in ${file.path}.`,
      ).catch(logError);
    }
  }
  const rest = orphans.filter(({ id }) => !byId.has(id));
  if (rest.length === 0) return;
  const forgotten = await pick(
    rest.map((orphan) => itemOf(file, orphan, undefined)),
    `Labels without a Prompt (${file.path})`,
    "Tick the labels to forget; the log keeps them",
    false,
  );
  if (!forgotten || forgotten.length === 0) return;
  await library.forget(
    file,
    forgotten.map(({ orphan }) => orphan.id),
  );
  const message = `Forgot ${counted(forgotten.length, "label")} without a prompt of ${file.path}.`;
  void tellLabelled(library, file, message).catch(logError);
}

function pick(
  items: readonly Item[],
  title: string,
  placeHolder: string,
  picked: boolean,
): Thenable<Item[] | undefined> {
  return vscode.window.showQuickPick(
    items.map((item) => ({ ...item, picked })),
    { title, placeHolder, canPickMany: true, matchOnDetail: true },
  );
}

function itemOf(file: PromptFile, { id, decision, prompt }: Orphan, carry: Carry | undefined): Item {
  const words = prompt === undefined ? `Prompt ${id}, whose words are not known` : oneLine(prompt, 100);
  const now = carry && file.find(carry.to);
  return {
    label: words,
    description: `${wordDecision(decision.label)} by ${decision.by}`,
    ...(now && { detail: `$(arrow-right) ${oneLine(now.prompt, 100)}`, carry }),
    orphan: { id, decision, prompt },
  };
}

/** What edited prompts are now, worked out in turns, so that the editor stays awake. */
async function propose(file: PromptFile, orphans: readonly Orphan[]): Promise<Carry[]> {
  const former = orphans.flatMap(({ id, prompt }): Worded[] =>
    prompt === undefined ? [] : [{ id, prompt }],
  );
  const present = file.records.filter(({ id }) => file.decisionOf(id) === undefined);
  const steps = proposeCarries(former, present);
  for (let turn = performance.now(); ; ) {
    const { done, value } = steps.next();
    if (done) return value;
    if (performance.now() - turn < TURN) continue;
    await setImmediate();
    turn = performance.now();
  }
}

/** Says above the first line of a prompt file that labels have lost their prompts. */
class OrphanLens implements vscode.CodeLensProvider, vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly library: PromptLibrary;
  private readonly change = this.store.add(new vscode.EventEmitter<void>());
  readonly onDidChangeCodeLenses = this.change.event;

  constructor(library: PromptLibrary) {
    this.library = library;
    this.store.add(library.onDidChange(() => this.change.fire()));
    this.store.add(vscode.languages.registerCodeLensProvider({ scheme: "file", pattern: PATTERN }, this));
  }

  dispose(): void {
    this.store.dispose();
  }

  provideCodeLenses({ uri }: vscode.TextDocument): vscode.CodeLens[] {
    const count = this.library.file(uri)?.orphans.length ?? 0;
    if (count === 0) return [];
    return [
      new vscode.CodeLens(new vscode.Range(0, 0, 0, 0), {
        title: `$(history) ${counted(count, "label")} without a prompt…`,
        tooltip: "Carry labels over to edited prompts, or forget them",
        command: "discern.labels.orphans",
        arguments: [uri],
      }),
    ];
  }
}

const PATTERN = "**/*.{csv,tsv,jsonl,json,txt}";
