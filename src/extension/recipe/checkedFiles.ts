import { dirname } from "node:path";
import * as vscode from "vscode";
import { recipeSuffix } from "../../protocol/recipe.ts";
import { suiteSuffix } from "../../protocol/suiteDeclaration.ts";
import { type CheckedRecipe, checkRecipeText, type KnownModel } from "../../recipe/check.ts";
import { type CheckedPlanned, checkPlannedText, plannedSuffixes } from "../../recipe/checkPlanned.ts";
import { checkSuiteText } from "../../recipe/checkSuite.ts";
import { knownModel } from "../../recipe/modelFacts.ts";
import { DisposableStore } from "../disposableStore.ts";
import { errorCode } from "../errors.ts";
import type { RecipeFacts } from "./facts.ts";

/** Milliseconds of quiet after a change before a file is checked. */
const quietMs = 400;

/** What names of files end in that are checked: recipes, what describes several runs of one, and suites. */
export const checkedSuffixes: readonly string[] = [recipeSuffix, ...plannedSuffixes, suiteSuffix];

function isChecked({ uri }: { readonly uri: vscode.Uri }): boolean {
  return uri.scheme === "file" && checkedSuffixes.some((suffix) => uri.path.endsWith(suffix));
}

/**
 * The recipes, comparisons, benchmarks and suite files that are open, each checked when it, a recipe, its prompt files or their labels
 * change. Lens, hover and problems all read the same check.
 */
export class CheckedFiles implements vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly facts: RecipeFacts;
  private readonly checks = new Map<string, Promise<CheckedRecipe | CheckedPlanned>>();
  private readonly waiting = new Map<string, NodeJS.Timeout>();
  private readonly checked = this.store.add(
    new vscode.EventEmitter<{
      document: vscode.TextDocument;
      found: CheckedRecipe | CheckedPlanned;
    }>(),
  );

  /** Tells when a file was checked. */
  readonly onDidCheck = this.checked.event;

  constructor(facts: RecipeFacts, onPromptsChanged: vscode.Event<unknown>) {
    this.facts = facts;
    const all = () => this.checkAll();
    this.store.add(vscode.workspace.onDidOpenTextDocument((document) => this.soon(document)));
    this.store.add(vscode.workspace.onDidChangeTextDocument(({ document }) => this.soon(document)));
    this.store.add(vscode.workspace.onDidCloseTextDocument((document) => this.forget(document)));
    this.store.add(vscode.workspace.onDidGrantWorkspaceTrust(all));
    // A comparison names its recipe, and a recipe its prompts.
    this.store.add(
      vscode.workspace.onDidSaveTextDocument(({ uri }) => uri.path.endsWith(recipeSuffix) && all()),
    );
    this.store.add(onPromptsChanged(all));
    this.store.add({ dispose: () => [...this.waiting.values()].forEach(clearTimeout) });
    all();
  }

  /** Checks every open file again, once what is on this machine has changed. */
  checkAll(): void {
    for (const document of vscode.workspace.textDocuments) this.soon(document);
  }

  /** The check of a recipe as its text is now. */
  check(document: vscode.TextDocument): Promise<CheckedRecipe> {
    return this.any(document);
  }

  /** The check of a comparison or benchmark as its text is now. @throws RangeError for another document. */
  async planned(document: vscode.TextDocument): Promise<CheckedPlanned> {
    const check = await this.any(document);
    if (!("cells" in check)) throw new RangeError(`${document.uri.path} describes a single run.`);
    return check;
  }

  private any(document: vscode.TextDocument): Promise<CheckedRecipe | CheckedPlanned> {
    const key = document.uri.toString();
    let check = this.checks.get(key);
    if (check === undefined) {
      const root = dirname(document.uri.fsPath);
      const text = document.getText();
      const options = {
        root,
        starter: this.facts.starter,
        model: (name: string, from = root) => this.model(name, from),
      };
      const { path } = document.uri;
      check = path.endsWith(recipeSuffix)
        ? checkRecipeText(text, options)
        : path.endsWith(suiteSuffix)
          ? checkSuiteText(text, document.uri.fsPath)
          : checkPlannedText(text, path, options);
      this.checks.set(key, check);
      void check.then(
        (found) => this.checks.get(key) === check && this.checked.fire({ document, found }),
        () => this.checks.delete(key),
      );
    }
    return check;
  }

  dispose(): void {
    this.store.dispose();
  }

  /** Null where no engine can be asked, which says nothing about the model: in a restricted workspace, or when it failed. */
  private async model(name: string, root: string): Promise<KnownModel | null> {
    if (!vscode.workspace.isTrusted) return null;
    return this.facts.model(name, root).then(knownModel, (error: unknown) => {
      if (errorCode(error) !== null) throw error;
      return null;
    });
  }

  private soon(document: vscode.TextDocument): void {
    if (!isChecked(document)) return;
    const key = document.uri.toString();
    this.checks.delete(key);
    clearTimeout(this.waiting.get(key));
    this.waiting.set(
      key,
      setTimeout(() => void this.any(document), quietMs),
    );
  }

  private forget({ uri }: vscode.TextDocument): void {
    const key = uri.toString();
    clearTimeout(this.waiting.get(key));
    this.waiting.delete(key);
    this.checks.delete(key);
  }
}
