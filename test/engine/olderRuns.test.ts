import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { compareRuns } from "../../src/engine/abilities/compare.ts";
import { judgedReport } from "../../src/engine/abilities/judged.ts";
import { rebuildReport } from "../../src/engine/evaluate/report.ts";
import { reportMarkdown } from "../../src/engine/report/markdown.ts";
import { resumeRun } from "../../src/engine/run/execute.ts";
import { Stop } from "../../src/engine/run/stop.ts";
import { answersOf } from "../../src/extension/evaluation/answers.ts";
import { headlineOf } from "../../src/extension/runs/headline.ts";
import { headlineRows, type MeasureRow } from "../../src/protocol/report/measures.ts";
import { type Report, reportSchema } from "../../src/protocol/report/report.ts";
import { judgementsPath, readJudgements } from "../../src/runFolder/judgements.ts";
import { tempFolder } from "../tempFolder.ts";
import { writeTinyModel } from "../tinyModel.ts";

/** What version 0.1 wrote: a finished run with two judgements, and one that was stopped within its last suite. */
const old = join(import.meta.dirname, "../fixtures/v0.1");
const textOf = (...path: string[]) => readFileSync(join(old, ...path), "utf8");

/** What tells a row from every other. */
const place = ({ measure, method, seed, suite, group, category }: MeasureRow) =>
  [measure, method, seed, suite, group, category].join(" ");

describe("a report of version 0.1", () => {
  const stored = JSON.parse(textOf("finished/report.json"));
  const report = reportSchema.parse(stored);

  test("has its methods, its judge, its answers and their verdicts", () => {
    expect(stored.format).toBe(1);
    expect(report.format).toBe(2);
    expect(report.methods).toMatchObject([
      { id: "untrained", stages: [] },
      { id: "tiny", name: "tiny", stages: [{ type: "contrastive" }, { type: "supervised" }] },
    ]);
    expect(report.judges).toMatchObject([{ id: "xstest", question: "refusal" }]);
    expect(report.answers.map(({ method, seed, results }) => [method, seed, results.length])).toEqual([
      ["untrained", 0, 20],
      ["tiny", 0, 20],
    ]);
    for (const [i, { results }] of report.answers.entries()) {
      for (const [j, { verdicts, response }] of results.entries()) {
        const was = stored.arms[i].results[j];
        expect(response).toBe(was.response);
        expect(verdicts.xstest?.verdict).toBe(was.verdict);
        expect(verdicts.xstest?.reason).toBe(was.undetermined);
      }
    }
  });

  test("has the numbers that it was stored with, which are those that its answers give now", () => {
    const [stl] = headlineRows(report.measures.rows).filter(
      ({ measure, method }) => measure === "discernment" && method === "tiny",
    );
    const pooled = stored.discernment.find(
      (d: { arm: string; suite: string }) => d.arm === "tiny" && d.suite === "pooled",
    );
    expect(stl).toMatchObject({ estimate: pooled.auroc.value, suite: "pooled" });
    const again = rebuildReport(report, { answers: report.answers });
    const rows = new Map(again.measures.rows.map((row) => [place(row), row]));
    expect(report.measures.rows.length).toBeGreaterThan(30);
    for (const row of report.measures.rows) {
      const now = rows.get(place(row))!;
      expect(now.estimate, place(row)).toBe(row.estimate);
      expect([now.n, now.count, now.undetermined], place(row)).toEqual([row.n, row.count, row.undetermined]);
      if (row.interval && row.measure !== "refusal_probability")
        expect(now.interval, place(row)).toEqual(row.interval);
    }
    const measures = new Set(["unsafe_refusal", "safe_refusal", "discernment"]);
    const compared = ({ comparisons }: Report) =>
      comparisons[0]!.differences
        .filter(({ measure }) => measures.has(measure))
        .map(({ n: _, ...one }) => one);
    expect(compared(again)).toEqual(
      expect.arrayContaining(
        compared(report).map((one) => expect.objectContaining({ difference: one.difference })),
      ),
    );
    expect(again.comparisons[0]?.flips).toEqual(report.comparisons[0]?.flips);
    // Notes that follow from the answers are not said twice.
    expect(again.notes).toEqual(report.notes);
  });

  test("is shown, and its judgements hold", async () => {
    const folder = join(old, "finished");
    const { judgements, broken } = await readJudgements(judgementsPath(folder));
    expect([judgements.length, broken]).toEqual([2, []]);
    expect(judgements[0]).toMatchObject({ method: "tiny", verdict: "partial_refusal" });
    const judged = await judgedReport(folder);
    expect(judged.notes.join()).toMatch(/People judged 2 answers/);
    expect(reportMarkdown(judged)).toMatch(/\| Refusal rate of unsafe prompts \| 0 % .* \| 50 % /);
    expect(headlineOf(judged)).toMatchObject({ unsafe: { before: 0, after: 0.5 } });
    expect(answersOf(judged).shown.map(({ answers }) => answers.size)).toEqual([20, 20]);
    expect((await compareRuns([folder])).answers).toEqual(judged.answers);
  });

  test("that is no report says so", () => {
    expect(reportSchema.safeParse({ ...stored, arms: "none" }).success).toBe(false);
  });
});

describe("a run of version 0.1 that was stopped within its last suite", () => {
  let root: string;
  let folder: string;
  beforeEach(async () => {
    root = tempFolder();
    folder = join(root, "unfinished");
    cpSync(join(old, "unfinished"), folder, { recursive: true });
    const manifest = join(folder, "manifest.json");
    writeFileSync(manifest, readFileSync(manifest, "utf8").replaceAll("/v0.1", root));
    await writeTinyModel(join(root, "model"));
  });

  test("is resumed where it is, and comes to the answers that version 0.1 would have come to", async () => {
    expect(await resumeRun({ folder, stop: new Stop() })).toBe("finished");
    expect(readdirSync(join(folder, "evaluation")).sort()).toEqual(["after", "before"]);
    expect(existsSync(join(folder, "evaluation/after/second.part.jsonl"))).toBe(false);
    const report = reportSchema.parse(JSON.parse(readFileSync(join(folder, "report.json"), "utf8")));
    const expected = reportSchema.parse(JSON.parse(textOf("unfinished/expectedReport.json")));
    expect(report.methods.map(({ id }) => id)).toEqual(["untrained", "unfinished"]);
    const said = ({ answers }: Report) =>
      answers.map(({ results, values }) => ({
        loss: values?.held_out_loss,
        results: results.map(({ id, suite, response, verdicts }) => ({ id, suite, response, verdicts })),
      }));
    expect(said(report)).toEqual(said(expected));
    for (const [i, { results }] of report.answers.entries()) {
      for (const [j, { refusalLogOdds }] of results.entries()) {
        expect(refusalLogOdds).toBeCloseTo(expected.answers[i]!.results[j]!.refusalLogOdds, 4);
      }
    }
  });
});
