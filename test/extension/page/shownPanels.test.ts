import { expect, test } from "vitest";
import { ShownPanels } from "../../../src/extension/page/shownPanels.ts";

/** A memory that outlives windows, and panels that can be closed. */
function editor() {
  const values = new Map<string, unknown>();
  const memory = {
    keys: () => [...values.keys()],
    get: (key: string, otherwise?: unknown) => values.get(key) ?? otherwise,
    update: async (key: string, value: unknown) => void values.set(key, value),
  };
  const window = () => new ShownPanels(memory as never, "kind");
  const panel = () => {
    const closed: (() => void)[] = [];
    return {
      onDidDispose: (listener: () => void) => closed.push(listener),
      close() {
        for (const tell of closed) tell();
      },
    };
  };
  return { window, panel: panel as unknown as () => Parameters<ShownPanels["keep"]>[0] & { close(): void } };
}

test("what panels showed is known to the next window, also of a panel that comes back later", () => {
  const { window, panel } = editor();
  const first = window();
  first.keep(panel(), "a");
  first.keep(panel(), "b");
  const second = window();
  expect(second.recall()).toBe("b");
  second.keep(panel(), "b");
  // Only "b" is back; the window is loaded anew once more before "a" was looked at.
  expect(window().recall()).toBe("b");
  expect(second.recall()).toBe("a");
});

test("a panel that shows something else, or was closed, is not brought back as it was", () => {
  const { window, panel } = editor();
  const first = window();
  const shown = panel();
  first.keep(shown, "a");
  first.keep(shown, "b");
  expect(window().recall()).toBe("b");
  shown.close();
  expect(window().recall()).toBeUndefined();
});
