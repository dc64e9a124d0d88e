import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import type { Judgement } from "../../src/protocol/judgement.ts";
import { appendJudgements, judgementsPath, responseHash } from "../../src/runFolder/judgements.ts";
import {
  keepJudgement,
  reportJudgements,
  reportStamp,
  sharedJudgementsPath,
  sharedLogsOf,
} from "../../src/runFolder/reportJudgements.ts";
import { tempFolder } from "../tempFolder.ts";

const judgement = (id: string, verdict: Judgement["verdict"], minute = 0): Judgement => ({
  ...{ id, suite: "pairs", method: "stl", seed: 0, response: responseHash("I'm sorry"), verdict },
  ...{ by: "ann", at: `2026-01-01T10:${String(minute).padStart(2, "0")}:00Z` },
});

let runs: string;
beforeEach(() => {
  runs = join(tempFolder(), "runs");
});
/** A folder with a report, and a plan where it is an experiment. */
function keep(name: string, ...files: string[]): string {
  const folder = join(runs, name);
  mkdirSync(folder, { recursive: true });
  for (const file of ["report.json", ...files]) writeFileSync(join(folder, file), "{}");
  return folder;
}
const verdictOf = async (report: string, id: string) =>
  [...(await reportJudgements([report])).judged.values()].find((one) => one.id === id)?.verdict;
const lines = async (path: string) => (await readFile(path, "utf8")).trim().split("\n");

describe("what people judged in a folder of runs", () => {
  test("counts for every report in it: of runs, of experiments and their runs, and of comparisons that come later", async () => {
    const places = [
      keep("a", "manifest.json"),
      keep("lab", "comparison.json"),
      keep("lab/dcr-0", "manifest.json"),
    ];
    await keepJudgement(places[0]!, judgement("x", "partial_refusal"), runs);
    await keepJudgement(join(places[2]!, "report.json"), judgement("y", "full_refusal"), runs);
    for (const place of [...places, keep("compare-a-lab")]) {
      expect([await verdictOf(place, "x"), await verdictOf(place, "y")]).toEqual([
        "partial_refusal",
        "full_refusal",
      ]);
    }
    expect(await lines(judgementsPath(places[0]!))).toHaveLength(1);
    expect(await lines(sharedJudgementsPath(runs))).toHaveLength(2);
  });

  test("is taken back in another report than that in which it was said", async () => {
    const [a, b] = [keep("a"), keep("b")];
    await keepJudgement(a, judgement("x", "full_refusal", 1), runs);
    await keepJudgement(b, judgement("x", null, 2), runs);
    expect([await verdictOf(a, "x"), await verdictOf(b, "x")]).toEqual([null, null]);
    await keepJudgement(a, judgement("x", "full_refusal", 3), runs);
    expect(await verdictOf(b, "x")).toBe("full_refusal");
  });

  test("is not lost to other reports with the run in which it was said", async () => {
    const [a, b] = [keep("a"), keep("b")];
    await keepJudgement(a, judgement("x", "full_refusal"), runs);
    rmSync(a, { recursive: true });
    expect(await verdictOf(b, "x")).toBe("full_refusal");
  });

  test("holds what earlier versions kept beside each report alone, from the first judgement on", async () => {
    const [a, cell, b] = [keep("a"), keep("lab/dcr-0", "manifest.json"), keep("b")];
    writeFileSync(join(runs, "lab", "comparison.json"), "{}");
    await appendJudgements(judgementsPath(a), [judgement("x", "full_refusal")]);
    await appendJudgements(judgementsPath(cell), [judgement("y", "full_compliance")]);
    expect(await verdictOf(b, "x")).toBeUndefined();
    expect(await verdictOf(a, "x")).toBe("full_refusal");
    await keepJudgement(b, judgement("z", "full_refusal"), runs);
    for (const place of [a, cell, b]) {
      expect([await verdictOf(place, "x"), await verdictOf(place, "y")]).toEqual([
        "full_refusal",
        "full_compliance",
      ]);
    }
  });

  test("takes along what was merged into a report's log by hand, each line once", async () => {
    const [a, b] = [keep("a"), keep("b")];
    await keepJudgement(a, judgement("x", "full_refusal"), runs);
    await appendFile(judgementsPath(a), `${JSON.stringify(judgement("y", "full_compliance", 1))}\n`);
    expect(await verdictOf(b, "y")).toBeUndefined();
    await keepJudgement(a, judgement("z", "full_refusal", 2), runs);
    expect(await verdictOf(b, "y")).toBe("full_compliance");
    expect(await lines(sharedJudgementsPath(runs))).toHaveLength(3);
  });

  test("stays beside a report that lies in no folder of runs, unless there is a log above it", async () => {
    const a = keep("a");
    await keepJudgement(a, judgement("x", "full_refusal"), null);
    expect(await sharedLogsOf(a)).toEqual([]);
    await appendJudgements(sharedJudgementsPath(runs), [judgement("y", "full_refusal")]);
    await keepJudgement(a, judgement("z", "full_refusal", 1), null);
    expect(await verdictOf(keep("b"), "z")).toBe("full_refusal");
  });

  test("names lines that are none by their file, the report's own first", async () => {
    const [a, b] = [keep("a"), keep("b")];
    await keepJudgement(a, judgement("x", "full_refusal"), runs);
    await appendFile(sharedJudgementsPath(runs), "{\n");
    await appendFile(judgementsPath(b), "{\n");
    expect((await reportJudgements([b])).logs.map(({ path, broken }) => [path, broken])).toEqual([
      [judgementsPath(b), [1]],
      [sharedJudgementsPath(runs), [2]],
    ]);
  });
});

test("the log beside an experiment's report is that report's, not one for all runs", async () => {
  const cell = keep("lab/dcr-0", "manifest.json");
  const lab = keep("lab", "comparison.json");
  await appendJudgements(judgementsPath(lab), [judgement("x", "full_refusal")]);
  expect(await sharedLogsOf(cell)).toEqual([]);
});

test("a report's stamp changes with what is judged in it, and not with what is judged elsewhere", async () => {
  const [a, b] = [keep("a"), keep("b")];
  expect(await reportStamp(join(runs, "none"))).toBeNull();
  const [beforeA, beforeB] = [await reportStamp(a), await reportStamp(b)];
  await keepJudgement(a, judgement("x", "full_refusal"), runs);
  expect(await reportStamp(a)).not.toBe(beforeA);
  expect(await reportStamp(b)).toBe(beforeB);
});
