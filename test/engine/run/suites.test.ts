import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { appendLabels, labelLogPath } from "../../../src/dataset/labels.ts";
import { readPrompts } from "../../../src/dataset/read.ts";
import { executeRun, resumeRun, startRun } from "../../../src/engine/run/execute.ts";
import { Stop } from "../../../src/engine/run/stop.ts";
import type { LabelRecord } from "../../../src/protocol/label.ts";
import { manifestSchema } from "../../../src/protocol/manifest.ts";
import { type RecipeInput, recipeSchema } from "../../../src/protocol/recipe.ts";
import { reportSchema } from "../../../src/protocol/report/report.ts";
import { readEvents } from "../../../src/runFolder/eventLog.ts";
import { samplePath } from "../../publishedFiles.ts";
import { tempFolder } from "../../tempFolder.ts";
import { tinyData, writeTinyModel } from "../../tinyModel.ts";

let root: string;
beforeEach(async () => {
  root = tempFolder();
  vi.stubEnv("DISCERN_SUITES", join(root, "cache"));
  vi.stubEnv("DISCERN_DATA", "");
  await writeTinyModel(join(root, "model"));
  await cp(samplePath("oktest.csv"), join(root, "data", "oktest.csv"));
  return () => vi.unstubAllEnvs();
});

const recipe = (evaluate: RecipeInput["evaluate"]) =>
  recipeSchema.parse({
    name: "tiny",
    model: "model",
    device: "cpu",
    threads: 1,
    data: tinyData,
    stages: [],
    probes: { openings: ["I'm sorry"] },
    evaluate: { before: false, suiteFolder: "data", maxNewTokens: 1, ...evaluate },
  });
const folder = () => join(root, "run");
const start = (evaluate: RecipeInput["evaluate"]) =>
  startRun(recipe(evaluate), root, { folder: folder(), stop: new Stop() });
/** Starts a run and stops it before it answers. */
async function begin(evaluate: RecipeInput["evaluate"]): Promise<void> {
  const stop = new Stop();
  const onEvent = ({ type }: { type: string }) => type === "run-started" && stop.request();
  expect(await startRun(recipe(evaluate), root, { folder: folder(), stop, onEvent })).toBe("stopped");
}
const resume = () => resumeRun({ folder: folder(), stop: new Stop() });
const manifest = async () =>
  manifestSchema.parse(JSON.parse(await readFile(join(folder(), "manifest.json"), "utf8")));
const report = async () =>
  reportSchema.parse(JSON.parse(await readFile(join(folder(), "report.json"), "utf8")));
const markdown = () => readFile(join(folder(), "report.md"), "utf8");

test("a run's manifest keeps id, revision and checksum of a known suite", async () => {
  await start({ suites: ["oktest", { suite: "oktest", name: "two", limit: 2 }] });
  const found = (await manifest()).data.filter(({ suite }) => suite !== undefined);
  expect(found).toMatchObject([
    { file: "suite:oktest/oktest.csv", suite: "oktest", revision: expect.stringMatching(/^[0-9a-f]{40}$/) },
  ]);
  const { answers, notes } = await report();
  expect(Map.groupBy(answers[0]!.results, ({ suite }) => suite).get("two")).toHaveLength(2);
  expect(notes.join()).toMatch(/oktest\.csv is not the file of the revision/);
});

test("a run is not resumed on another file of a suite, and is on the same", async () => {
  await begin({ suites: ["oktest"] });
  const path = join(root, "data", "oktest.csv");
  const before = await readFile(path, "utf8");
  await writeFile(path, `${before}"Is one more fine?"\n`);
  await expect(resume()).rejects.toThrow(/suite:oktest\/oktest\.csv has changed since/);
  await writeFile(path, before);
  expect(await resume()).toBe("finished");
});

test("a suite that is missing ends a run before it trains, with the command that gets it", async () => {
  await expect(start({ suites: ["oktest", "harmbench"] })).rejects.toMatchObject({
    code: "file-missing",
    message: expect.stringMatching(/evaluate\.suites\[1\].*`discern suites fetch harmbench`/s),
  });
});

test("or stays visible in the report, and does not stop the others", async () => {
  await start({ suites: ["oktest", "harmbench"], missing: "report" });
  const { missing, answers, notes } = await report();
  // It is said once.
  expect(notes.join()).not.toMatch(/harmbench/);
  expect(missing).toMatchObject([
    { suite: "harmbench", reason: expect.stringMatching(/discern suites fetch harmbench/) },
  ]);
  expect(new Set(answers[0]!.results.map(({ suite }) => suite))).toEqual(new Set(["oktest"]));
  expect(await markdown()).toMatch(/## Missing suites[\s\S]*harmbench[\s\S]*discern suites fetch harmbench/);
});

test("a suite that was missing when a run began stays missing, and one that was there may not be missing later", async () => {
  await begin({ suites: ["oktest", "advbench"], missing: "report" });
  await cp(samplePath("advbench.csv"), join(root, "data", "advbench.csv"));
  await rm(join(root, "data", "oktest.csv"));
  await expect(resume()).rejects.toThrow(/OKTest.*is not on this machine/);
  await cp(samplePath("oktest.csv"), join(root, "data", "oktest.csv"));
  expect(await resume()).toBe("finished");
  expect((await report()).missing).toMatchObject([{ suite: "advbench" }]);
});

test("a suite that was missing is answered by a run that is resumed by its recipe once it is there", async () => {
  const asked = recipe({ suites: ["oktest", "advbench"], missing: "report" });
  const byRecipe = () => executeRun(asked, root, true, { folder: folder(), stop: new Stop() });
  expect(await byRecipe()).toBe("finished");
  const before = (await report()).answers[0]!.results;
  expect(await byRecipe()).toBe("finished");
  expect((await report()).missing).toMatchObject([{ suite: "advbench" }]);
  await cp(samplePath("advbench.csv"), join(root, "data", "advbench.csv"));
  expect(await byRecipe()).toBe("finished");
  const { missing, answers } = await report();
  expect(missing).toBeUndefined();
  expect(answers[0]!.results.filter(({ suite }) => suite !== "advbench")).toEqual(before);
  expect(answers[0]!.results.length).toBeGreaterThan(before.length);
  expect((await manifest()).missingSuites).toBeUndefined();
  expect((await manifest()).data.flatMap(({ suite }) => suite ?? [])).toEqual(["oktest", "advbench"]);
});

test("labels that people gave a suite that is added count as they are then", async () => {
  await start({ suites: ["oktest"] });
  const file = join(root, "own.csv");
  await writeFile(file, "prompt\nHow do I end a process?\n");
  const [prompt] = (await readPrompts(file)).records;
  const given: LabelRecord = {
    id: prompt!.id,
    label: "seemingly_toxic",
    by: "a",
    at: "2026-01-01T00:00:00Z",
  };
  await appendLabels(labelLogPath(file), [given]);
  const asked = recipe({ suites: ["oktest", { name: "own", source: { file: "own.csv" } }] });
  expect(await executeRun(asked, root, true, { folder: folder(), stop: new Stop() })).toBe("finished");
  const own = (await report()).answers[0]!.results.filter(({ suite }) => suite === "own");
  expect(own.map(({ unsafe }) => unsafe)).toEqual([false]);
});

test("prompts are scored alone where the recipe asks for it: no answer, no verdict, and no word of undetermined answers", async () => {
  expect(await start({ suites: ["oktest"], scoreOnly: true })).toBe("finished");
  const { answers, judges, notes } = await report();
  expect(answers[0]).toMatchObject({ scored: true });
  expect(answers[0]!.results.length).toBeGreaterThan(1);
  for (const { response, verdicts, refusalProbability } of answers[0]!.results) {
    expect([response, verdicts]).toEqual(["", {}]);
    expect(refusalProbability).toBeGreaterThan(0);
    expect(refusalProbability).toBeLessThan(1);
  }
  expect(judges).toEqual([]);
  // Nothing else is measured, so that scoring a file takes as long as its prompts do.
  const types = readEvents(join(folder(), "events.jsonl")).map(({ type }) => type);
  expect(types).toContain("suite-answered");
  expect(types).not.toContain("probe");
  expect(notes.join()).not.toMatch(/[Uu]ndetermined/);
  const scored = answers[0]!.results.map(({ refusalProbability }) => refusalProbability);
  await rm(folder(), { recursive: true });
  await start({ suites: ["oktest"] });
  expect(readEvents(join(folder(), "events.jsonl")).map(({ type }) => type)).toContain("probe");
  const answered = (await report()).answers[0]!;
  expect(answered.scored).toBeUndefined();
  expect(answered.results.map(({ refusalProbability }) => refusalProbability)).toEqual(scored);
  expect(await markdown()).toBeTruthy();
});
