import { basename, dirname } from "node:path";
import * as vscode from "vscode";
import { suiteFolders } from "../../suites/home.ts";
import { isFetchable, locateSuite, type SuiteToFetch } from "../../suites/locate.ts";
import { knownSuites } from "../../suites/registry.ts";
import type { Engine } from "../engine/engine.ts";
import { duringCall } from "../engine/progress.ts";

/**
 * Fetches the files of a suite into the cache; a download that was cut off is resumed, and every file is checked.
 *
 * @param given the suite; asked for among those that are missing where left out.
 * @returns whether its files are here now. @throws as `Engine.call`.
 */
export async function fetchSuite(engine: Engine, given?: SuiteToFetch): Promise<boolean> {
  const suite = given ?? (await askSuite());
  if (suite === undefined) return false;
  const { reference, root } = suite;
  const name = basename(reference);
  const { files } = await duringCall(`Fetching ${name}`, (options) =>
    engine.call("fetchSuite", { suite: reference, root }, options),
  );
  void vscode.window.showInformationMessage(
    `${name} is on this machine: ${files.length === 1 ? files[0] : `${files.length} files in ${dirname(files[0]!)}`}.`,
  );
  return true;
}

async function askSuite(): Promise<SuiteToFetch | undefined> {
  const folders = suiteFolders();
  const found = await Promise.all(
    knownSuites.map(async (declaration) => {
      const suite = { declaration, folder: null };
      const { missing } = await locateSuite(suite, folders);
      return missing.length > 0 && isFetchable(declaration) ? [declaration] : [];
    }),
  );
  const items = found.flat().map(({ id, title, licence, access }) => ({
    ...{ label: id, description: title },
    detail: access === "open" ? licence : `${licence}; ${access}`,
  }));
  const root = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? process.cwd();
  const chosen = await vscode.window.showQuickPick(items, {
    title: "Fetch a Suite",
    placeHolder:
      items.length > 0
        ? "Published prompts and data that are not on this machine, with their licence"
        : "Every known suite is on this machine",
    matchOnDescription: true,
    matchOnDetail: true,
  });
  return chosen && { reference: chosen.label, root };
}
