import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, expect, test } from "vitest";
import type { BenchmarkInput } from "../../src/protocol/benchmark.ts";
import { reportSchema } from "../../src/protocol/report/report.ts";
import { reportTable } from "../../src/protocol/report/table.ts";
import { steeringRecordSchema } from "../../src/protocol/steeringRecord.ts";
import { tempFolder } from "../tempFolder.ts";
import { tinyData, tinyDirection, writeTinyModel } from "../tinyModel.ts";

const project = join(import.meta.dirname, "../..");
beforeAll(async () => {
  await execa(process.execPath, [join(project, "scripts/build.ts")]);
});

const suite = (name: string, split: string, limit: number) => ({
  name,
  source: { file: "starter:pairs.csv", split, limit },
});
const benchmark: BenchmarkInput = {
  name: "b",
  recipe: "tiny.discern.json",
  seeds: [1],
  suites: [suite("t", "test", 8), suite("u", "test", 6)],
  methods: [
    { name: "untrained", stages: [] },
    {
      name: "addition",
      steering: { type: "refusal-addition", ...tinyDirection },
      tune: { "steering.coefficient": [2, 4] },
    },
    { name: "addition, random", controlOf: "addition", control: { draws: 2, suites: ["t"] } },
  ],
  tuning: { trials: 2, suites: [suite("v", "panel", 8)], measure: "discernment" },
  reference: "untrained",
};

test("draws of a control take the chosen setting and what was fitted, and are no seeds, comparison or figure over all suites", async () => {
  const root = tempFolder();
  await writeTinyModel(join(root, "model"));
  const recipe = {
    ...{ name: "tiny", model: "model", device: "cpu", threads: 1, maxTokens: 500, stages: [] },
    data: { ...tinyData, contrast: [{ file: "starter:pairs.csv", split: "train", limit: 40 }] },
    probes: { openings: ["I'm sorry", "I cannot"] },
    evaluate: { maxNewTokens: 2 },
  };
  await writeFile(join(root, "tiny.discern.json"), JSON.stringify(recipe));
  await writeFile(join(root, "b.benchmark.json"), JSON.stringify(benchmark));
  const run = await execa(process.execPath, [join(project, "dist/cli.js"), "benchmark", "b.benchmark.json"], {
    ...{ reject: false, cwd: root, all: true },
  });
  expect([run.exitCode, run.all]).toEqual([0, expect.anything()]);
  const out = (...parts: string[]) => join(root, "runs/b", ...parts);
  const steering = async (name: string) =>
    steeringRecordSchema.parse(JSON.parse(await readFile(out(name, "steering.json"), "utf8")));
  const own = await steering("addition-1");
  const draws = await Promise.all(["addition-random-0", "addition-random-1"].map(steering));
  const coefficient = (record: typeof own) =>
    record.steering.type === "refusal-addition" && record.steering.coefficient;
  expect([2, 4]).toContain(coefficient(own));
  expect(draws.map(coefficient)).toEqual([coefficient(own), coefficient(own)]);
  expect(draws.map(({ steering: { control } }) => control?.seed)).toEqual([0, 1]);
  expect(draws.map(({ chosen }) => chosen)).toEqual([own.chosen, own.chosen]);
  expect(
    (await readFile(out("addition-random-0", "events.jsonl"), "utf8")).match(/steering-progress/),
  ).toBeNull();

  const report = reportSchema.parse(JSON.parse(await readFile(out("report.json"), "utf8")));
  const control = report.methods.find(({ controlOf }) => controlOf !== undefined)!;
  expect([control.name, control.controlOf]).toEqual(["addition, random", "addition"]);
  const answers = report.answers.filter(({ method }) => method === control.id);
  expect(answers.map(({ seed }) => seed)).toEqual([0, 1]);
  expect(answers[0]!.results.map(({ refusalLogOdds }) => refusalLogOdds)).not.toEqual(
    answers[1]!.results.map(({ refusalLogOdds }) => refusalLogOdds),
  );
  expect(report.comparisons.map(({ second }) => second)).toEqual(["addition"]);
  // Nothing is trained, so there is no seed; draws are none.
  expect(report.benchmark!.seeds).toEqual([]);
  const rows = report.measures.rows.filter(({ method }) => method === control.id);
  expect(rows.some(({ seed, suite }) => seed === null && suite === "t")).toBe(true);
  expect(rows.filter(({ suite, measure }) => suite === "pooled" && measure !== "held_out_loss")).toEqual([]);
  const { rows: table } = reportTable(report, ["t", "u"]);
  expect(table.map(({ method }) => method.name)).toEqual(["untrained", "addition", "addition, random"]);
  expect(await readFile(out("report.md"), "utf8")).toMatch(/addition, random \(2 draws, of addition\)/);
  expect(existsSync(out("addition-random-1", "report.json"))).toBe(true);
}, 180_000);
