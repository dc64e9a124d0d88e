import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DisposableStore } from "../../src/extension/disposableStore.ts";

/** Things that write down when they are disposed. */
function things() {
  const gone: string[] = [];
  const thing = (name: string) => ({ name, dispose: () => void gone.push(name) });
  return { gone, thing };
}

describe("a store", () => {
  test("disposes of what was added last first, and of each once", () => {
    const { gone, thing } = things();
    const store = new DisposableStore();
    const first = thing("first");
    expect(store.add(first)).toBe(first);
    store.add(first);
    store.add(thing("second"));
    store.dispose();
    store.dispose();
    expect(gone).toEqual(["second", "first"]);
  });

  test("disposes at once of what comes late, also of a store within", () => {
    const { gone, thing } = things();
    const store = new DisposableStore();
    const inner = store.add(new DisposableStore());
    store.dispose();
    store.add(thing("late"));
    inner.add(thing("late within"));
    expect(gone).toEqual(["late", "late within"]);
  });

  test("that is cleared takes more", () => {
    const { gone, thing } = things();
    const store = new DisposableStore();
    store.add(thing("before"));
    store.clear();
    store.add(thing("after"));
    expect(gone).toEqual(["before"]);
    store.dispose();
    expect(gone).toEqual(["before", "after"]);
  });

  test("disposes of the others when a disposal fails, and passes the failures on", () => {
    const { gone, thing } = things();
    const failing = (message: string) => ({
      dispose: () => {
        throw new Error(message);
      },
    });
    const store = new DisposableStore();
    store.add(thing("first"));
    store.add(failing("one"));
    store.add(thing("last"));
    expect(() => store.clear()).toThrow(new Error("one"));
    expect(gone).toEqual(["last", "first"]);
    store.add(failing("one"));
    store.add(failing("two"));
    expect(() => store.dispose()).toThrow(AggregateError);
  });

  test("may be added to while it is disposed", () => {
    const { gone, thing } = things();
    const store = new DisposableStore();
    store.add({ dispose: () => store.add(thing("added by a disposal")) });
    store.dispose();
    expect(gone).toEqual(["added by a disposal"]);
  });
});

test("the extension keeps no lists of disposables by hand", () => {
  const root = join(import.meta.dirname, "../../src/extension");
  const lists = globSync("**/*.ts", { cwd: root }).filter((file) =>
    /^\s+(private |readonly )*\w+: (readonly )?vscode\.Disposable\b/m.test(
      readFileSync(join(root, file), "utf8"),
    ),
  );
  expect(lists).toEqual([]);
});
