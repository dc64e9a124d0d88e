import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { suiteFolders } from "../../../src/suites/home.ts";

/** As much of the editor as a setting and the folders of a workspace need. */
const editor = vi.hoisted(() => ({
  folder: "",
  roots: [] as { uri: { fsPath: string } }[],
  tell: new Set<() => void>(),
}));
vi.mock("vscode", () => {
  const listen = (listener: (change: unknown) => void) => {
    const tell = () => listener({ affectsConfiguration: (key: string) => key === "discern.suites.folder" });
    editor.tell.add(tell);
    return { dispose: () => editor.tell.delete(tell) };
  };
  return {
    Disposable: {
      from: (...all: { dispose(): void }[]) => ({
        dispose: () => {
          for (const one of all) one.dispose();
        },
      }),
    },
    window: { createOutputChannel: () => ({}) },
    workspace: {
      get workspaceFolders() {
        return editor.roots;
      },
      getConfiguration: () => ({ get: () => editor.folder }),
      onDidChangeConfiguration: listen,
      onDidChangeWorkspaceFolders: listen,
    },
  };
});
const { followSuiteFolder, suiteVariable } = await import("../../../src/extension/recipe/suiteFolder.ts");

beforeEach(() => {
  vi.stubEnv("DISCERN_DATA", "/of/the/system");
  editor.roots = [{ uri: { fsPath: resolve("/workspace") } }];
});

test.each([
  ["", undefined],
  [" ", undefined],
  ["/data/suites", resolve("/data/suites")],
  ["data/suites", resolve("/workspace/data/suites")],
  ["~/suites", join(homedir(), "suites")],
  ["~", homedir()],
  ["~other", resolve("/workspace/~other")],
])("the setting %j names %j", (set, folder) => {
  editor.folder = set;
  expect(suiteVariable()).toEqual(folder === undefined ? {} : { DISCERN_DATA: folder });
});

test("a relative folder names nothing where none is open", () => {
  editor.roots = [];
  editor.folder = "data";
  expect(suiteVariable()).toEqual({});
  editor.folder = "/data";
  expect(suiteVariable()).toEqual({ DISCERN_DATA: "/data" });
});

test("the editor looks where the setting says, at once, and anew when it or the workspace changes", () => {
  editor.folder = "one";
  const onChange = vi.fn();
  const following = followSuiteFolder(onChange);
  expect(suiteFolders()).toEqual([resolve("/workspace/one")]);
  expect(onChange).not.toHaveBeenCalled();
  const change = () => {
    for (const tell of editor.tell) tell();
  };
  editor.folder = "";
  change();
  expect(suiteFolders()).toEqual([resolve("/of/the/system")]);
  expect(onChange).toHaveBeenCalled();
  following.dispose();
  expect(editor.tell.size).toBe(0);
});
