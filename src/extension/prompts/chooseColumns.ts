import * as vscode from "vscode";
import { columnValues, type FoundColumns, readColumns } from "../../dataset/discover.ts";
import { layoutPath, readLayout, writeLayout } from "../../dataset/layout.ts";
import { labelSchema } from "../../protocol/label.ts";
import { formatSchema, type Layout } from "../../protocol/source.ts";
import { NotText } from "../../storage/text.ts";
import { counted } from "../../wording/numbers.ts";
import { changeSetting, setting } from "../contributions.ts";
import { DisposableStore } from "../disposableStore.ts";
import { errorCode, wordError } from "../errors.ts";
import { logError } from "../log.ts";
import {
  type ColumnRole,
  columnRoles,
  isChosen,
  type LabelValue,
  labelValues,
  labelValueWords,
  layoutWords,
  roleWords,
  samplesOf,
  withColumn,
  withLabelValue,
} from "./layoutWords.ts";
import type { PromptLibrary } from "./library.ts";
import { oneLine, prompts, wordState } from "./words.ts";
import { columnOf, shownPath } from "./workspaceFiles.ts";

/** What Enter does on a line of the list. */
type Does = "save" | "reset" | "format" | "values" | { readonly role: ColumnRole };

interface Item extends vscode.QuickPickItem {
  readonly does?: Does;
}

/** Encodings that are offered for a file that is not UTF-8; the layout may name any other. */
const encodings = ["windows-1252", "iso-8859-15", "windows-1251", "gb18030", "big5", "shift_jis", "euc-kr"];

/** Different values of a label column above which it is no label column. */
const MOST_VALUES = 20;

/**
 * Has a person choose which column of a prompt file holds what, and keeps it beside the file, where recipes and the command line read it,
 * too. What was chosen before comes back by the message's "Undo".
 *
 * @throws DiscernError as `readLayout`, `readColumns` and `writeLayout`.
 */
export async function chooseColumns(library: PromptLibrary, uri: vscode.Uri): Promise<void> {
  const before = await layoutBefore(uri);
  if (before === undefined) return;
  const chosen = await new ColumnChoice(uri, before).ask();
  if (chosen === undefined) return;
  await keep(library, uri, chosen);
  const undo = "Undo";
  const again = "Choose Again";
  const act = async (answer: string | undefined) => {
    if (answer === undo) {
      await keep(library, uri, before);
      await library.reopen(uri);
    }
    if (answer === again) await chooseColumns(library, uri);
  };
  try {
    const file = await library.reopen(uri);
    const words = layoutWords(file.layout);
    const message = `${file.path}: ${prompts(file.records.length)}, ${words === "" ? "columns as they are found" : words}.`;
    void vscode.window.showInformationMessage(message, undo).then(act).then(undefined, logError);
  } catch (error) {
    logError(error);
    void vscode.window.showErrorMessage(wordError(error), again, undo).then(act).then(undefined, logError);
  }
}

/** The layout as it is; that of a setting of an earlier version where there is none. Undefined where it is broken. */
async function layoutBefore(uri: vscode.Uri): Promise<Layout | undefined> {
  try {
    const layout = await readLayout(uri.fsPath);
    const column = columnOf(uri);
    return column === undefined ? layout : { columns: { prompt: column } };
  } catch (error) {
    if (errorCode(error) !== "layout-invalid") throw error;
    // It is a person's file, so that a person corrects it.
    const open = "Open Layout";
    if ((await vscode.window.showErrorMessage(wordError(error), open)) === open) {
      await vscode.window.showTextDocument(vscode.Uri.file(layoutPath(uri.fsPath)));
    }
    return undefined;
  }
}

/** Writes a layout, which takes the place of what a setting of an earlier version says. */
async function keep(library: PromptLibrary, uri: vscode.Uri, layout: Layout): Promise<void> {
  await writeLayout(uri.fsPath, layout);
  const { [shownPath(uri)]: old, ...others } = setting("discern.prompts.columns", uri);
  if (old !== undefined) await changeSetting("discern.prompts.columns", others, uri);
  await library.discovered();
}

/** The list of columns of one file, until a person keeps or leaves it. */
class ColumnChoice {
  private readonly uri: vscode.Uri;
  private readonly path: string;
  private layout: Layout;
  private head!: FoundColumns;
  /** Values of the label column; undefined where there is none. */
  private values: { readonly column: string; readonly counts: [string, number][] } | undefined;

  constructor(uri: vscode.Uri, before: Layout) {
    this.uri = uri;
    this.path = shownPath(uri);
    this.layout = before;
  }

  /** @returns the layout that a person keeps; undefined where they left the list. */
  async ask(): Promise<Layout | undefined> {
    if (!(await this.look())) return undefined;
    if (this.head.found.prompt === undefined) {
      if (!(await this.askColumn("prompt")) || !(await this.look())) return undefined;
    }
    let active: Does = "save";
    for (;;) {
      const does = await this.askList(active);
      if (does === undefined) return undefined;
      if (does === "save") return this.layout;
      active = does;
      if (does === "reset") this.layout = {};
      else if (does === "format") await this.askFormat();
      else if (does === "values") await this.askValues();
      else await this.askColumn(does.role);
      if (!(await this.look())) return undefined;
    }
  }

  /** Looks at the file as the layout has it; asks for an encoding where it is not text in the one that is assumed. @returns whether there are columns. */
  private async look(): Promise<boolean> {
    try {
      this.head = await readColumns(this.uri.fsPath, this.layout);
    } catch (error) {
      if (!(error instanceof Error && error.cause instanceof NotText)) throw error;
      const encoding = await vscode.window.showQuickPick(encodings, {
        title: `Encoding of ${this.path}`,
        placeHolder: `${error.cause.message} (line ${error.cause.line}). Which encoding is it in?`,
        ignoreFocusOut: true,
      });
      if (encoding === undefined) return false;
      this.layout = { ...this.layout, encoding };
      return this.look();
    }
    const { label } = this.head.found;
    if (label === undefined) this.values = undefined;
    else if (this.values?.column !== label) {
      const location = vscode.ProgressLocation.Window;
      const title = `Reading the labels of ${this.path}`;
      const counts = await vscode.window.withProgress({ location, title }, () =>
        columnValues(this.uri.fsPath, label, this.layout),
      );
      this.values = { column: label, counts: counts.map(([value, number]) => [value, number]) };
    }
    return true;
  }

  private get meanings(): LabelValue[] {
    return this.values ? labelValues(this.values.counts, this.layout) : [];
  }

  private async askList(active: Does): Promise<Does | undefined> {
    const store = new DisposableStore();
    const pick = store.add(vscode.window.createQuickPick<Item>());
    pick.title = `Columns of ${this.path}`;
    pick.placeholder = "Enter on a line changes it";
    pick.ignoreFocusOut = true;
    pick.matchOnDescription = true;
    pick.matchOnDetail = true;
    pick.items = this.items();
    const focused = pick.items.find(({ does }) => JSON.stringify(does) === JSON.stringify(active));
    if (focused) pick.activeItems = [focused];
    const answered = Promise.withResolvers<Does | undefined>();
    store.add(
      pick.onDidAccept(() => {
        const does = pick.activeItems[0]?.does;
        if (does !== undefined) answered.resolve(does);
      }),
    );
    store.add(pick.onDidHide(() => answered.resolve(undefined)));
    pick.show();
    const answer = await answered.promise;
    store.dispose();
    return answer;
  }

  private items(): Item[] {
    const { found, samples } = this.head;
    const separator = (label: string): Item => ({ label, kind: vscode.QuickPickItemKind.Separator });
    const { format, encoding } = this.layout;
    const { meanings } = this;
    return [
      { label: "$(check) Use These Columns", description: `kept beside the file`, does: "save" },
      separator("columns"),
      ...columnRoles.flatMap(({ role, name, what }): Item[] => {
        const column = found[role];
        const line: Item = {
          label: `$(symbol-field) ${name}`,
          description: roleWords(role, this.layout, found),
          detail: column === undefined ? what : samplesOf(samples, column) || what,
          does: { role },
        };
        if (role !== "label" || meanings.length === 0) return [line];
        const values: Item = {
          label: "$(tag) Meaning of the labels",
          detail: labelValueWords(meanings),
          does: "values",
        };
        return [line, values];
      }),
      separator("file"),
      {
        label: "$(book) Published layout",
        description: format === undefined ? "as it is recognised" : format === "own" ? "none" : format,
        detail: "A published file has labels that its columns do not say",
        does: "format",
      },
      ...(encoding === undefined ? [] : [{ label: "$(file-binary) Encoding", description: encoding }]),
      ...(isChosen(this.layout)
        ? [
            {
              label: "$(discard) As Found by Name",
              description: "forgets what was chosen",
              does: "reset" as const,
            },
          ]
        : []),
    ];
  }

  /** Asks for the column of a role. @returns whether one was chosen. */
  private async askColumn(role: ColumnRole): Promise<boolean> {
    const { columns, found, samples } = this.head;
    const { name, what } = columnRoles.find((one) => one.role === role)!;
    const others = Object.entries(found).filter(([other]) => other !== role);
    const items: (vscode.QuickPickItem & { readonly column: string | null | undefined })[] = columns.map(
      (column) => {
        const used = others.find(([, name]) => name === column);
        const words = used && columnRoles.find((one) => one.role === used[0])?.name.toLowerCase();
        return {
          label: column,
          column,
          detail: samplesOf(samples, column),
          ...(found[role] === column
            ? { description: "chosen now" }
            : words !== undefined && { description: `${words} now` }),
        };
      },
    );
    if (role !== "prompt") {
      items.push({ label: "$(circle-slash) None", description: "no column holds it", column: null });
    }
    if (this.layout.columns?.[role] !== undefined) {
      items.push({ label: "$(discard) As Found by Name", column: undefined });
    }
    const picked = await vscode.window.showQuickPick(items, {
      title: `${name} Column of ${this.path}`,
      placeHolder: what,
      matchOnDetail: true,
      ignoreFocusOut: true,
    });
    if (!picked) return false;
    this.layout = withColumn(this.layout, role, picked.column);
    if (role !== "label" || !picked.column) return true;
    await this.look();
    // Numbers mean one thing in one file and the opposite in another: only a person can say which.
    if (this.meanings.length <= MOST_VALUES && this.meanings.some(({ label }) => label === undefined)) {
      await this.askValues();
    }
    return true;
  }

  private async askValues(): Promise<void> {
    const open = this.meanings.filter(({ label }) => label === undefined);
    const asked = open.length > 0 ? open : this.meanings;
    for (const { value, count, label } of asked.slice(0, MOST_VALUES)) {
      const choices = [
        ...labelSchema.options.map((option) => ({ label: wordState(option), option })),
        { label: "no label", description: "or what the word says", option: undefined },
      ];
      const picked = await vscode.window.showQuickPick(
        choices.map((choice) => (choice.option === label ? { ...choice, description: "now" } : choice)),
        {
          title: `Meaning of “${oneLine(value, 40)}”`,
          placeHolder: `${counted(count, "row")} of ${this.path} ${count === 1 ? "has" : "have"} this label`,
          ignoreFocusOut: true,
        },
      );
      if (!picked) return;
      this.layout = withLabelValue(this.layout, value, picked.option);
    }
  }

  private async askFormat(): Promise<void> {
    const picked = await vscode.window.showQuickPick(
      [
        { label: "As recognised", description: "by columns and name", format: undefined },
        { label: "None", description: "labels are those of the label column alone", format: "own" as const },
        ...formatSchema.options
          .filter((format) => format !== "own" && format !== "starter")
          .map((format) => ({ label: format, format })),
      ],
      { title: `Published Layout of ${this.path}`, ignoreFocusOut: true },
    );
    if (!picked) return;
    const { format: _, ...rest } = this.layout;
    this.layout = picked.format === undefined ? rest : { ...rest, format: picked.format };
  }
}
