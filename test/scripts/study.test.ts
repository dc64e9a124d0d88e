import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { reportSchema } from "../../src/protocol/report/report.ts";
import { samplePath } from "../publishedFiles.ts";
import { tempFolder } from "../tempFolder.ts";
import { writeTinyModel } from "../tinyModel.ts";

const root = join(import.meta.dirname, "../..");
/** preset:default, so small that it takes seconds; the tiny model reads a token a byte. */
const small = [
  "maxTokens=500",
  "device=cpu",
  "threads=1",
  "stages.0.steps=2",
  "stages.1.steps=2",
  ...["toxic", "seeminglyToxic", "general"].map((panel) => `data.panels.${panel}.limit=4`),
  'data.contrast=[{"file":"starter:pairs.csv","split":"train","limit":40}]',
  'probes.openings=["I"]',
  'evaluate.suites=[{"name":"starter-test","source":{"file":"starter:pairs.csv","split":"test","limit":12}}]',
  "evaluate.maxNewTokens=2",
];

test("the study runs its cells side by side, reports one that fails, resumes it, and compares all at the end", async () => {
  const folder = tempFolder();
  await execa(process.execPath, [join(root, "scripts/build.ts")]);
  const model = await writeTinyModel(join(folder, "tiny"));
  const out = join(folder, "study");
  const study = (...args: string[]) =>
    execa(
      process.execPath,
      [join(root, "scripts/study.ts"), "--model", model, "--out", out, "--set", ...small, ...args],
      { reject: false, all: true },
    );

  // A folder that cannot be one: a file is in its place.
  await mkdir(out);
  await writeFile(join(out, "dcr-stl-1"), "");
  const first = await study("--seeds", "1,2", "--jobs", "2");
  expect(first.exitCode).toBe(1);
  expect(first.stderr).toMatch(
    /^5 runs in .*, 2 at a time:\n {2}untrained-0 +to run .*\n {2}stl-1 +to run .*\n {2}dcr-stl-1 +to run /,
  );
  expect(first.stderr).toMatch(/dcr-stl-1 failed after .*cannot be written/);
  for (const cell of ["untrained-0", "stl-1", "stl-2", "dcr-stl-2"])
    expect(first.stderr).toContain(`${cell} finished in`);
  expect(first.stderr).toContain("dcr-stl-2: Layer 1 of 3");
  expect(first.stderr).not.toMatch(/: step 1 /);
  expect(await readFile(join(out, "dcr-stl-2/engine.log"), "utf8")).toMatch(/^step 1 /m);
  expect(existsSync(join(out, "report.json"))).toBe(false);

  await rm(join(out, "dcr-stl-1"));
  const again = await study("--seeds", "1,2", "--jobs", "2");
  expect(again.stderr).toMatch(/ stl-1 +finished .*\n {2}dcr-stl-1 +to run .*\n {2}stl-2 +finished /);
  expect(again.stderr).not.toContain("stl-2 begins");
  expect(again.exitCode).toBe(0);
  const report = reportSchema.parse(JSON.parse(await readFile(join(out, "report.json"), "utf8")));
  expect(report.answers.map(({ method, seed }) => `${method} ${seed}`)).toEqual([
    "untrained 0",
    "STL 1",
    "STL 2",
    "DCR → STL 1",
    "DCR → STL 2",
  ]);

  const finished = await study("--seeds", "2,1");
  expect([finished.exitCode, finished.stderr]).toEqual([0, expect.not.stringContaining("to run")]);
  const other = await study("--seeds", "2,1", "--set", "stages.1.steps=3");
  expect([other.exitCode, other.stderr]).toEqual([1, expect.stringContaining("another recipe")]);
  const unknown = await study("--seeds", "1,2", "--only", "dcr-stl-3");
  expect([unknown.exitCode, unknown.stderr]).toEqual([
    1,
    expect.stringMatching(/--only dcr-stl-3: the cells .* dcr-stl-2\./),
  ]);
});

/** The study without a folder of published files in its surroundings, and with a models home of its own. */
async function refused(...flags: string[]) {
  const folder = tempFolder();
  const { exitCode, stderr } = await execa(
    process.execPath,
    [join(root, "scripts/study.ts"), "--out", join(folder, "study"), ...flags],
    { reject: false, env: { DISCERN_DATA: undefined, DISCERN_MODELS: join(folder, "models") } },
  );
  expect(await readdir(folder)).toEqual([]);
  return { exitCode, stderr };
}

test("the study says what it needs, and from where, before it fetches a model", async () => {
  const { exitCode, stderr } = await refused();
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/--data FOLDER or DISCERN_DATA/);
  expect(stderr.match(/^- .*https:\/\/github\.com\/.*licence/gm)).toHaveLength(3);
});

test("the study lists all files that its folder lacks", async () => {
  const data = tempFolder();
  await cp(samplePath("xstest_v2_prompts.csv"), join(data, "xstest_v2_prompts.csv"));
  const { exitCode, stderr } = await refused("--data", data);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(
    /^evaluate\.suites\[\d+\]\.source\.file: .*oktest\.csv.*\n.*I-MaliciousInstructions\.json/,
  );
});

test("the study finds a misspelt key before it fetches a model", async () => {
  const { exitCode, stderr } = await refused("--data", samplePath(), "--set", "stages.0.layr=3");
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/layr: Unknown key/);
});
