import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { reportSchema } from "../../src/protocol/report/report.ts";
import { tempFolder } from "../tempFolder.ts";
import { writeTinyModel } from "../tinyModel.ts";

const root = join(import.meta.dirname, "../..");
/** preset:demo, so small that it takes seconds; the tiny model reads a token a byte. */
const small = [
  "maxTokens=500",
  "stages.0.layer=2",
  "stages.0.steps=2",
  "stages.1.steps=2",
  ...["toxic", "seeminglyToxic", "general"].map((panel) => `data.panels.${panel}.limit=4`),
  'probes.openings=["I"]',
  'evaluate.suites=[{"name":"starter-test","source":{"file":"starter:pairs.csv","split":"test","limit":12}}]',
  "evaluate.maxNewTokens=2",
];

test("the demo compares both methods with the untrained model, and resumes where it was", async () => {
  const folder = tempFolder();
  await execa(process.execPath, [join(root, "scripts/build.ts")]);
  const model = await writeTinyModel(join(folder, "tiny"));
  const demo = (...set: string[]) =>
    execa(
      process.execPath,
      [
        join(root, "scripts/demo.ts"),
        "--model",
        model,
        "--out",
        join(folder, "demo"),
        "--set",
        ...small,
        ...set,
      ],
      { reject: false, all: true },
    );

  const first = await demo();
  expect(first.all.match(/demo\/report\.html/g)).toHaveLength(1);
  expect(first.stdout).toMatch(/toxic refused.*\nuntrained .*\nSTL .*\nDCR → STL /);
  const report = reportSchema.parse(JSON.parse(await readFile(join(folder, "demo/report.json"), "utf8")));
  expect(report.answers.map(({ method }) => method)).toEqual(["untrained", "STL", "DCR → STL"]);
  expect(report.answers.map(({ results }) => results.length)).toEqual([12, 12, 12]);
  expect(report.series.map(({ method }) => method)).toEqual(["STL", "DCR → STL"]);
  expect(report.series[1]!.stages).toEqual([
    { kind: "contrastive", step: 0 },
    { kind: "supervised", step: 2 },
  ]);
  expect(existsSync(join(folder, "demo/report.html"))).toBe(true);

  const again = await demo();
  expect(again.all).not.toMatch(/stage 1/i);
  expect(again.stdout).toContain("STL ");

  const other = await demo("stages.1.steps=3");
  expect([other.exitCode, other.stderr]).toEqual([1, expect.stringContaining("another recipe")]);
});

test("the demo finds a misspelt key and a missing prompt file before it fetches a model", async () => {
  const folder = tempFolder();
  const demo = (change: string) =>
    execa(process.execPath, [join(root, "scripts/demo.ts"), "--out", join(folder, "demo"), "--set", change], {
      reject: false,
      env: { DISCERN_MODELS: join(folder, "models") },
    });
  const misspelt = await demo("stages.0.layr=2");
  expect([misspelt.exitCode, misspelt.stderr]).toEqual([1, expect.stringContaining("layr: Unknown key")]);
  const missing = await demo('data.general=[{"file":"no-such.jsonl"}]');
  expect([missing.exitCode, missing.stderr]).toEqual([
    1,
    expect.stringMatching(/no prompt file .*no-such\.jsonl/),
  ]);
  expect(await readdir(folder)).toEqual([]);
});
