import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { labelLogPath } from "../../../src/dataset/labels.ts";
import { promptId } from "../../../src/dataset/record.ts";
import { scorePrompts } from "../../../src/engine/abilities/ask.ts";
import { evaluateModel } from "../../../src/engine/abilities/evaluate.ts";
import { startRun } from "../../../src/engine/run/execute.ts";
import { Stop } from "../../../src/engine/run/stop.ts";
import { readPanels } from "../../../src/extension/dashboard/panelPrompts.ts";
import { recipeSchema } from "../../../src/protocol/recipe.ts";
import { reportSchema } from "../../../src/protocol/report/report.ts";
import { readEvents } from "../../../src/runFolder/eventLog.ts";
import { tempFolder } from "../../tempFolder.ts";
import { tinyData, writeTinyModel } from "../../tinyModel.ts";

const damaged = [
  /^1 of the 6 rows of suite\.csv is left out\. The first: suite\.csv:4: 1 fields where the header has 2\.$/,
  /^1 of the 5 prompts of suite\.csv has a label that is not understood.*"odd" \(1\)\. The first: suite\.csv:6\./,
  /^1 line of the label log suite\.csv\.labels\.jsonl is ignored\. The first: suite\.csv\.labels\.jsonl:2: /,
];
const ask = () => ({ model: "model", device: "cpu", template: "auto", threads: 1, root }) as const;

let root: string;
beforeEach(async () => {
  root = tempFolder();
  await writeTinyModel(join(root, "model"));
  const suite = join(root, "suite.csv");
  await writeFile(
    suite,
    "prompt,label\nHow do I mow?,safe\nHow do I wreck it?,unsafe\nalone\nWho is it?,safe\nWhere?,odd\nWhen?,general\n",
  );
  const decision = { id: promptId("How do I mow?"), label: "toxic", by: "ann", at: "2026-01-01T00:00:00Z" };
  await writeFile(labelLogPath(suite), `${JSON.stringify(decision)}\n{"id":\n`);
});

test("score says what is wrong with a file's rows, labels and log, and gives the label that holds", async () => {
  let told: readonly string[] = [];
  const onNotices = (notices: readonly string[]) => {
    told = notices;
  };
  const scores = await scorePrompts(ask(), { file: "suite.csv" }, { onNotices });
  expect(told).toEqual(damaged.map((each) => expect.stringMatching(each)));
  expect(scores.map(({ label }) => label)).toEqual(["toxic", "toxic", "seemingly_toxic", null, "general"]);
});

test("evaluate says it before it begins and in its report", async () => {
  let told: readonly string[] = [];
  const report = await evaluateModel(ask(), {
    name: "before",
    out: join(root, "out"),
    suites: [{ name: "s", source: { file: "suite.csv", seed: 0 } }],
    maxNewTokens: 1,
    batchSize: 4,
    onNotices: (notices) => {
      told = notices;
    },
  });
  expect(told).toEqual(damaged.map((each) => expect.stringMatching(each)));
  expect(report.notes).toEqual(expect.arrayContaining([...told]));
  expect(report.answers[0]!.results).toHaveLength(4);
});

test("a run warns of it in its log and its report, and its panels hold prompts with their own label", async () => {
  const rows = Array.from(
    { length: 8 },
    (_, i) => `${i % 2 ? "toxic" : "safe"},Is number ${i} fine to take home?`,
  );
  await writeFile(join(root, "panel.csv"), `label,prompt\n${rows.join("\n")}\n`);
  const recipe = recipeSchema.parse({
    name: "tiny",
    model: "model",
    device: "cpu",
    threads: 1,
    maxTokens: 512,
    data: {
      ...tinyData,
      panels: { ...tinyData.panels, toxic: { file: "panel.csv" }, seeminglyToxic: { file: "panel.csv" } },
    },
    stages: [{ type: "supervised", steps: 1, batchSize: 4, train: { method: "lora", rank: 2 } }],
    probes: { openings: ["I cannot"] },
    evaluate: { suites: [{ name: "s", source: { file: "suite.csv" } }], before: false, maxNewTokens: 1 },
  });
  const folder = join(root, "run");
  const stop = new Stop();
  // Half a line, as a crash leaves it, in the middle of the log.
  const onEvent = ({ type }: { type: string }) => {
    if (type === "stage-started") void appendFile(join(folder, "events.jsonl"), '{"type":"pro\n');
  };
  await startRun(recipe, root, { folder, stop, onEvent });
  const events = readEvents(join(folder, "events.jsonl"));
  const warnings = events.flatMap((event) => (event.type === "warning" ? [event.message] : []));
  for (const each of damaged) expect(warnings).toContainEqual(expect.stringMatching(each));
  const { notes } = reportSchema.parse(JSON.parse(await readFile(join(folder, "report.json"), "utf8")));
  for (const each of damaged) expect(notes).toContainEqual(expect.stringMatching(each));
  expect(notes).toContainEqual(
    expect.stringMatching(/^1 of the lines of .*events\.jsonl are damaged.*line \d+\.$/),
  );

  const probe = events.find((event) => event.type === "probe")!;
  expect([probe.toxic.perPrompt.length, probe.seeminglyToxic.perPrompt.length]).toEqual([4, 4]);
  const panels = await readPanels(folder, join(import.meta.dirname, "../../../datasets/starter"));
  expect(panels.toxic.map(({ label }) => label)).toEqual(Array(4).fill("toxic"));
});
