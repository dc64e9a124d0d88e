// @vitest-environment jsdom
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/preact";
import { act } from "preact/test-utils";
import { afterEach, expect, test } from "vitest";
import { openHelpMessage } from "../../../src/protocol/webview/page.ts";
import { type Help, HelpButton, WithHelp } from "../../../src/webview/ui/help.tsx";
import { usePageKeys } from "../../../src/webview/ui/pageKeys.ts";
import { faults } from "./axe.ts";

afterEach(cleanup);

const help: Help = {
  title: "page under test",
  about: "It is for a test.",
  keys: [{ shown: "1", does: "Label toxic" }],
  screenReader: ["A list of prompts."],
};
const dialog = () => screen.queryByRole("dialog", { name: "Help: page under test" });
const press = (key: string, modifiers: KeyboardEventInit = {}) =>
  fireEvent.keyDown(document.activeElement ?? document.body, { key, ...modifiers });

function Page({ acted }: { acted: string[] }) {
  usePageKeys([{ keys: ["1"], shown: "1", action: "one", does: "" }], (action) => acted.push(action));
  return (
    <>
      <HelpButton />
      <input aria-label="Search" />
      <button type="button" data-work>
        Work
      </button>
    </>
  );
}

function show(): string[] {
  const acted: string[] = [];
  render(
    <WithHelp help={help}>
      <Page acted={acted} />
    </WithHelp>,
  );
  return acted;
}

test("help comes by key, by button and by the editor's command, and gives the focus back", async () => {
  const acted = show();
  const search = screen.getByRole("textbox");
  search.focus();
  press("?");
  expect(dialog()).toBeNull();
  screen.getByRole("button", { name: "Work" }).focus();
  press("?");
  await waitFor(() => expect(document.activeElement).toBe(dialog()));
  expect(dialog()!.textContent).toContain("Label toxic");
  expect(dialog()!.textContent).toContain("Show or hide this help");
  expect(await faults(document.body)).toEqual([]);
  // What is under it takes neither the focus nor keys.
  expect(screen.getByText("Work").closest("[inert]")).not.toBeNull();
  press("1");
  expect(acted).toEqual([]);
  press("Escape");
  await waitFor(() => expect(document.activeElement).toBe(screen.getByText("Work")));
  press("1");
  expect(acted).toEqual(["one"]);
  fireEvent.click(screen.getByRole("button", { name: "Help and keys" }));
  expect(dialog()).not.toBeNull();
  fireEvent.click(screen.getByRole("button", { name: "Close" }));
  expect(dialog()).toBeNull();
  act(() => void window.dispatchEvent(new MessageEvent("message", { data: openHelpMessage })));
  expect(dialog()).not.toBeNull();
});

test("Alt+F1 is the editor's where there is one, and the page's own in a file", () => {
  show();
  press("F1", { altKey: true });
  expect(dialog()).not.toBeNull();
  press("Escape");
  Object.assign(globalThis, { acquireVsCodeApi: () => ({}) });
  press("F1", { altKey: true });
  expect(dialog()).toBeNull();
  Reflect.deleteProperty(globalThis, "acquireVsCodeApi");
});

const pages = join(import.meta.dirname, "../../../src/webview");
const names = readdirSync(pages).filter((name) => existsSync(join(pages, name, "main.tsx")));

test.each(names)("the page %s has a help, which tells each of its keys once", async (name) => {
  const drawn = readFileSync(join(pages, name, "main.tsx"), "utf8");
  // Wherever the page is drawn, in the editor or in a file, it is drawn with its help.
  expect(drawn.match(/<App /g)).toHaveLength(drawn.match(/<WithHelp help=\{help\}>/g)!.length);
  const hasKeys = existsSync(join(pages, name, "keys.ts"));
  const module: { help: Help; keys?: readonly { shown: string }[] } = hasKeys
    ? await import(join(pages, name, "keys.ts"))
    : await import(join(pages, name, "help.ts"));
  const told = module.help.keys.map(({ shown, does }) => `${shown} ${does}`);
  expect(new Set(told).size).toBe(told.length);
  for (const { shown } of module.keys ?? [])
    expect(module.help.keys.map((key) => key.shown)).toContain(shown);
  expect(module.help.about.length).toBeGreaterThan(40);
  expect(module.help.screenReader.length).toBeGreaterThan(1);
});

test("keys that come at once behind the one that opened the help find it open", async () => {
  const acted = show();
  const key = (name: string) =>
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true }));
  // No frame is painted in between, as where a page is busy.
  const drawn = () => new Promise((resolve) => queueMicrotask(() => queueMicrotask(() => resolve(null))));
  key("?");
  await drawn();
  expect(document.activeElement).toBe(dialog());
  key("Escape");
  await drawn();
  expect(dialog()).toBeNull();
  key("1");
  expect(acted).toEqual(["one"]);
});
