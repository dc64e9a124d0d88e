import { expect, it, vi } from "vitest";
import type { Run, RunLibrary } from "../../../src/extension/runs/library.ts";

/** As much of the editor as a tree needs to say what is to be drawn. */
vi.mock("vscode", () => ({
  EventEmitter: class {
    private readonly listeners: ((what: unknown) => void)[] = [];
    readonly event = (listener: (what: unknown) => void) => {
      this.listeners.push(listener);
      return { dispose: () => undefined };
    };
    fire(what: unknown) {
      for (const listener of this.listeners) listener(what);
    }
    dispose() {}
  },
  commands: { executeCommand: () => undefined },
  window: {
    createOutputChannel: () => ({}),
    createTreeView: () => ({ selection: [], dispose: () => undefined }),
  },
}));
const { RunTree } = await import("../../../src/extension/runs/tree.ts");

const made = (name: string, state: Run["state"]) =>
  ({ name, label: name, state, folder: { fsPath: `/runs/${name}`, path: `/runs/${name}` } }) as Run;

it("draws one row anew where a run changes, also under a filter, and all of them where others are shown then", () => {
  const runs = [made("dcr", "running"), made("stl", "running")];
  let change: (run: Run) => void = () => {};
  const library = {
    onDidChange: (listener: typeof change) => {
      change = listener;
      return { dispose: () => undefined };
    },
    queue: { onDidChange: () => ({ dispose: () => undefined }), waiting: [] },
    ...{ runs, listed: runs, comparisonOf: () => undefined, cellsOf: () => [] },
  } as unknown as RunLibrary;
  const tree = new RunTree(library);
  tree.filter = "running";
  const rows = tree.getChildren();
  const drawn: unknown[] = [];
  tree.onDidChangeTreeData((row) => drawn.push(row));
  runs[0] = { ...runs[0]!, step: 5 };
  change(runs[0]);
  expect(drawn).toEqual([rows[0]]);
  runs[0] = made("dcr", "finished");
  change(runs[0]);
  expect(drawn).toEqual([rows[0], undefined]);
});
