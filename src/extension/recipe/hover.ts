import { dirname } from "node:path";
import { getLocation } from "jsonc-parser";
import * as vscode from "vscode";
import { DiscernError } from "../../protocol/errors.ts";
import { estimateCost } from "../../recipe/cost.ts";
import { laboratoryLines } from "../../recipe/laboratoryCost.ts";
import { type PlacedMemory, placedMemory } from "../../recipe/placedMemory.ts";
import { recipeWork } from "../../recipe/work.ts";
import { alternatives, type RecipePath } from "./alternatives.ts";
import type { CheckedFiles } from "./checkedFiles.ts";
import { type CostRow, costLine, costTable, partRows } from "./costTable.ts";
import type { RecipeFacts } from "./facts.ts";
import { placeTitle } from "./place.ts";

/** What a choice costs: a table of its alternatives at keys that decide it, the stages at the top. */
export class CostHover implements vscode.HoverProvider {
  private readonly recipes: CheckedFiles;
  private readonly facts: RecipeFacts;

  constructor(recipes: CheckedFiles, facts: RecipeFacts) {
    this.recipes = recipes;
    this.facts = facts;
  }

  async provideHover(
    document: vscode.TextDocument,
    position: vscode.Position,
  ): Promise<vscode.Hover | undefined> {
    const path = getLocation(document.getText(), document.offsetAt(position)).path;
    const whole = ["stages", "model", "name", "backend", "device", "torch"];
    const shown = whole.includes(String(path[0])) ? "whole" : "choice";
    if (!vscode.workspace.isTrusted) return undefined;
    const { recipe, counts } = await this.recipes.check(document);
    if (recipe === null) return undefined;
    const root = dirname(document.uri.fsPath);
    const model = await this.facts.model(recipe.model.base, root).catch(() => null);
    if (model === null) return undefined;
    const known = this.facts.knownPlace(recipe, root, recipeWork(recipe, counts));
    const machine = await this.facts.machine(model, recipe, known);
    const cost = estimateCost(recipe, model, machine, counts);

    const others = alternatives(recipe, path as RecipePath, model.architecture.layers);
    if (others.length === 0 && shown === "choice") return undefined;
    const rows: CostRow[] =
      others.length > 0
        ? others.map(({ value, recipe: other, chosen }) => ({
            name: `${path.at(-1)} ${value.replaceAll('"', "")}`,
            cost: estimateCost(other, model, machine, counts),
            chosen,
          }))
        : partRows(cost, path[0] === "stages" ? Number(path[1]) : null);
    const words = new vscode.MarkdownString();
    words.appendMarkdown(`**What the run costs** ${costLine(cost)}\n\n${costTable(rows, cost.memoryOf)}\n\n`);
    words.appendMarkdown(
      Object.keys(machine.tokensPerSecond ?? {}).length > 0
        ? "_Estimated from an earlier run of this model on this machine._"
        : `_Estimated from the model's size and ${machine.cores} cores, good to a factor of about two._`,
    );
    for (const line of laboratoryLines([cost.laboratory])) words.appendMarkdown(`\n\n${line}`);
    const memory = memoryWords(() => placedMemory(recipe, model, machine.memoryBytes ?? null, known));
    if (memory !== null) words.appendMarkdown(`\n\n${memory}`);
    words.appendMarkdown(`\n\nComputed: ${placeTitle(recipe, known)}.`);
    // A reason may hold paths and what a driver said.
    if (known) words.appendMarkdown(" ").appendText(known.reason);
    return new vscode.Hover(words, document.getWordRangeAtPosition(position, /"[^"]*"|[\w.+-]+/));
  }
}

/** A memory plan in words, or why there is none: it does not fit, or the placement that it is asked for is wrong. */
function memoryWords(plan: () => PlacedMemory | null): string | null {
  try {
    const planned = plan();
    return planned && (planned.refusal ?? planned.text);
  } catch (error) {
    if (!(error instanceof DiscernError)) throw error;
    return error.message;
  }
}
