import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { compareRuns } from "../../src/engine/abilities/compare.ts";
import { evaluateModel, parseSuites } from "../../src/engine/abilities/evaluate.ts";
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
  suites: parseSuites(suites),
  maxNewTokens: 3,
  batchSize: 4,
  out: join(root, "report"),
});

describe("parseSuites", () => {
  test.each([
    ["data/xstest.csv", "xstest", { file: "data/xstest.csv" }],
    [
      "starter:pairs.csv?split=test&limit=96",
      "pairs",
      { file: "starter:pairs.csv", split: "test", limit: 96 },
    ],
    ["a.json?name=bad&label=toxic", "bad", { file: "a.json", label: "toxic" }],
    ["a.csv?labels=toxic,general", "a", { file: "a.csv", labels: ["toxic", "general"] }],
    ["why not?.csv", "why-not-", { file: "why not?.csv" }],
    ["pooled.csv", "pooled-2", { file: "pooled.csv" }],
  ])("%s", (text, name, source) => {
    expect(parseSuites([text])).toMatchObject([{ name, source }]);
  });

  test.each([
    [["a/test.csv", "b/test.csv", "c.csv"], "a-test b-test c"],
    [["x/a/test.csv", "y/a/Test.csv"], "x-a-test y-a-Test"],
    [["p.csv?split=test", "p.csv?split=panel", "p.csv?name=other"], "p p-2 other"],
    [["p.csv", "q.csv?name=p"], "p-2 p"],
  ])("%j are told apart", (texts, names) => {
    expect(
      parseSuites(texts)
        .map(({ name }) => name)
        .join(" "),
    ).toBe(names);
  });

  test("two suites that were given one name are refused, whatever its case", () => {
    expect(() => parseSuites(["a.csv?name=x", "b.csv?name=X"])).toThrow(/b\.csv.*"X".*suite 1/);
  });

  test.each([
    ["a.csv?limit=many", /limit/],
    ["a.csv?label=nice", /label/],
    ["a.csv?colour=red", /colour/],
  ])("%s names the key", (text, message) => {
    expect(() => parseSuites([text])).toThrow(message);
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

  test("asks every suite, also of files of one name", async () => {
    await mkdir(join(root, "a"));
    await mkdir(join(root, "b"));
    await writeFile(join(root, "a/test.csv"), "prompt,label\nHow are you?,safe\n");
    await writeFile(join(root, "b/test.csv"), "prompt,label\nWho goes there?,safe\nWhat now?,unsafe\n");
    const { arms, suites } = await evaluateModel(ask(), options("a/test.csv", "b/test.csv"));
    expect(arms[0]!.results.map(({ suite, prompt }) => [suite, prompt])).toEqual([
      ["a-test", "How are you?"],
      ["b-test", "Who goes there?"],
      ["b-test", "What now?"],
    ]);
    expect(suites.map(({ suite }) => suite)).toEqual(["a-test", "b-test"]);
  });

  test("an adapted model is not called as the one before training is", async () => {
    const adapted = evaluateModel({ ...ask(), adapter: "adapter" }, options("starter:pairs.csv"));
    await expect(adapted).rejects.toMatchObject({ code: "request-invalid" });
  });

  test("does not overwrite a report", async () => {
    const suite = "starter:pairs.csv?split=test&limit=4";
    await evaluateModel(ask(), options(suite));
    await expect(evaluateModel(ask(), options(suite))).rejects.toMatchObject({ code: "run-invalid" });
  });

  test("says that a file without labels has none", async () => {
    await writeFile(join(root, "plain.csv"), "prompt\nHow are you?\n");
    await expect(evaluateModel(ask(), options("plain.csv"))).rejects.toThrow(/plain.*label/);
  });
});
