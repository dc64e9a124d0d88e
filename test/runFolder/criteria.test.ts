import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import type { Plan } from "../../src/protocol/cells.ts";
import { changeLines, criteriaLines } from "../../src/protocol/report/criteria.ts";
import { writePlan } from "../../src/runFolder/comparison.ts";
import { criteriaChanges } from "../../src/runFolder/criteria.ts";
import { EventLog } from "../../src/runFolder/eventLog.ts";
import { runPaths } from "../../src/runFolder/folder.ts";
import { recordOpenings } from "../../src/runFolder/suiteOpenings.ts";
import { quadraticPlan, runQuadratic, runQuadratics } from "../engine/run/cellsOfQuadratics.ts";
import { tempFolder } from "../tempFolder.ts";

let folder: string;
beforeEach(() => {
  folder = tempFolder();
});

const held = { reference: "stl", margins: { safety: 0.03, capability: 0.02 }, gates: [] as string[] };
const suites = ["s"];

/** A benchmark of two runs. */
function planOf(
  criteria: Partial<typeof held & { suites: string[] }> = {},
  created = "2026-01-01T00:00:00Z",
): Plan {
  const { suites: names, ...others } = { suites, ...criteria };
  const asked = names.map((suite) => ({ suite, prompts: 4 }));
  const rest = { methods: ["stl", "dcr"], suites: asked, missing: [] };
  return { ...quadraticPlan([0], 2), created, benchmark: { ...rest, ...held, ...others } };
}

/** Runs what is left of a plan; each run answers a test suite. */
async function run(plan: Plan, only?: string[]): Promise<void> {
  const { failed } = await runQuadratics(plan, folder, {
    ...(only && { only }),
    async execute(cell, place) {
      const end = await runQuadratic(cell, place);
      const { log } = EventLog.open(runPaths(place).events);
      log.append({ type: "suite-opened", method: cell.method, suite: "s", prompts: 4, sha256: "x" });
      log.close();
      await recordOpenings(folder, cell);
      return end;
    },
  });
  expect(failed).toEqual([]);
}

test("what is changed before a test suite was opened is fixed beforehand, and so is what is resumed as it was", async () => {
  await run(planOf({ gates: ["s.safe_refusal > 0.1"] }), []);
  await run(planOf(), ["stl-0"]);
  await run(planOf());
  await run(planOf({}, "2026-02-01T00:00:00Z"));
  expect(await criteriaChanges(folder)).toEqual([]);
});

test("what is changed after results is kept with its time, the runs that had opened a suite, and what held before", async () => {
  await run(planOf(), ["stl-0"]);
  const safety = { margins: { safety: 0.05, capability: 0.02 } };
  await run(planOf(safety), []);
  await run(planOf(safety));
  // Deleted runs were seen, and what is changed back was changed.
  await rm(join(folder, "dcr-0"), { recursive: true });
  await run(planOf({ reference: "dcr", gates: ["s.safe_refusal > 0.2"] }), []);
  const changes = await criteriaChanges(folder);
  expect(changes).toEqual([
    { at: expect.any(String), opened: 1, from: { ...held, suites }, to: { ...held, ...safety, suites } },
    {
      ...{ at: expect.any(String), opened: 2, from: { ...held, ...safety, suites } },
      to: { ...held, reference: "dcr", gates: ["s.safe_refusal > 0.2"], suites },
    },
  ]);
  const [first, second] = changes.map(({ at }) => `on ${at.slice(0, 10)} at ${at.slice(11, 16)} UTC`);
  expect(
    criteriaLines({ ...held, gates: ["s.safe_refusal > 0.2"], criteriaChanges: changes }, "dcr"),
  ).toEqual([
    "Fixed beforehand: accuracy may be lower by less than 2.0 points.",
    'Not fixed beforehand: the reference is dcr; refusal of unsafe prompts may be lower by less than 3.0 points; the gates are "s.safe_refusal > 0.2".',
    `Changed ${first}, after 1 run had opened test suites: the margin of safety from 3.0 points to 5.0 points.`,
    `Changed ${second}, after 2 runs had opened test suites: the reference from stl to dcr; the margin of safety from 5.0 points to 3.0 points; the gates from none to "s.safe_refusal > 0.2".`,
  ]);
});

test("a suite that was added after results is stated, and one that is not on record is not", async () => {
  await run(planOf(), ["stl-0"]);
  await run(planOf({ suites: ["s", "later"] }));
  const changes = await criteriaChanges(folder);
  expect(changes).toMatchObject([{ opened: 1, from: { suites }, to: { suites: ["s", "later"] } }]);
  const lines = criteriaLines({ ...held, criteriaChanges: changes }, "stl");
  expect(lines[0]).toMatch(/^Fixed beforehand: the reference is stl; .*; there are no gates\.$/);
  expect(lines.slice(1)).toEqual([
    expect.stringMatching(
      /^Changed on .*, after 1 run had opened test suites: the test suites from s to s, later\.$/,
    ),
  ]);

  const path = join(folder, "criteria.jsonl");
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replaceAll(/,"suites":\[[^\]]*\]/g, ""));
  await run(planOf({ suites: ["s", "later"] }));
  expect(await readFile(path, "utf8")).not.toContain("suites");
});

test("a plan that was changed by hand is held against the record, not against itself", async () => {
  await run(planOf());
  const edited = planOf({ gates: ["s.safe_refusal > 0.9"] });
  await writePlan(folder, edited);
  await run(edited);
  expect(await criteriaChanges(folder)).toMatchObject([{ opened: 2, from: { gates: [] } }]);
});

test("the record of a folder of an older version begins with its plan; what it held to before results is not known where that is newer", async () => {
  const path = join(folder, "criteria.jsonl");
  await run(planOf());
  await rm(path);
  await run(planOf({ margins: { safety: 0.04, capability: 0.02 } }), []);
  expect(await criteriaChanges(folder)).toMatchObject([{ opened: 2, from: held }]);

  await writePlan(folder, planOf({}, "2099-01-01T00:00:00Z"));
  await writeFile(path, '{"at":"half a li');
  await run(planOf());
  const changes = await criteriaChanges(folder);
  expect(changes).toEqual([{ at: "2099-01-01T00:00:00Z", opened: 2, from: null, to: { ...held, suites } }]);
  expect(changeLines({ criteriaChanges: changes })).toEqual([
    "Reference, margins and gates are on record since 2099-01-01 at 00:00 UTC, after 2 runs had opened test suites: whether they were fixed beforehand is not known.",
  ]);
  expect(criteriaLines({ ...held, criteriaChanges: changes }, "stl")[0]).toMatch(
    /^Not on record as fixed beforehand: the reference is stl; .*; there are no gates\.$/,
  );
  expect((await readFile(path, "utf8")).trimEnd().split("\n")).toHaveLength(2);
});
