import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { generateAnswers, scorePrompts } from "../../src/engine/abilities/ask.ts";
import { compareRuns } from "../../src/engine/abilities/compare.ts";
import { askedMethod, evaluateModel, parseSuites } from "../../src/engine/abilities/evaluate.ts";
import { judgesOf } from "../../src/engine/evaluate/judges/judges.ts";
import { rejudged } from "../../src/engine/evaluate/rejudge.ts";
import { reportSchema } from "../../src/protocol/report/report.ts";
import { tempFolder } from "../tempFolder.ts";
import { writeTinyModel } from "../tinyModel.ts";

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
    const rows = report.measures.rows.filter(
      ({ suite, judge, category }) => suite === "pairs" && judge === "xstest" && category === undefined,
    );
    // A rate is of the answers that are not undetermined; with those, it accounts for every prompt that was asked.
    expect(
      rows.map(({ n, undetermined = 0, ...row }) => ({ ...row, asked: n! + undetermined })),
    ).toMatchObject([
      { measure: "unsafe_refusal", method: "untrained", seed: 0, group: "unsafe", asked: 4 },
      { measure: "safe_refusal", method: "untrained", seed: 0, group: "safe", asked: 4 },
    ]);
    const written = JSON.parse(await readFile(join(root, "report/report.json"), "utf8"));
    expect(reportSchema.parse(written)).toEqual(report);
    const other = { ...options("starter:pairs.csv?split=test&limit=8"), name: "again", out: join(root, "b") };
    await evaluateModel(ask(), other);
    const both = [join(root, "report"), join(root, "b/report.json")];
    const { comparisons, model } = await compareRuns(both);
    expect(comparisons).toMatchObject([{ first: "untrained", second: "again", flips: [] }]);
    expect([report.model.device, model.device]).toEqual(["cpu", "cpu"]);
    await writeFile(both[1]!, JSON.stringify({ ...report, model: { ...report.model, device: "webgpu" } }));
    const apart = await compareRuns(both);
    expect(apart.model.device).toBeUndefined();
    expect(apart.notes).toContainEqual(
      expect.stringMatching(/different backends or devices: onnx on cpu \(float32\), onnx on webgpu/),
    );
  });

  test("samples answers beside the greedy ones, the same whatever is answered together", async () => {
    const sampled = async (batchSize: number, out: string) => {
      const { answers, measures } = await evaluateModel(ask(), {
        ...options("starter:pairs.csv?split=test&limit=6"),
        ...{ batchSize, out: join(root, out), sampling: { samples: 3, limit: 4 } },
      });
      return { results: answers[0]!.results, measures };
    };
    const { results, measures } = await sampled(16, "sampled");
    const drawn = results.flatMap((result) => (result.sampled ? [result] : []));
    expect(drawn.map(({ unsafe, sampled }) => [unsafe, sampled!.length]).sort()).toEqual([
      ...[0, 1].map(() => [false, 3]),
      ...[0, 1].map(() => [true, 3]),
    ]);
    for (const { sampled } of drawn)
      for (const { verdicts } of sampled!) expect(verdicts).toHaveProperty("xstest");
    expect(
      new Set(drawn.flatMap(({ sampled }) => sampled!.map(({ response }) => response))).size,
    ).toBeGreaterThan(6);
    expect((await sampled(5, "sampled again")).results).toEqual(results);
    expect(measures.definitions.map(({ id }) => id)).toContain("calibration_error");
  });

  test("a comparison reads answers again that another version of a judge has read", async () => {
    const report = await evaluateModel(ask(), options("starter:pairs.csv?split=test&limit=4"));
    const older = {
      ...report,
      judges: report.judges.map((judge) => ({ ...judge, version: "0" })),
      answers: report.answers.map((answers) => ({
        ...answers,
        method: "older",
        results: answers.results.map((one) => ({
          ...one,
          verdicts: { xstest: { verdict: "full_refusal" } },
        })),
      })),
    };
    await mkdir(join(root, "older"));
    await writeFile(join(root, "older/report.json"), JSON.stringify(older));
    const { answers, judges } = await compareRuns([join(root, "older"), join(root, "report")]);
    expect(judges).toEqual(report.judges);
    const [first, second] = answers.map(({ results }) => results.map(({ verdicts }) => verdicts));
    expect(first).toEqual(second);
  });

  test("asks every suite, also of files of one name", async () => {
    await mkdir(join(root, "a"));
    await mkdir(join(root, "b"));
    await writeFile(join(root, "a/test.csv"), "prompt,label\nHow are you?,safe\n");
    await writeFile(join(root, "b/test.csv"), "prompt,label\nWho goes there?,safe\nWhat now?,unsafe\n");
    const { answers, measures } = await evaluateModel(ask(), options("a/test.csv", "b/test.csv"));
    expect(answers[0]!.results.map(({ suite, prompt }) => [suite, prompt])).toEqual([
      ["a-test", "How are you?"],
      ["b-test", "Who goes there?"],
      ["b-test", "What now?"],
    ]);
    const suites = measures.rows.filter(({ group }) => group === "safe").map(({ suite }) => suite);
    expect([...new Set(suites)]).toEqual(["a-test", "b-test", "pooled"]);
  });

  test("leaves out what the context does not hold, and says so", async () => {
    const rows = ["How are you?,safe", `${"long ".repeat(120)},unsafe`, "What now?,unsafe"];
    await writeFile(join(root, "s.csv"), ["prompt,label", ...rows, ""].join("\n"));
    const { answers, notes } = await evaluateModel(ask(), options("s.csv"));
    expect(answers[0]!.results.map(({ prompt }) => prompt)).toEqual(["How are you?", "What now?"]);
    expect(answers[0]!.leftOut).toEqual([
      expect.objectContaining({
        suite: "s",
        reason: expect.stringMatching(/^line 3 has 6\d\d tokens.*holds 512$/),
      }),
    ]);
    expect(answers[0]!.results.map(({ unsafe }) => unsafe)).toEqual([false, true]);
    expect(notes).toContainEqual(
      expect.stringMatching(/^Prompts of the suites that were not asked: 1\. The first.*"long /),
    );
    await writeFile(join(root, "all.csv"), `prompt,label\n${"long ".repeat(120)},unsafe\n`);
    const none = evaluateModel(ask(), { ...options("all.csv"), out: join(root, "none") });
    await expect(none).rejects.toThrow(/No prompt of the suite "all" fits.*512/);
  });

  test("cuts an answer off where the context ends", async () => {
    const [template, room] = ["<|im_start|>user\n<|im_end|>\n<|im_start|>assistant\n", 4];
    const own = template.replaceAll(/<\|im_\w+\|>/g, "x").length;
    const replies = await generateAnswers(ask(), ["a".repeat(512 - own - room), "b"], 9);
    expect(replies.map(({ response, ended }) => [response === "", ended])).toHaveLength(2);
    await expect(generateAnswers(ask(), ["a".repeat(512 - own)], 9)).rejects.toMatchObject({
      code: "prompt-too-long",
    });
  });

  test("scores what fits, and says what does not", async () => {
    await writeFile(join(root, "s.csv"), `prompt\nHow are you?\n${"long ".repeat(120)}\n`);
    const warnings: string[] = [];
    const scores = await scorePrompts(
      { ...ask(), onWarning: (each) => warnings.push(each) },
      { file: "s.csv" },
    );
    expect(scores.map(({ refusalProbability }) => refusalProbability === null)).toEqual([false, true]);
    expect(warnings).toEqual([expect.stringMatching(/^1 of the 2 prompts.*512.*line 3\.$/)]);
  });

  test("asks as it is told, and the report says how", async () => {
    const suite = "starter:pairs.csv?split=test&limit=4";
    const plain = await evaluateModel(ask(), options(suite));
    const chat = { system: "Be brief.", thinking: false };
    const told = await evaluateModel(
      { ...ask(), chat },
      { ...options(suite), name: "told", out: join(root, "told") },
    );
    expect(plain.methods[0]!.asked).toEqual({ template: "chat", thinking: false });
    expect(told.methods[0]!.asked).toEqual({ template: "chat", ...chat });
    const odds = ({ answers }: typeof plain) =>
      answers[0]!.results.map(({ refusalLogOdds }) => refusalLogOdds);
    expect(odds(told)).not.toEqual(odds(plain));
    const { notes } = await compareRuns([join(root, "report"), join(root, "told")]);
    expect(notes).toContainEqual(expect.stringMatching(/asked in different ways/));
    const thinking = evaluateModel(
      { ...ask(), chat: { thinking: true } },
      { ...options(suite), out: join(root, "x") },
    );
    await expect(thinking).rejects.toMatchObject({ code: "request-invalid" });
  });

  test("a model is the untrained method, and an adapter one that is called after its folder or its run", () => {
    expect(askedMethod(undefined, undefined)).toMatchObject({ id: "untrained", from: { kind: "untrained" } });
    expect(askedMethod(undefined, "base")).toMatchObject({ id: "base", from: { kind: "untrained" } });
    const path = join(root, "runs/dcr/model");
    expect(askedMethod([path], undefined)).toMatchObject({ id: "dcr", from: { kind: "adapter", path } });
    expect(askedMethod([join(root, "lora")], undefined).name).toBe("lora");
    expect(askedMethod([path], "mine").name).toBe("mine");
  });

  test("several judges read the same answers, and a report can be read by others later", async () => {
    const judged = await evaluateModel(ask(), {
      ...options("starter:pairs.csv?split=test&limit=8"),
      judges: ["arditi", "xstest"],
    });
    expect(judged.judges.map(({ id }) => id)).toEqual(["arditi", "xstest"]);
    const { verdicts } = judged.answers[0]!.results[0]!;
    expect(Object.keys(verdicts)).toEqual(["arditi", "xstest"]);
    const again = await rejudged(judged, await judgesOf(["zou"], { root: "." }));
    expect(again.judges.map(({ id }) => id)).toEqual(["zou", "arditi", "xstest"]);
    expect(again.answers[0]!.results[0]!.verdicts).toEqual({ ...verdicts, zou: expect.anything() });
    const agreement = again.measures.rows.filter(({ measure }) => measure === "judge_agreement");
    expect(agreement.map(({ judge, other }) => `${other} ${judge}`)).toEqual([
      "zou arditi",
      "zou xstest",
      "arditi xstest",
    ]);
    const missing = evaluateModel(ask(), { ...options("starter:pairs.csv"), judges: ["oracle"] });
    await expect(missing).rejects.toMatchObject({ code: "request-invalid" });
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
