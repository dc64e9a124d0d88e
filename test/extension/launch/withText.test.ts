import { readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { withText } from "../../../src/extension/launch/withText.ts";
import { tempFolder } from "../../tempFolder.ts";

test("a file that was changed, or is gone, is used as it was, under its ending and beside it", async () => {
  const root = tempFolder();
  const file = join(root, "a.discern.json");
  await writeFile(file, "one");
  await withText(file, "one", async (path) => expect(path).toBe(file));
  const seen: string[] = [];
  const look = async (path: string) => {
    expect(basename(path)).toMatch(/^\.a-queued-.*\.discern\.json$/);
    seen.push(await readFile(path, "utf8"));
  };
  await withText(file, "before", look);
  await withText(file, "earlier", look);
  expect(seen).toEqual(["before", "earlier"]);
  await expect(withText(file, "before", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  // Nothing is left, and the file is as the person has it.
  expect(await readdir(root)).toEqual(["a.discern.json"]);
  expect(await readFile(file, "utf8")).toBe("one");
});
