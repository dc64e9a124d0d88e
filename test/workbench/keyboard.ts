import type { Frame, Locator, Page } from "playwright-core";
import { expect } from "vitest";
import type { Workbench } from "./workbench.ts";

type Ways = "getByRole" | "getByText" | "getByLabel" | "locator";

/** What can be read of an element. It has no method that would press, fill or focus it. */
export type Look = Pick<Locator, "waitFor" | "textContent" | "allTextContents" | "getAttribute" | "count"> & {
  [Way in Ways]: (...asked: Parameters<Locator[Way]>) => Look;
} & { first(): Look; or(other: Look): Look };

/** What can be read of a page, likewise. */
export type SeenPage = { [Way in Ways]: (...asked: Parameters<Frame[Way]>) => Look };

const patient = { timeout: 60_000, interval: 50 };

/**
 * A person who has a keyboard and no mouse in a workbench: keys go to what has the focus, and the rest can only be looked at. So what a test
 * does with it can be done without a mouse.
 */
export class Keyboard {
  private readonly workbench: Workbench;
  private readonly page: Page;

  constructor(workbench: Workbench) {
    this.workbench = workbench;
    this.page = workbench.page;
  }

  /** The window of the editor, to be looked at. */
  get window(): SeenPage {
    return this.page;
  }

  /** The page of ours with this title, to be looked at, once it has loaded. */
  sees(title: string | RegExp): Promise<SeenPage> {
    return this.workbench.webview(title);
  }

  async press(...keys: string[]): Promise<void> {
    for (const key of keys) await this.page.keyboard.press(key);
  }

  type(text: string): Promise<void> {
    return this.page.keyboard.type(text);
  }

  /** Runs the command with this whole title from the command palette. */
  async command(title: string): Promise<void> {
    // The palette lists what is registered when it opens, and a page that opens late takes its keys: it is then opened again.
    for (let tries = 0; tries < 20; tries++) {
      await this.press("F1");
      const opened = await this.isThere(this.page.locator(".quick-input-widget:visible input[type=text]"));
      if (opened) await this.type(title);
      if (opened && (await this.goToRow(title))) return this.press("Enter");
      await this.press("Escape");
    }
    throw new Error(`The command palette has no command "${title}".`);
  }

  /** Chooses the entry with this label in the quick pick that is open, or about to be. */
  async choose(label: string): Promise<void> {
    await this.page.locator(".quick-input-widget:visible input[type=text]").waitFor();
    await this.page
      .locator(".quick-input-widget:visible")
      .getByText(label, { exact: true })
      .first()
      .waitFor();
    await this.type(label);
    if (!(await this.goToRow(label))) throw new Error(`There is no entry "${label}".`);
    await this.press("Enter");
  }

  /** Writes into the input box with this title and confirms it. */
  async answer(title: string | RegExp, text: string): Promise<void> {
    await this.page.locator(".quick-input-widget:visible", { hasText: title }).waitFor();
    await this.press("Control+a");
    await this.type(text);
    await this.press("Enter");
  }

  /** Ticks the entries with these names in the quick pick that is open, and confirms them. */
  async tick(...names: string[]): Promise<void> {
    const rows = this.page.locator(".quick-input-widget:visible .monaco-list-row");
    for (const name of names) {
      const row = rows.filter({ hasText: name }).first();
      await row.waitFor();
      for (let steps = 0; !(await isFocusedRow(row)); steps++) {
        if (steps > 40) throw new Error(`The arrow keys do not lead to "${name}".`);
        await this.press("ArrowDown");
      }
      await this.press("Space");
    }
    await this.page.locator(".quick-input-widget:visible").getByText(`${names.length} Selected`).waitFor();
    await this.press("Enter");
  }

  /** Answers the dialog that asks for a file or folder, once it has made its own proposal. */
  async path(path: string): Promise<void> {
    await this.settledPath();
    await this.press("Control+a");
    // All at once, as from the clipboard: the dialog completes names between letters.
    await this.page.keyboard.insertText(path);
    await this.settledPath();
    // While it looks at another folder it takes no answer.
    const input = this.page.locator(".quick-input-widget:visible input[type=text]");
    for (let tries = 0; tries < 20; tries++) {
      await this.press("Enter");
      const closed = await input.waitFor({ state: "hidden", timeout: 3_000 }).then(
        () => true,
        () => false,
      );
      if (closed) return;
    }
    throw new Error(`The dialog does not take ${path}.`);
  }

  private async settledPath(): Promise<void> {
    const input = this.page.locator(".quick-input-widget:visible input[type=text]");
    for (let same = 0, last = ""; same < 10; same++) {
      const value = await input.inputValue();
      if (!value.startsWith("/") || value !== last) same = 0;
      last = value;
      await this.page.waitForTimeout(100);
    }
  }

  /** Opens a file of the folder in an editor. */
  async open(name: string): Promise<void> {
    await this.press("Control+p");
    await this.page.locator(".quick-input-widget:visible input[type=text]").waitFor();
    await this.type(name);
    if (!(await this.goToRow(name))) throw new Error(`No file ${name} was found.`);
    await this.press("Enter");
    await this.workbench.tab(name).first().waitFor();
  }

  /** Goes down in the tree or list that has the focus, from its first row, to the row with this name. */
  async goDownTo(name: RegExp): Promise<void> {
    // Rows that were just unfolded come a little later.
    for (const end = performance.now() + patient.timeout; performance.now() < end; ) {
      await this.press("Home");
      for (let rows = 0; rows < 60; rows++) {
        const row = await this.focusedRow();
        if (name.test(row)) return;
        await this.press("ArrowDown");
      }
    }
    throw new Error(`Going down leads to no row ${name}, but at last to "${await this.focusedRow()}".`);
  }

  /** The name of the row of a tree or list that the keys are on; "" where they are on none. */
  focusedRow(): Promise<string> {
    return this.page.evaluate(() => {
      const id = document.activeElement?.getAttribute("aria-activedescendant");
      return (id && document.getElementById(id)?.getAttribute("aria-label")) || "";
    });
  }

  /**
   * Presses Tab until what is looked for has the focus.
   *
   * @returns how often.
   * @throws when 150 times do not suffice.
   */
  async tabTo(look: Look, key: "Tab" | "Shift+Tab" = "Tab"): Promise<number> {
    await look.waitFor();
    const stops: string[] = [];
    for (let times = 0; times < 150; times++) {
      const { isIt, words } = await focusBeside(look);
      if (isIt) return times;
      stops.push(words);
      await this.press(key);
    }
    throw new Error(`${key} does not lead to ${look}. Its stops: ${stops.join(" | ")}`);
  }

  /** Waits until a page of ours has the keyboard: a page that is shown takes it a moment later. */
  within(page: SeenPage): Promise<void> {
    const hasKeyboard = () => (page as Frame).evaluate(() => document.hasFocus());
    return expect.poll(hasKeyboard, patient).toBe(true) as Promise<void>;
  }

  /** Waits until what is looked at has the focus. */
  focused(look: Look): Promise<void> {
    return expect.poll(() => focusBeside(look), patient).toMatchObject({ isIt: true }) as Promise<void>;
  }

  /** Goes with Tab to a button and presses it. */
  async use(button: Look, key: "Enter" | "Space" = "Enter"): Promise<void> {
    await this.tabTo(button);
    await this.press(key);
  }

  private isThere(locator: Locator): Promise<boolean> {
    return locator.waitFor({ timeout: 3_000 }).then(
      () => true,
      () => false,
    );
  }

  /** Goes to the row of the open quick pick with exactly this label. @returns whether there is one among the first. */
  private async goToRow(label: string): Promise<boolean> {
    const row = this.page.locator(".quick-input-widget:visible .monaco-list-row");
    const wanted = row.filter({ has: this.page.getByText(label, { exact: true }) }).first();
    if (!(await this.isThere(wanted))) return false;
    for (let rows = 0; rows < 20; rows++) {
      if (await isFocusedRow(wanted)) return true;
      await this.press("ArrowDown");
    }
    return false;
  }
}

async function isFocusedRow(row: Locator): Promise<boolean> {
  return ((await row.getAttribute("class")) ?? "").split(" ").includes("focused");
}

/** Whether what is looked at has the focus, and what has it in its page, in words. */
function focusBeside(look: Look): Promise<{ isIt: boolean; words: string }> {
  return (look as Locator).evaluate((element) => {
    const at = document.hasFocus() ? document.activeElement : null;
    const inside = (element.getRootNode() as Document | ShadowRoot).activeElement;
    const words = at
      ? (at.getAttribute("aria-label") ?? at.textContent ?? at.tagName).trim().slice(0, 40)
      : "elsewhere";
    return { isIt: at !== null && inside === element, words };
  });
}
