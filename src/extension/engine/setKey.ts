import * as vscode from "vscode";
import { recipeSuffix } from "../../protocol/recipe.ts";
import { plannedSuffixes } from "../../recipe/checkPlanned.ts";
import { type JudgeKeys, keyName, keysNamedIn } from "./keys.ts";

/**
 * Asks for the key of a judge behind an API and stores it, or removes it where it is left empty.
 *
 * @returns whether anything changed.
 */
export async function askForKey(keys: JudgeKeys): Promise<boolean> {
  const name = await askName(keys);
  if (name === undefined) return false;
  const key = await vscode.window.showInputBox({
    title: `Key ${name}`,
    prompt:
      "Stored in VS Code's secret storage and given to the engine as an environment variable; never written to a file. Leave it empty to remove the key.",
    password: true,
    ignoreFocusOut: true,
  });
  if (key === undefined) return false;
  await keys.set(name, key.trim());
  const words = key.trim() === "" ? `The key ${name} was removed.` : `The key ${name} is stored.`;
  void vscode.window.showInformationMessage(
    `${words} The engine uses it from its next start; runs under way keep theirs.`,
  );
  return true;
}

/** The name that judges know the key by: one that a file of the workspace names, one that is stored, or another. */
async function askName(keys: JudgeKeys): Promise<string | undefined> {
  const pattern = `**/*{${[recipeSuffix, ...plannedSuffixes].join(",")}}`;
  const files = await vscode.workspace.findFiles(pattern, "**/node_modules/**", 200);
  const texts = await Promise.all(
    files.map(async (uri) => new TextDecoder().decode(await vscode.workspace.fs.readFile(uri))),
  );
  const named = texts.flatMap(keysNamedIn);
  const names = [...new Set([...named, ...keys.names])].sort();
  const other = { label: "$(edit) Another name…", name: "" };
  const items = names.map((name) => ({
    ...{ label: name, name },
    description: [
      ...(keys.names.includes(name) ? ["stored"] : []),
      ...(named.includes(name) ? ["named by a judge of this workspace"] : []),
    ].join(", "),
  }));
  const chosen =
    items.length === 0
      ? other
      : await vscode.window.showQuickPick([...items, other], {
          placeHolder: 'Name of the key, as a judge\'s "key" names it',
        });
  if (chosen !== other) return chosen?.name;
  return vscode.window.showInputBox({
    title: "Key of a judge",
    prompt: 'Name of the environment variable that the judge\'s "key" names',
    value: "OPENAI_API_KEY",
    validateInput: (value) =>
      keyName.test(value) ? undefined : "Letters, digits and _, and no digit first.",
  });
}
