import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Browser, Frame, Locator, Page } from "playwright-core";
import { launchChromium } from "./browser.ts";
import { type CodeServer, type CodeServerOptions, startCodeServer } from "./codeServer.ts";
import { type Theme, themes } from "./editorSettings.ts";

const screenshots = join(import.meta.dirname, "../../.cache/workbench/screenshots");

/** How long the workbench may take to show what a test waits for, in milliseconds. */
const patience = 60_000;

export type WorkbenchOptions = Pick<CodeServerOptions, "folder" | "settings" | "keybindings"> & {
  /** `trusted` when absent. */
  trust?: CodeServerOptions["trust"];
};

/**
 * Opens `options.folder` in a new VS Code with nothing but Discern in it, dark, in a browser window of 1400 × 900 pixels.
 *
 * @throws when Chromium or code-server cannot be had.
 */
export async function openWorkbench(options: WorkbenchOptions): Promise<Workbench> {
  const home = await mkdtemp(join(tmpdir(), "discern-editor-"));
  let server: CodeServer | undefined;
  let browser: Browser | undefined;
  const close = async () => {
    await browser?.close();
    await server?.stop();
    await rm(home, { recursive: true, force: true });
  };
  try {
    server = await startCodeServer({
      trust: "trusted",
      ...options,
      home,
      settings: { "workbench.colorTheme": themes.dark.id, ...options.settings },
    });
    browser = await launchChromium();
    return await Workbench.open({ server, browser, folder: options.folder, close });
  } catch (error) {
    await close();
    throw error;
  }
}

type Parts = { server: CodeServer; browser: Browser; folder: string; close: () => Promise<void> };

/** A VS Code in a browser, and what a person can do with it. Every method waits for what it needs. */
export class Workbench {
  readonly page: Page;
  private readonly parts: Parts;

  private constructor(page: Page, parts: Parts) {
    this.page = page;
    this.parts = parts;
  }

  static async open(parts: Parts): Promise<Workbench> {
    const context = await parts.browser.newContext({ viewport: { width: 1400, height: 900 } });
    context.setDefaultTimeout(patience);
    const workbench = new Workbench(await context.newPage(), parts);
    await workbench.page.goto(parts.server.url);
    await workbench.ready();
    return workbench;
  }

  /** A second window on the same folder and server. It ends with the first. */
  newWindow(): Promise<Workbench> {
    return Workbench.open(this.parts);
  }

  /** Ends the window, the server and everything that was started from it. */
  close(): Promise<void> {
    return this.parts.close();
  }

  /** What the server has written so far. */
  serverLog(): string {
    return this.parts.server.log();
  }

  /** Ids of the processes that run now, were started from this editor, and have `part` in their command. */
  async processes(part: string): Promise<number[]> {
    const all = await this.parts.server.processes();
    return all.filter(({ command }) => command.includes(part)).map(({ pid }) => pid);
  }

  /** The engines that run now and were started from this editor: of the workbench (`serve`) or of runs (`run`). */
  engines(kind: "serve" | "run"): Promise<number[]> {
    return this.processes(`cli.js ${kind}`);
  }

  /**
   * Loads the window anew, as "Developer: Reload Window" does, once the editor has stored which tabs are open and `state`
   * of their pages. In a browser it stores that only every few seconds, and when it has nothing else to do.
   *
   * @throws when the editor has not stored it within a minute.
   */
  async reload(state = /(?:)/): Promise<void> {
    const tabs = await this.tabs.locator(".label-name").allTextContents();
    const end = performance.now() + patience;
    for (;;) {
      const stored = await this.page.evaluate(storedEditors);
      // Where no tab is open, those that were must not come back.
      const follows = tabs.length > 0 || !stored.includes('"editors":[{');
      if (follows && tabs.every((tab) => stored.includes(tab)) && state.test(stored)) break;
      if (performance.now() > end)
        throw new Error(`The editor has not stored ${tabs} with ${state}:\n${stored}`);
      await this.page.waitForTimeout(250);
    }
    await this.page.reload();
    await this.ready();
  }

  /** Runs the command with this whole title, category and all (`Discern: Start Run`), from the command palette. */
  async runCommand(title: string): Promise<void> {
    const end = performance.now() + patience;
    // The palette lists what is registered when it opens, so a command of an extension that comes later needs a new one.
    for (;;) {
      await this.page.keyboard.press("F1");
      const input = this.quickInput.locator("input[type=text]");
      // An editor that opens late takes the keyboard, and the palette with it: it is then opened again.
      await input.fill(`>${title}`, { timeout: 2_000 }).catch(() => {});
      const row = this.row(title);
      const none = this.quickInput.locator(".monaco-list-row", { hasText: "No matching commands" });
      await row
        .or(none)
        .first()
        .waitFor({ timeout: 1_000 })
        .catch(() => {});
      const isChosen =
        (await row.isVisible()) &&
        // A click that was given up after it was made would run the command twice.
        (await row.click({ timeout: 15_000 }).then(
          () => true,
          () => false,
        ));
      if (isChosen) return;
      await this.page.keyboard.press("Escape");
      if (performance.now() > end) throw new Error(`The command palette has no command "${title}".`);
    }
  }

  /** Closes all editors: what is opened next does not meet one that is still being closed. */
  async closeEditors(): Promise<void> {
    await this.runCommand("View: Close All Editors");
    for (const end = performance.now() + patience; (await this.tabs.count()) > 0; ) {
      if (performance.now() > end)
        throw new Error(`These editors stay open: ${await this.tabs.allTextContents()}.`);
      await this.page.waitForTimeout(50);
    }
  }

  /** The quick pick or input box that is open. */
  get quickInput(): Locator {
    return this.page.locator(".quick-input-widget:visible");
  }

  /** Chooses the entry with this label in the open quick pick. */
  async quickPick(label: string): Promise<void> {
    await this.quickInput.locator("input[type=text]").fill(label);
    await this.row(label).click();
  }

  /** Clicks a lens that asks something, until it asks. */
  askByLens(label: string): Promise<void> {
    return this.clickLens(label, this.quickInput);
  }

  /** Clicks a lens until what it leads to is there: one that is drawn anew under the pointer takes no click. */
  async clickLens(label: string, leadsTo: Locator): Promise<void> {
    const lens = this.page.locator(".codelens-decoration a", { hasText: label }).first();
    await lens.waitFor();
    for (let left = 5; ; left--) {
      // What comes late lies over the lens by then.
      await lens.click({ timeout: 5_000 }).catch(() => {});
      const fault = await leadsTo.waitFor({ timeout: 10_000 }).catch((error: Error) => error);
      if (fault === undefined) return;
      if (left === 0) throw fault;
    }
  }

  /** Shows what the editor's hover says at the cursor, asked for by keys, once it says this. */
  async hoverAtCursor(words: string | RegExp): Promise<Locator> {
    // A hover of the pointer would be in the way.
    await this.page.mouse.move(5, 5);
    const hover = this.page.locator(".monaco-hover:visible", { hasText: words });
    // The first may be asked for before the editor has the keyboard, or before the extension provides any.
    for (const end = performance.now() + patience; ; ) {
      await this.page.keyboard.press("Control+k");
      await this.page.keyboard.press("Control+i");
      const fault = await hover.waitFor({ timeout: 5_000 }).catch((error: Error) => error);
      if (fault === undefined) return hover;
      if (performance.now() > end) throw fault;
    }
  }

  /** Chooses an entry of the menu of a row. @param seen called while the menu is open. */
  async chooseFromMenu(
    row: Locator,
    label: string,
    seen: () => Promise<unknown> = async () => {},
  ): Promise<void> {
    const entry = this.page.getByRole("menuitem", { name: label });
    // What takes the keyboard late, such as a dialog that closes, closes the menu: it is then opened again.
    for (let left = 5; ; left--) {
      const opened = row
        .click({ button: "right", timeout: 3_000 })
        .then(() => entry.hover({ timeout: 3_000 }));
      const failure = await opened.catch((error: Error) => error);
      if (failure === undefined) break;
      if (left === 0) throw failure;
      await this.page.keyboard.press("Escape");
    }
    await seen();
    // A click that comes as the menu opens is dropped; Enter is taken for the entry that the pointer is over.
    await this.page.keyboard.press("Enter");
    await entry.waitFor({ state: "hidden" });
  }

  /** Puts the cursor of the active editor somewhere. */
  async goTo(line: number, column = 1): Promise<void> {
    await this.page.keyboard.press("Control+g");
    await this.quickInput.locator("input[type=text]").fill(`:${line}:${column}`);
    // Enter does nothing before the editor has read the numbers.
    await this.quickInput.getByText(new RegExp(`line ${line} at (column|character) ${column}\\b`)).waitFor();
    await this.page.keyboard.press("Enter");
    await this.quickInput.waitFor({ state: "hidden" });
  }

  /** Answers the open input box. */
  async answer(text: string): Promise<void> {
    await this.quickInput.locator("input[type=text]").fill(text);
    await this.page.keyboard.press("Enter");
  }

  /** Answers the dialog that asks where to save a file, or which to open. */
  async saveAs(path: string): Promise<void> {
    const input = this.quickInput.locator("input[type=text]");
    // The dialog fills in its proposal once it has looked at the folder, over what was typed before.
    for (let settled = 0, last = ""; settled < 10; settled++) {
      const value = await input.inputValue();
      if (!value.startsWith("/") || value !== last) settled = 0;
      last = value;
      await this.page.waitForTimeout(100);
    }
    await input.fill(path);
    // While it looks at another folder it takes no answer.
    for (const end = performance.now() + patience; ; ) {
      await input.press("Enter", { timeout: 2_000 }).catch(() => {});
      // A second Enter would answer what comes next.
      const closed = await input.waitFor({ state: "hidden", timeout: 1_500 }).then(
        () => true,
        () => false,
      );
      if (closed) return;
      if (performance.now() > end) throw new Error(`The dialog does not take ${path}.`);
    }
  }

  private row(label: string): Locator {
    const name = this.page.getByText(label, { exact: true });
    return this.quickInput.locator(".monaco-list-row", { has: name }).first();
  }

  /** Opens a file of the workspace in an editor, and waits for its tab. */
  async openFile(relativePath: string): Promise<void> {
    const input = this.quickInput.locator("input[type=text]");
    const open = async () => {
      await this.page.keyboard.press("Control+P");
      await input.fill(join(this.parts.folder, relativePath), { timeout: 2_000 });
      await this.row(basename(relativePath)).click({ timeout: 5_000 });
    };
    for (const end = performance.now() + patience; ; ) {
      const failure = await open().catch((error: Error) => error);
      if (!failure) break;
      if (performance.now() > end) throw failure;
      // A page that has just been shown takes the keyboard late, and the list of files with it.
      await this.page.keyboard.press("Escape");
    }
    await this.tab(basename(relativePath)).waitFor();
  }

  private get tabs(): Locator {
    return this.page.locator(".tabs-container [role=tab]");
  }

  /** The tab of an open editor or panel. */
  tab(title: string): Locator {
    return this.tabs.filter({ has: this.page.getByText(title, { exact: true }) });
  }

  /** Waits until the active text editor has the keyboard, which it takes a moment after its tab is shown or a palette is closed. */
  editorFocused(): Promise<void> {
    return this.page.locator(".editor-group-container.active .monaco-editor.focused").waitFor();
  }

  /** Types into the active text editor. */
  async typeInEditor(text: string): Promise<void> {
    await this.editorFocused();
    await this.page.keyboard.type(text);
  }

  /** Saves the active editor, whose tab has this title, once it has something to save. */
  async save(title: string): Promise<void> {
    const dirty = this.page.locator(".tab.dirty", { hasText: title });
    await dirty.waitFor();
    await this.page.keyboard.press("Control+S");
    await dirty.waitFor({ state: "detached" });
  }

  /** Shows a side bar by its name in the activity bar. */
  async openSideBar(name: string): Promise<void> {
    const tab = this.page.locator(".activitybar").getByRole("tab", { name });
    const title = this.page.locator(".sidebar .composite.title", { hasText: name });
    // A window that has just opened restores its side bar, which a click at that moment hides again.
    for (let tries = 1; ; tries++) {
      if ((await tab.getAttribute("aria-selected")) !== "true") await tab.click();
      try {
        return await title.waitFor({ timeout: patience / 6 });
      } catch (error) {
        if (tries === 6) throw error;
      }
    }
  }

  /** Applies a quick fix at the cursor, by (part of) its title. @param seen called while it is offered. */
  async quickFix(title: string, seen: () => Promise<unknown> = async () => {}): Promise<void> {
    const fix = this.page.locator(".action-widget .monaco-list-row", { hasText: title });
    // The problem may have been found again just now, and its fix comes with the next light bulb.
    for (let tries = 1; ; tries++) {
      await this.page.keyboard.press("Escape");
      await this.page.keyboard.press("Control+.");
      try {
        await fix.waitFor({ timeout: 3_000 });
        await seen();
        return await fix.click({ timeout: 3_000 });
      } catch (error) {
        if (tries === 10) throw error;
      }
    }
  }

  /** A row of any tree, by (part of) its accessible name. */
  treeItem(name: string | RegExp): Locator {
    return this.page.getByRole("treeitem", { name });
  }

  /** Unfolds the first such row of a tree, once more where the tree was just drawing it anew. */
  unfold(name: string | RegExp): Promise<void> {
    return this.setFolded(name, false);
  }

  /** Folds the first such row of a tree. */
  fold(name: string | RegExp): Promise<void> {
    return this.setFolded(name, true);
  }

  private async setFolded(name: string | RegExp, folded: boolean): Promise<void> {
    const row = this.treeItem(name).first();
    const end = performance.now() + patience;
    while ((await row.getAttribute("aria-expanded")) !== String(!folded)) {
      if (performance.now() > end)
        throw new Error(`The row ${name} stays ${folded ? "unfolded" : "folded"}.`);
      // A second click on a row that is slow to follow would take the first one back.
      await row.locator(".monaco-tl-twistie").click();
      for (const late = performance.now() + 3_000; performance.now() < late; ) {
        if ((await row.getAttribute("aria-expanded")) === String(!folded)) break;
        await this.page.waitForTimeout(50);
      }
    }
  }

  /** The page inside the visible webview with this title, once it has loaded. */
  async webview(title: string | RegExp): Promise<Frame> {
    // Titles are on the inner frames, and playwright looks into a frame only from outside: each is asked in turn.
    const end = performance.now() + patience;
    while (performance.now() < end) {
      for (const inner of this.page.frames().filter((frame) => frame.parentFrame()?.parentFrame())) {
        const shown = await isShown(inner, title).catch(() => false);
        if (shown) return inner;
      }
      await this.page.waitForTimeout(50);
    }
    throw new Error(`There is no webview with the title "${title}".`);
  }

  /**
   * A notification that contains `text`, once it is shown. It goes by itself after ten seconds, unless the pointer is on it: what may come while something
   * else is waited for is asked for before that.
   *
   * @param timeout milliseconds until it must be there
   */
  async notification(text: string | RegExp, timeout = patience): Promise<Locator> {
    const toast = this.page
      .locator(".notifications-toasts .notification-list-item", { hasText: text })
      .first();
    await toast.waitFor({ timeout });
    return toast;
  }

  /** The modal dialog that contains `text`, once it is shown and has the keyboard. */
  async dialog(text: string | RegExp): Promise<Locator> {
    const box = this.page.locator(".monaco-dialog-box", { hasText: text });
    await box.waitFor();
    const hasKeyboard = () => box.evaluate((element) => element.contains(document.activeElement));
    for (const end = performance.now() + patience; !(await hasKeyboard()); ) {
      if (performance.now() > end) throw new Error(`The dialog ${text} does not take the keyboard.`);
      await this.page.waitForTimeout(50);
    }
    return box;
  }

  /** Changes the theme as a person does, since the server does not notice changes in the settings' file. */
  async setTheme(theme: Theme): Promise<void> {
    const { label, className } = themes[theme];
    await this.runCommand("Preferences: Color Theme");
    await this.quickPick(label);
    await this.page.locator(`.monaco-workbench.${className}`).waitFor();
  }

  /**
   * Waits until the window looks the same in three pictures, one after another: hovers have faded in and charts are drawn.
   *
   * @throws when it keeps moving for a minute.
   */
  async settled(): Promise<void> {
    const end = performance.now() + patience;
    let last: Buffer = Buffer.alloc(0);
    for (let same = 0; same < 2; ) {
      const now = await this.page.screenshot();
      same = now.equals(last) ? same + 1 : 0;
      last = now;
      if (performance.now() > end) throw new Error("The window keeps moving.");
      await this.page.waitForTimeout(250);
    }
  }

  /** Writes what is seen into `.cache/workbench/screenshots/<name>.png`, and returns that path. */
  async screenshot(name: string): Promise<string> {
    await mkdir(screenshots, { recursive: true });
    const path = join(screenshots, `${name}.png`);
    await this.page.screenshot({ path, animations: "disabled" });
    return path;
  }

  private async ready(): Promise<void> {
    await this.page.locator(".monaco-workbench .part.statusbar .statusbar-item").first().waitFor();
  }
}

async function isShown(frame: Frame, title: string | RegExp): Promise<boolean> {
  const element = await frame.frameElement();
  // The editor gives the frame of a panel a title, and that of a custom editor the word "undefined".
  const named = await element.getAttribute("title");
  const found = named && named !== "undefined" ? named : await frame.title();
  const wanted = typeof title === "string" ? found === title : title.test(found);
  if (!wanted || !(await element.isVisible())) return false;
  const outer = await frame.parentFrame()!.frameElement();
  return (await outer.isVisible()) && (await frame.evaluate(() => document.readyState === "complete"));
}

/**
 * What the editor has stored of the tabs of its workspaces, as text. Runs in its window.
 *
 * @returns "" before it has stored anything.
 */
async function storedEditors(): Promise<string> {
  const finished = <Result>(request: IDBRequest<Result>): Promise<Result> =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const all = await indexedDB.databases();
  const names = all.map(({ name }) => name ?? "").filter((name) => name.startsWith("vscode-web-state-db-"));
  const found = names.map(async (name) => {
    const database = await finished(indexedDB.open(name));
    try {
      if (!database.objectStoreNames.contains("ItemTable")) return "";
      const table = database.transaction("ItemTable", "readonly").objectStore("ItemTable");
      return String((await finished(table.get("memento/workbench.parts.editor"))) ?? "");
    } finally {
      database.close();
    }
  });
  // Each string inside the state is a state of its own, quoted once more.
  return (await Promise.all(found)).join("\n").replaceAll("\\", "");
}
