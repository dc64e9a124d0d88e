import { expect, test } from "vitest";
import { runFolders } from "../../../src/extension/dashboard/runFolders.ts";

const uri = (path: string) => ({ fsPath: path, toString: () => `file://${path}` });
const paths = (given: readonly unknown[]) => runFolders(given).map(({ fsPath }) => fsPath);

test.each<[string, readonly unknown[], string[]]>([
  ["nothing", [], []],
  ["undefined, as from the palette", [undefined], []],
  ["a folder", [uri("/a")], ["/a"]],
  ["a run", [{ folder: uri("/a"), state: "running" }], ["/a"]],
  [
    "the row that was clicked and those that are selected",
    [{ run: { folder: uri("/b") } }, [{ run: { folder: uri("/a") } }, { run: { folder: uri("/b") } }]],
    ["/b", "/a"],
  ],
  ["rows that are no runs", [{ file: "x" }, "y", null], []],
])("a command given %s", (_, given, expected) => {
  expect(paths(given)).toEqual(expected);
});
