import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { compareRuns } from "../../src/engine/abilities/compare.ts";
import { exportReport, judgedReport } from "../../src/engine/abilities/judged.ts";
import { buildReport } from "../../src/engine/evaluate/report.ts";
import { answersOf } from "../../src/extension/evaluation/answers.ts";
import { resultsOf } from "../../src/extension/labelling/runResults.ts";
import { recipeSchema } from "../../src/protocol/recipe.ts";
import type { MethodAnswers, PromptResult } from "../../src/protocol/report/answers.ts";
import { headlineRows, type MeasureRow, seedRows } from "../../src/protocol/report/measures.ts";
import type { Report } from "../../src/protocol/report/report.ts";
import type { RefusalVerdict } from "../../src/protocol/report/verdicts.ts";
import { writeRun } from "../../src/runFolder/folder.ts";
import { appendJudgements, judgementsPath, responseHash } from "../../src/runFolder/judgements.ts";
import { keepJudgement } from "../../src/runFolder/reportJudgements.ts";
import { runManifest } from "../runManifest.ts";
import { tempFolder } from "../tempFolder.ts";
import { tinyRecipe } from "../workbench/workspace.ts";
import { said, testJudges, testMethod } from "./evaluate/fixture.ts";

const prompts = [
  { id: "u1", unsafe: true },
  { id: "u2", unsafe: true },
  { id: "s1", unsafe: false },
  { id: "s2", unsafe: false },
];

/** A run of a method that refuses the prompts named, and answers each in words of its own. */
function run(method: string, refusing: string[], seed = 0): MethodAnswers {
  const results = prompts.map(({ id, unsafe }): PromptResult => {
    const refused = refusing.includes(id);
    return {
      ...{ id, unsafe, suite: "pairs", prompt: `prompt ${id}` },
      response: `${refused ? "I'm sorry" : "Sure"}, says ${method}`,
      verdicts: said(refused ? "full_refusal" : "full_compliance"),
      refusalProbability: refused ? 0.9 : 0.1,
      refusalLogOdds: refused ? 2.2 : -2.2,
    };
  });
  return { method, seed, results };
}

let root: string;
let folder: string;
function keep(name: string, answers: MethodAnswers[]): string {
  const place = join(root, name);
  mkdirSync(place);
  const report = buildReport(
    {
      ...{ model: { name: "tiny" }, judges: testJudges, answers, notes: ["Kept by hand."] },
      methods: [...new Set(answers.map(({ method }) => method))].map(testMethod),
    },
    { draws: 50 },
  );
  writeFileSync(join(place, "report.json"), JSON.stringify(report));
  return place;
}
const say = (place: string, answers: MethodAnswers, id: string, verdict: RefusalVerdict | null) =>
  appendJudgements(judgementsPath(place), [judgementOf(answers, id, verdict)]);
function judgementOf({ method, seed, results }: MethodAnswers, id: string, verdict: RefusalVerdict | null) {
  const { response } = results.find((result) => result.id === id)!;
  const at = new Date(Date.UTC(2026, 0, 1, 0, 0, minute++)).toISOString();
  return { id, suite: "pairs", method, seed, response: responseHash(response), verdict, by: "ann", at };
}
let minute = 0;

const before = run("untrained", []);
const after = run("stl", ["u1", "s1"]);
beforeEach(() => {
  root = tempFolder();
  folder = keep("run", [before, after]);
});
const countOf = (rows: readonly MeasureRow[], id: string) =>
  rows.find(({ measure, category }) => measure === id && category === undefined)?.count;
const flips = ({ comparisons }: Report) => comparisons[0]!.flips.map(({ id, flip }) => `${id} ${flip}`);

describe("a report that people judged", () => {
  test("is as it was stored while nobody has judged", async () => {
    expect(await judgedReport(folder)).toEqual(
      JSON.parse(await readFile(join(folder, "report.json"), "utf8")),
    );
  });

  test("has rates, flips, comparisons and headlines of the people's verdicts; the judge's stay", async () => {
    expect(flips(await judgedReport(folder))).toEqual(["u1 gained_safety", "s1 lost_help"]);
    await say(folder, after, "s1", "full_compliance");
    await say(folder, after, "s2", "partial_refusal");
    await say(folder, after, "u2", "full_refusal");
    const judged = await judgedReport(join(folder, "report.json"));
    expect(flips(judged)).toEqual(["u1 gained_safety", "u2 gained_safety", "s2 lost_help"]);
    const rows = judged.measures.rows.filter(({ suite, method }) => suite === "pairs" && method === "stl");
    expect(countOf(rows, "unsafe_refusal")).toBe(2);
    expect(countOf(rows, "safe_refusal")).toBe(1);
    const unsafe = judged.comparisons[0]?.differences.find(({ measure }) => measure === "unsafe_refusal");
    expect(unsafe).toMatchObject({ first: 0, second: 1 });
    const headline = headlineRows(judged.measures.rows).find(
      ({ method, measure }) => method === "stl" && measure === "unsafe_refusal",
    );
    expect(headline?.estimate).toBe(1);
    const verdicts = judged.answers[1]!.results.map((result) => result.verdicts);
    expect(verdicts).toEqual(after.results.map((result) => result.verdicts));
    // Discernment is measured on probabilities, which nobody's verdict changes.
    const aurocs = headlineRows(judged.measures.rows).filter(({ measure }) => measure === "discernment");
    expect(aurocs.map(({ estimate }) => estimate)).toEqual([0.5, 0.5]);
  });

  test("says what people changed, once, and keeps the other notes", async () => {
    await say(folder, after, "s1", "full_compliance");
    await say(folder, after, "u1", "partial_refusal");
    const note =
      "People judged 2 answers; the figures follow them, and for 1 of them that changed the judge's verdict. " +
      "Partial refusals (1) count as refusals.";
    const judged = await judgedReport(folder);
    expect(judged.notes).toContain(note);
    expect(judged.notes).toContain("Kept by hand.");
    writeFileSync(join(folder, "report.json"), JSON.stringify(judged));
    expect((await judgedReport(folder)).notes).toEqual(judged.notes);
    await say(folder, after, "s1", null);
    await say(folder, after, "u1", null);
    const back = await judgedReport(folder);
    expect(flips(back)).toEqual(["u1 gained_safety", "s1 lost_help"]);
    expect(back.notes.join()).not.toMatch(/People judged/);
  });

  test("has what was judged of the same answers in another run of the folder, in what is printed and in what compares them", async () => {
    const other = keep("other", [before, run("dcr", ["u1"])]);
    const sameAgain = keep("again", [before, after]);
    await keepJudgement(other, judgementOf(before, "u1", "full_refusal"), root);
    const rows = async (report: Promise<Report>) => (await report).measures.rows[0];
    for (const report of [judgedReport(folder), judgedReport(sameAgain), compareRuns([folder, sameAgain])]) {
      expect(await rows(report)).toMatchObject({ measure: "unsafe_refusal", method: "untrained", count: 1 });
    }
    await keepJudgement(folder, judgementOf(before, "u1", null), root);
    expect(await judgedReport(sameAgain)).toEqual(
      JSON.parse(await readFile(join(sameAgain, "report.json"), "utf8")),
    );
  });

  test("names lines that are no judgements", async () => {
    await appendFile(judgementsPath(folder), '{"id":\n');
    const [note] = (await judgedReport(folder)).notes.filter((one) => one.includes("judgements.jsonl"));
    expect(note).toMatch(/line 1 is not a judgement and was skipped/);
  });

  test("is what is exported", async () => {
    await say(folder, after, "s1", "full_compliance");
    for (const [format, name] of [
      ["markdown", "out.md"],
      ["html", "out.html"],
    ] as const) {
      await exportReport(folder, format, join(root, name));
      const text = await readFile(join(root, name), "utf8");
      expect(text).toContain("People judged 1 answer;");
    }
    const nowhere = join(folder, "report.json", "out.md");
    await expect(exportReport(folder, "markdown", nowhere)).rejects.toMatchObject({ code: "run-unwritable" });
  });
});

test("a comparison says which prompt files or labels changed between its runs", async () => {
  const recipe = recipeSchema.parse(tinyRecipe("one", 5));
  const manifest = (data: Record<string, string>) =>
    runManifest({
      data: Object.entries(data).map(([file, sha256]) => ({ file, sha256, bytes: 1 })),
      recipe: { root },
    });
  const files = { "general.jsonl": "a", "pairs.csv": "b" };
  const runs = [files, files, { ...files, "pairs.csv.labels.jsonl": "c" }, { "pairs.csv": "d" }];
  const places = await Promise.all(
    runs.map(async (data, i) => {
      const place = keep(`run-${i}`, [run(`run ${i}`, ["u1"])]);
      await writeRun(place, recipe, manifest(data));
      return place;
    }),
  );
  const notesOf = async (...which: number[]) => (await compareRuns(which.map((i) => places[i]!))).notes;
  const changed = expect.stringContaining("Between the runs these changed: pairs.csv.");
  expect(await notesOf(0, 1)).not.toContainEqual(changed);
  expect(await notesOf(0, 2)).toContainEqual(changed);
  expect(await notesOf(1, 3)).toContainEqual(changed);
  expect(await compareRuns([places[0]!, join(folder, "report.json")])).toMatchObject({
    notes: expect.not.arrayContaining([changed]),
  });
});

test("a comparison takes what was judged in any of its runs, for the same answer", async () => {
  const other = keep("other", [{ ...before, seed: 1 }, run("dcr", ["u1"], 1)]);
  // The untrained model of both runs is one: what was said of it in the second holds in the first.
  await say(other, { ...before, seed: 1 }, "u1", "full_refusal");
  const report = await compareRuns([folder, other]);
  const runs = report.answers.map(({ method, seed }) => `${method} ${seed}`);
  expect(runs).toEqual(["untrained 0", "stl 0", "dcr 1"]);
  expect(report.measures.rows[0]).toMatchObject({ measure: "unsafe_refusal", method: "untrained", count: 1 });
});

describe("runs of one name and seed", () => {
  test("are told apart in every figure, and never pooled as seeds", async () => {
    const [a, b] = [
      keep("a", [run("untrained", []), run("dcr", ["u1", "u2"])]),
      keep("b", [run("dcr", ["u1"])]),
    ];
    const c = keep("c", [run("dcr", ["u1", "u2", "s1"], 1)]);
    const report = await compareRuns([a, b, c]);
    expect(report.answers.map(({ method, seed }) => [method, seed])).toEqual([
      ["untrained", 0],
      ["dcr", 0],
      ["dcr", 1],
      ["dcr (2)", 0],
    ]);
    const unsafe = headlineRows(report.measures.rows).filter(({ measure }) => measure === "unsafe_refusal");
    const seedsOf = (row: MeasureRow) => seedRows(report.measures.rows, row).map(({ estimate }) => estimate);
    expect(unsafe.map((row) => [row.method, seedsOf(row)])).toEqual([
      ["untrained", [0]],
      ["dcr", [1, 1]],
      ["dcr (2)", [0.5]],
    ]);
    expect(report.notes).toContainEqual(
      expect.stringMatching(/"dcr \(2\)" is \S+b, another run of name "dcr" and seed 0/),
    );
    await expect(compareRuns([a, join(a, "report.json")])).rejects.toMatchObject({ code: "request-invalid" });
  });

  test("keep their own curves", async () => {
    const points = (toxic: number) => [0, 1].map((step) => ({ step, toxic, seeminglyToxic: 0, general: 0 }));
    const place = (name: string, toxic: number) => {
      const folder = keep(name, [run("dcr", name === "a" ? ["u1"] : [])]);
      const report = JSON.parse(readFileSync(join(folder, "report.json"), "utf8"));
      report.series = [{ method: "dcr", seed: 0, points: points(toxic) }];
      writeFileSync(join(folder, "report.json"), JSON.stringify(report));
      return folder;
    };
    const { series } = await compareRuns([place("a", 0.25), keep("b", [run("stl", [])]), place("c", 0.75)]);
    expect(series.map((one) => [one.method, one.points[0]!.toxic])).toEqual([
      ["dcr", 0.25],
      ["dcr (2)", 0.75],
    ]);
  });

  test("untrained models that answered differently are no trained ones", async () => {
    const [a, b] = [
      keep("a", [run("untrained", []), run("x", [])]),
      keep("b", [run("untrained", ["u1"]), run("y", [])]),
    ];
    const report = await compareRuns([a, b]);
    expect(report.methods.map(({ name }) => name)).toEqual(["untrained", "untrained (2)", "x", "y"]);
    expect(report.notes).toContainEqual(expect.stringMatching(/untrained models gave different answers/));
    const turned = { ...report, answers: report.answers.toReversed().filter(({ method }) => method !== "y") };
    expect(resultsOf("run", answersOf(turned))?.method).toBe("x");
  });
});
