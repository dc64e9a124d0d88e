import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  commandIds,
  contextKeys,
  pageIds,
  settingKeys,
  viewIds,
} from "../../src/extension/contributionTypes.ts";
import { labelLogEnding } from "../../src/protocol/label.ts";
import { layoutEnding } from "../../src/protocol/source.ts";
import { runPaths } from "../../src/runFolder/folder.ts";
import { namesOf, publishedFiles } from "../../src/suites/published.ts";

interface Command {
  command: string;
  icon?: string;
}
interface MenuItem {
  command: string;
  when?: string;
  group?: string;
}

const root = join(import.meta.dirname, "../..");
const manifestText = readFileSync(join(root, "package.json"), "utf8");
const manifest = JSON.parse(manifestText);
const { contributes, activationEvents } = manifest;
const commands: Command[] = contributes.commands;
const menus: Record<string, MenuItem[]> = contributes.menus;

const extension = join(root, "src/extension");
const sources = readdirSync(extension, { recursive: true, encoding: "utf8" })
  .filter((path) => /\.tsx?$/.test(path) && path !== "contributionTypes.ts")
  .map((path) => readFileSync(join(extension, path), "utf8"))
  .join("\n");

const sorted = (names: Iterable<string>) => [...new Set(names)].sort();
const idsIn = (pattern: RegExp, text: string) => sorted([...text.matchAll(pattern)].map(([, id]) => id!));

/** Everything in the manifest that says when something is there. */
const conditions = [
  ...commands.map((command) => (command as { enablement?: string }).enablement),
  ...Object.values(menus).flatMap((items) => items.map(({ when }) => when)),
  ...[...contributes.keybindings, ...contributes.viewsWelcome].map(({ when }: MenuItem) => when),
  ...contributes.walkthroughs.flatMap(({ steps }: { steps: { completionEvents: string[] }[] }) =>
    steps.flatMap(({ completionEvents }) => completionEvents),
  ),
].join("\n");

describe("the manifest and the code", () => {
  it("know the same commands", () => {
    // Not as sets: an id that is declared twice is a fault, too.
    expect(commands.map(({ command }) => command).sort()).toEqual([...commandIds].sort());
  });

  it("know the same settings", () => {
    expect(sorted(Object.keys(contributes.configuration.properties))).toEqual(sorted(settingKeys));
  });

  it("know the same views and pages", () => {
    expect(sorted(contributes.views.discern.map(({ id }: { id: string }) => id))).toEqual(sorted(viewIds));
    const editors = contributes.customEditors.map(({ viewType }: { viewType: string }) => viewType);
    const panels = idsIn(/^onWebviewPanel:(.+)$/gm, activationEvents.join("\n"));
    expect(sorted([...editors, ...panels])).toEqual(sorted(Object.values(pageIds)));
    for (const id of conditions.matchAll(/\b(?:view|focusedView) == ([\w.]+)/g))
      expect(viewIds).toContain(id[1]);
  });

  it("know the same context keys", () => {
    const known: readonly string[] = viewIds;
    const named = idsIn(/(discern\.\w+\.\w+)/g, conditions).filter((key) => !known.includes(key));
    expect(named).toEqual(sorted(contextKeys));
  });

  it("name commands that exist, in menus, keys, texts and the walkthrough", () => {
    const links = idsIn(/(?:command|onCommand):(discern\.[\w.]+)/g, manifestText);
    const bound = contributes.keybindings.map(({ command }: MenuItem) => command);
    const listed = Object.values(menus).flatMap((items) => items.map(({ command }) => command));
    for (const id of [...links, ...bound, ...listed]) expect(commandIds).toContain(id);
  });
});

describe("the code", () => {
  /** Ids that are nowhere an argument of a function. */
  const missing = (ids: readonly string[], call: string) =>
    ids.filter((id) => !new RegExp(`${call}\\(\\s*"${id.replaceAll(".", "\\.")}"`).test(sources));

  it("registers every command", () => {
    expect(missing(commandIds, "registerCommand")).toEqual([]);
  });

  it("writes every context key", () => {
    expect(missing(contextKeys, "setContext")).toEqual([]);
  });

  it("reads every setting", () => {
    expect(missing(settingKeys, "setting")).toEqual([]);
  });

  it("gives no arguments to commands of items that change while one clicks", () => {
    const paths = readdirSync(extension, { recursive: true, encoding: "utf8" });
    const texts = paths
      .filter((path) => path.endsWith(".ts"))
      .map((path) => readFileSync(join(extension, path), "utf8"));
    const items = texts.filter((text) => text.includes("createStatusBarItem("));
    const rows = texts.filter((text) => text.includes("new vscode.TreeItem("));
    expect([items.length, rows.length]).toEqual([2, 3]);
    for (const text of [...items, ...rows]) expect(text).not.toMatch(/\barguments:/);
  });
});

/** Names of published prompt files with these endings. */
const publishedNames = (...endings: string[]) =>
  publishedFiles
    .flatMap(({ file }) => namesOf(file))
    .filter((name) => endings.some((ending) => name.endsWith(ending)));

describe("texts of a prompt per line", () => {
  it("are offered as tables and for labelling by the names of published ones, and no other text is", () => {
    const names = publishedNames(".txt");
    const table = contributes.customEditors.find(
      ({ viewType }: { viewType: string }) => viewType === "discern.table",
    );
    const patterns = table.selector.map(
      ({ filenamePattern }: { filenamePattern: string }) => filenamePattern,
    );
    expect(patterns.filter((pattern: string) => pattern.includes("txt"))).toEqual(names);
    const inMenus = [...JSON.stringify(contributes.menus).matchAll(/\/\^\(([^)]+)\)\\\\\.txt\$\//g)];
    expect(inMenus.length).toBeGreaterThan(2);
    for (const [, chosen] of inMenus) expect(chosen!.split("|").map((name) => `${name}.txt`)).toEqual(names);
  });
});

describe("the extension is activated", () => {
  const contains = idsIn(/^workspaceContains:(.+)$/gm, activationEvents.join("\n"));

  it("where there is something of Discern's, and not in every window", () => {
    const expected = [
      `**/${basename(runPaths("").events)}`,
      ...contributes.jsonValidation.map(({ fileMatch }: { fileMatch: string }) => `**/${fileMatch}`),
      `**/*${labelLogEnding}`,
      contributes.configuration.properties["discern.runs.folder"].default,
      `**/*${layoutEnding}`,
      // Where prompts may be. Nearly every project has a .json and a .txt file, so that of those the published ones are named.
      ...publishedNames(".json", ".txt").map((name) => `**/${name}`),
      ...contributes.configuration.properties["discern.prompts.include"].default.filter(
        (glob: string) => !["**/*.json", "**/*.txt"].includes(glob),
      ),
    ];
    expect(contains).toEqual(sorted(expected));
    expect(
      activationEvents.filter((event: string) => /^(\*|onStartupFinished|onLanguage)/.test(event)),
    ).toEqual([]);
  });

  it("by nothing that VS Code derives from the contributions by itself", () => {
    expect(activationEvents.filter((event: string) => /^on(View|Command|CustomEditor):/.test(event))).toEqual(
      [],
    );
  });
});

describe("the walkthrough", () => {
  const steps: { id: string; completionEvents: string[] }[] = contributes.walkthroughs[0].steps;

  it("ticks a step by what is the case, however that came about", () => {
    for (const { id, completionEvents } of steps) {
      expect(completionEvents.length, id).toBeGreaterThan(0);
      expect(completionEvents.filter((event) => !event.startsWith("onContext:"))).toEqual([]);
    }
  });
});

describe("the manifest", () => {
  it("holds its texts itself: a name of a text in a language file would be shown as it is", () => {
    expect(manifestText.match(/"%[\w.]+%"/g)).toBeNull();
  });

  it("has an icon for every command that is shown as one", () => {
    const shown = Object.values(menus)
      .flat()
      .filter(({ group }) => /^(inline|navigation)/.test(group ?? ""))
      .filter(({ group }) => group !== "navigation@90");
    const iconless = commands.filter(({ icon }) => !icon).map(({ command }) => command);
    expect(shown.filter(({ command }) => iconless.includes(command))).toEqual([]);
  });

  it("says once of a command whether the palette has it", () => {
    const listed = menus.commandPalette!.map(({ command }) => command);
    expect(sorted(listed)).toEqual(listed.sort());
  });

  it("takes a person's name from their own settings, also in a window on another machine", () => {
    // The editor ignores settings of machine scope there.
    const all = [contributes.configuration].flat().flatMap(({ properties }) => Object.entries(properties));
    expect(Object.fromEntries(all)["discern.labels.author"]).toMatchObject({ scope: "window" });
  });
});
