import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { comparisonName, makeFreeFolder } from "../../../src/extension/runs/freeName.ts";
import { tempFolder } from "../../tempFolder.ts";

test("a folder that exists is never used again, not even by two who ask at once", async () => {
  const parent = join(tempFolder(), "runs");
  mkdirSync(join(parent, "compare-a"), { recursive: true });
  const made = await Promise.all([makeFreeFolder(parent, "compare-a"), makeFreeFolder(parent, "compare-a")]);
  expect(made.toSorted()).toEqual([join(parent, "compare-a-2"), join(parent, "compare-a-3")]);
});

test("a comparison is named after its runs, by what a file name may hold", () => {
  expect(comparisonName(["stl-1", "dcr:é/1"])).toBe("compare-stl-1-dcr-é-1");
  expect(comparisonName(["x".repeat(300)])).toHaveLength(80);
});
