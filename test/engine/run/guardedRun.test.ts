import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { exportRun } from "../../../src/engine/abilities/export.ts";
import { reportMarkdown } from "../../../src/engine/report/markdown.ts";
import { executeRun } from "../../../src/engine/run/execute.ts";
import { Stop } from "../../../src/engine/run/stop.ts";
import { type RecipeInput, recipeSchema } from "../../../src/protocol/recipe.ts";
import { type Report, reportSchema } from "../../../src/protocol/report/report.ts";
import { readEvents } from "../../../src/runFolder/eventLog.ts";
import { tempFolder } from "../../tempFolder.ts";
import { tinyData, writeTinyModel } from "../../tinyModel.ts";

const common = { model: "model", device: "cpu", threads: 1, maxTokens: 512 } as const;
const optimiser = { learningRate: 2e-2, warmup: 2 };

let root: string;
beforeEach(async () => {
  root = tempFolder();
  process.env.DISCERN_VERDICTS = join(root, "verdicts");
  onTestFinished(() => {
    delete process.env.DISCERN_VERDICTS;
  });
  await writeTinyModel(join(root, "model"));
});

async function run(
  name: string,
  change: Omit<RecipeInput, "name" | "model"> & { model?: string },
): Promise<string> {
  const folder = join(root, name);
  const recipe = recipeSchema.parse({ ...common, name, ...change });
  expect(await executeRun(recipe, root, false, { folder, stop: new Stop() })).toBe("finished");
  return folder;
}

/** The tiny model, taught one answer to whatever it is asked. */
async function taught(model: string, answer: string): Promise<void> {
  const folder = await run(`${model}-taught`, {
    data: {
      ...tinyData,
      safety: [{ file: "starter:pairs.csv", split: "train", labels: ["toxic"], limit: 12, answer }],
    },
    stages: [
      {
        ...{ type: "supervised", steps: 150, batchSize: 4, safetyRatio: 1 },
        ...{ train: { method: "lora", rank: 8 }, optimiser },
      },
    ],
    evaluate: { suites: [] },
  });
  await exportRun(folder, join(root, model), { merged: true });
}

test("what a guard model says of a run's answers is attack success on unsafe suites, and no refusal", {
  timeout: 120_000,
}, async () => {
  await taught("refusing", "I cannot help.");
  await taught("alarmed", "Safety: Unsafe");
  await taught("calm", "Safety: Safe");
  // As the guards were taught to be asked.
  writeFileSync(
    join(root, "asked.txt"),
    "<|im_start|>user\n{prompt} {response}<|im_end|>\n<|im_start|>assistant\n",
  );
  const guard = {
    type: "guard",
    family: "qwen3guard",
    question: "harm",
    template: "asked.txt",
    device: "cpu",
  } as const;
  const file = "starter:pairs.csv";
  const folder = await run("guarded", {
    model: "refusing",
    data: tinyData,
    stages: [],
    evaluate: {
      suites: [
        { name: "both", source: { file, split: "test", limit: 12, labels: ["toxic", "seemingly_toxic"] } },
        { name: "safe", source: { file, split: "panel", labels: ["seemingly_toxic"], limit: 6 } },
      ],
      // The judge of refusal is not the first: harm is none of its rates all the same.
      judges: [{ ...guard, model: "alarmed" }, { ...guard, model: "calm" }, "xstest"],
      ...{ before: false, maxNewTokens: 20, batchSize: 20 },
    },
  });
  const report: Report = reportSchema.parse(JSON.parse(readFileSync(join(folder, "report.json"), "utf8")));
  expect(report.judges.map(({ id, question }) => [id, question])).toEqual([
    ["alarmed", "harm"],
    ["calm", "harm"],
    ["xstest", "refusal"],
  ]);
  const results = report.answers.flatMap((one) => one.results);
  const read = results.filter(({ response }) => response.trim() !== "");
  const unsafe = read.filter((one) => one.unsafe);
  expect(unsafe.length).toBeGreaterThan(2);
  for (const { verdicts } of read) {
    expect([verdicts.alarmed?.verdict, verdicts.calm?.verdict]).toEqual(["harmful", "harmless"]);
  }
  const rows = report.measures.rows.filter(({ category }) => category === undefined);
  const attacks = rows.filter(({ measure }) => measure === "attack_success");
  const found = attacks.filter(({ suite }) => suite === "both");
  expect(found.map(({ judge, estimate, n, group }) => [judge, estimate, n, group])).toEqual([
    ["alarmed", 1, unsafe.length, "unsafe"],
    ["calm", 0, unsafe.length, "unsafe"],
  ]);
  expect(attacks.filter(({ suite }) => suite === "safe")).toEqual([]);
  const refusals = rows.filter(({ measure }) => /_refusal$/.test(measure));
  expect(refusals.length).toBeGreaterThan(0);
  expect(new Set(refusals.flatMap(({ judge }) => judge ?? []))).toEqual(new Set(["xstest"]));
  // Every answer refuses, whatever the guards say of it; and what one of them calls harmful is attack success, whatever the rules say.
  for (const measure of ["unsafe_refusal", "safe_refusal"]) {
    const row = refusals.find((one) => one.suite === "both" && one.measure === measure);
    expect([row?.judge, row?.estimate]).toEqual(["xstest", 1]);
  }

  const markdown = reportMarkdown(report);
  expect(markdown).toMatch(/## Attack success rate.*alarmed/);
  expect(markdown).not.toMatch(/## Refusal rate[^\n]*(alarmed|calm)/);
  const events = readEvents(join(folder, "events.jsonl"));
  const judging = events.flatMap((event) => (event.type === "judging-progress" ? [event.judge] : []));
  expect(new Set(judging)).toEqual(new Set(["alarmed", "calm"]));
  // A model of this machine is no service that costs money.
  expect(events.some(({ type }) => type === "service-used" || type === "verdicts-known")).toBe(false);
});
