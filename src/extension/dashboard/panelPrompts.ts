import { selectPart } from "../../dataset/parts.ts";
import type { PromptRecord } from "../../dataset/record.ts";
import { resolveSource } from "../../dataset/select.ts";
import { panelSources } from "../../protocol/recipe.ts";
import { type PanelName, type PanelPrompts, panelNames } from "../../protocol/webview/dashboard.ts";
import { openRun } from "../../runFolder/folder.ts";
import { explainedByMove } from "../../runFolder/movedTogether.ts";

/** A prompt of a panel, with the file it is in. */
type PanelPrompt = PromptRecord & { readonly path: string };
export type Panels = Record<PanelName, readonly PanelPrompt[]>;

/**
 * The prompts of a run's panels, selected as the run itself selected them, so that their order is that of the figures
 * in its probes.
 *
 * @param starter folder of the starter set.
 * @throws DiscernError `run-invalid`, and as `selectPart` where a file was moved or emptied since.
 */
export async function readPanels(folder: string, starter: string): Promise<Panels> {
  const { manifest, recipe } = await openRun(folder);
  const options = { root: manifest.recipe.root, starter };
  const read = async (name: PanelName): Promise<[PanelName, readonly PanelPrompt[]]> => {
    const found = panelSources(recipe.data.panels[name]).map(async (source) => {
      const { records } = await selectPart(`panels.${name}`, source, options);
      const path = resolveSource(source.file, options);
      return records.map((record) => ({ ...record, path }));
    });
    return [name, (await Promise.all(found)).flat()];
  };
  try {
    return Object.fromEntries(await Promise.all(panelNames.map(read))) as Panels;
  } catch (error) {
    throw explainedByMove(error, folder, manifest.recipe.root);
  }
}

/** What the page needs to list the prompts. */
export function panelTexts(panels: Panels): PanelPrompts {
  const texts = (name: PanelName) => {
    return panels[name].map(({ prompt, kind }) =>
      kind === undefined ? { text: prompt } : { text: prompt, kind },
    );
  };
  return { toxic: texts("toxic"), seeminglyToxic: texts("seeminglyToxic"), general: texts("general") };
}
