import * as vscode from "vscode";
import { counted } from "../../wording/numbers.ts";
import { runCommand } from "../contributions.ts";
import type { PromptFile, PromptLibrary } from "../prompts/library.ts";
import { prompts } from "../prompts/words.ts";
import { SECOND_PASS, secondPassRecords } from "./secondPass.ts";

/** Sizes that are offered besides all prompts: what a person labels again in an hour or an afternoon. */
const SIZES = [50, 100, 200];

/**
 * Asks how many prompts a person labels again.
 *
 * @returns undefined where nothing is chosen, or nothing is left to label again
 */
export async function askSecondPass(library: PromptLibrary, file: PromptFile): Promise<number | undefined> {
  const by = library.author;
  const all = secondPassRecords(file.records, file.labels, by);
  if (all.length === 0) {
    void vscode.window.showInformationMessage(
      `${by} has no labels in ${file.path} yet. A second pass repeats your own labels, to measure how far you agree with yourself.`,
    );
    return undefined;
  }
  const again = file.labels.passOf(by, SECOND_PASS);
  const done = all.filter(({ id }) => (again.get(id)?.label ?? "skip") !== "skip").length;
  if (done === all.length) {
    const show = "Show Agreement";
    const message = `${by} has labelled ${prompts(done)} of ${file.path} in both passes.`;
    if ((await vscode.window.showInformationMessage(message, show)) === show) {
      await runCommand("discern.labelling.open", file.uri, { mode: "agreement" });
    }
    return undefined;
  }
  const sizes = [...SIZES.filter((size) => size < all.length), all.length];
  const picked = await vscode.window.showQuickPick(
    sizes.map((size) => ({
      label: size === all.length ? `All ${prompts(size)} that You Labelled` : prompts(size),
      description: done > 0 ? `${counted(Math.min(done, size), "prompt")} labelled again so far` : undefined,
      size,
    })),
    {
      title: `Second Pass over ${file.path}`,
      placeHolder: "How many prompts to label again, without labels and in another order",
    },
  );
  return picked?.size;
}
