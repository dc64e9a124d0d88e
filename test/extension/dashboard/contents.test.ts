import { expect, test } from "vitest";
import {
  type Contents,
  contentsOf,
  isAskedFor,
  withBegun,
  without,
} from "../../../src/extension/dashboard/contents.ts";

type Uri = Contents["runs"][number];
const uri = (path: string) => ({ fsPath: path, toString: () => `file://${path}` }) as Uri;
/** An experiment of which these runs have begun. */
const experiment = (...cells: string[]) => {
  return (folder: Uri) => (folder.fsPath === "/e" ? cells.map((name) => uri(`/e/${name}`)) : undefined);
};
const show = ({ runs, follows, removed }: Contents) =>
  [runs, follows, removed].map((folders) => folders.map(({ fsPath }) => fsPath).join(" "));

test("an experiment is shown by its runs, also where one of them is named beside it, as by the status bar", () => {
  expect(show(contentsOf([uri("/e"), uri("/e/b"), uri("/x")], experiment("a", "b")))).toEqual([
    "/e/a /e/b /x",
    "/e",
    "",
  ]);
  expect(show(contentsOf([uri("/e")], experiment()))).toEqual(["", "/e", ""]);
  expect(show(contentsOf([uri("/e/a")], experiment("a")))).toEqual(["/e/a", "", ""]);
});

test("runs that begin are added, but not one that a person took away", () => {
  const first = contentsOf([uri("/e")], experiment("a"));
  expect(withBegun(first, experiment("a"))).toBe(first);
  const fewer = without(first, uri("/e/a"));
  expect(show(withBegun(fewer, experiment("a", "b")))).toEqual(["/e/b", "/e", "/e/a"]);
});

test("a dashboard is the one that is asked for where it follows the same experiment, whatever was added or taken away", () => {
  const asked = contentsOf([uri("/e"), uri("/e/b")], experiment("a", "b"));
  const changed = without(withBegun(asked, experiment("a", "b"), [uri("/x")]), uri("/e/a"));
  expect(isAskedFor(changed, asked)).toBe(true);
  const cells = contentsOf([uri("/e/b"), uri("/e/a")], experiment("a", "b"));
  expect(isAskedFor(cells, asked)).toBe(false);
  expect(isAskedFor(cells, contentsOf([uri("/e/a"), uri("/e/b")], experiment("a", "b")))).toBe(true);
  expect(isAskedFor(cells, contentsOf([uri("/e/a")], experiment("a", "b")))).toBe(false);
});
