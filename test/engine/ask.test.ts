import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { compareRuns } from "../../src/engine/abilities/compare.ts";
import { evaluateModel, parseSuite } from "../../src/engine/abilities/evaluate.ts";
import { reportSchema } from "../../src/protocol/report.ts";
import { tempFolder } from "../temp_folder.ts";
import { writeTinyModel } from "../tiny_model.ts";

let root: string;
beforeEach(async () => {
  root = tempFolder();
  await writeTinyModel(join(root, "model"));
});

const ask = () => ({
  model: "model",
  root,
  device: "cpu" as const,
  template: "auto" as const,
  threads: 1,
});
const options = (...suites: string[]) => ({
  name: "before",
  suites: suites.map(parseSuite),
  maxNewTokens: 3,
  batchSize: 4,
  out: join(root, "report"),
});

describe("parseSuite", () => {
  test.each([
    ["data/xstest.csv", "xstest", { file: "data/xstest.csv" }],
    [
      "starter:pairs.csv?split=test&limit=96",
      "pairs",
      { file: "starter:pairs.csv", split: "test", limit: 96 },
    ],
    ["a.json?name=bad&label=toxic", "bad", { file: "a.json", label: "toxic" }],
    ["a.csv?labels=toxic,general", "a", { file: "a.csv", labels: ["toxic", "general"] }],
    ["why?.csv", "why?", { file: "why?.csv" }],
  ])("%s", (text, name, source) => {
    expect(parseSuite(text)).toMatchObject({ name, source });
  });

  test.each([
    ["a.csv?limit=many", /limit/],
    ["a.csv?label=nice", /label/],
    ["a.csv?colour=red", /colour/],
  ])("%s names the key", (text, message) => {
    expect(() => parseSuite(text)).toThrow(message);
  });
});

describe("evaluateModel", () => {
  test("writes a report that compares with another", async () => {
    const report = await evaluateModel(ask(), options("starter:pairs.csv?split=test&limit=8"));
    expect(report.suites).toMatchObject([{ suite: "pairs", unsafe: { n: 4 }, safe: { n: 4 } }]);
    const written = JSON.parse(await readFile(join(root, "report/report.json"), "utf8"));
    expect(reportSchema.parse(written)).toEqual(report);
    const other = { ...options("starter:pairs.csv?split=test&limit=8"), name: "again", out: join(root, "b") };
    await evaluateModel(ask(), other);
    const { comparisons } = await compareRuns([join(root, "report"), join(root, "b/report.json")]);
    expect(comparisons).toMatchObject([{ before: "before", after: "again", flips: [] }]);
  });

  test("does not overwrite a report, and takes no two suites of one name", async () => {
    const suite = "starter:pairs.csv?split=test&limit=4";
    await expect(evaluateModel(ask(), options(suite, suite))).rejects.toThrow(/called "pairs".*\?name=/);
    await evaluateModel(ask(), options(suite));
    await expect(evaluateModel(ask(), options(suite))).rejects.toMatchObject({ code: "run-invalid" });
  });

  test("says that a file without labels has none", async () => {
    await writeFile(join(root, "plain.csv"), "prompt\nHow are you?\n");
    await expect(evaluateModel(ask(), options("plain.csv"))).rejects.toThrow(/plain.*label/);
  });
});
