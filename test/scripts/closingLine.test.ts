import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { tempFolder } from "../tempFolder.ts";

type Ends = Record<string, string[]>;

/** What vitest writes: files, each with the ends of its tests. */
const results = (files: Ends, broken: string[] = []) =>
  JSON.stringify({
    testResults: Object.entries(files).map(([name, ends]) => ({
      name,
      status: ends.includes("failed") || broken.includes(name) ? "failed" : "passed",
      assertionResults: ends.map((status, i) => ({ fullName: `test ${i >> 1}`, status })),
    })),
  });

async function closingLine(files: Record<string, string>) {
  const folder = tempFolder();
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const script = join(import.meta.dirname, "../../.ci/closingLine.js");
  const { stdout, exitCode } = await execa(process.execPath, [script, folder], { reject: false });
  return [stdout, exitCode];
}

const alone = "1-alone.json";

test("tests that ran again count once, as they ended last", async () => {
  const first = results({ a: ["passed", "passed"], b: ["skipped", "passed", "skipped"] });
  expect(await closingLine({ [alone]: first })).toEqual(["3 passed, 0 failed, 2 skipped", 0]);
  const second = results({ b: ["passed", "passed", "failed"] });
  expect(await closingLine({ [alone]: first, "2-published.json": second })).toEqual([
    "4 passed, 1 failed, 0 skipped",
    1,
  ]);
});

test("cases count, and so do files that could not run", async () => {
  const cases = "right  s01-one\nwrong  s02-two: because\n1 passed, 1 failed\n";
  expect(await closingLine({ [alone]: results({ a: ["passed"] }), "cases.txt": cases })).toEqual([
    "2 passed, 1 failed, 0 skipped",
    1,
  ]);
  const broken = results({ a: [], b: ["skipped"] }, ["a", "b"]);
  expect(await closingLine({ [alone]: broken })).toEqual(["0 passed, 2 failed, 1 skipped", 1]);
});

test("no results are a failure", async () => {
  expect(await closingLine({})).toEqual(["0 passed, 1 failed, 0 skipped", 1]);
});
