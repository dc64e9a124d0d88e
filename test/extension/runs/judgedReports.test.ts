import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { headlineOf } from "../../../src/extension/runs/headline.ts";
import { JudgedReports } from "../../../src/extension/runs/judgedReports.ts";
import type { Report } from "../../../src/protocol/report/report.ts";
import type { RefusalVerdict } from "../../../src/protocol/report/verdicts.ts";
import { responseHash } from "../../../src/runFolder/judgements.ts";
import { keepJudgement, sharedJudgementsPath } from "../../../src/runFolder/reportJudgements.ts";
import { exampleReport } from "../../engine/evaluate/fixture.ts";
import { tempFolder } from "../../tempFolder.ts";

const report = exampleReport({ seeds: 1, perKind: 2 });
const main = report.answers.at(-1)!;
const safe = main.results.find(({ unsafe, human }) => !unsafe && human === undefined)!;

let runs: string;
let reports: JudgedReports;
beforeEach(() => {
  runs = tempFolder();
  reports = new JudgedReports();
});
function keep(name: string, changed: (response: string) => string = (same) => same): string {
  const folder = join(runs, name);
  mkdirSync(folder);
  const answers = report.answers.map((each) => ({
    ...each,
    results: each.results.map((result) => ({ ...result, response: changed(result.response) })),
  }));
  writeFileSync(join(folder, "report.json"), JSON.stringify({ ...report, answers } satisfies Report));
  return folder;
}
let minute = 0;
const judge = (folder: string, verdict: RefusalVerdict | null) =>
  keepJudgement(
    folder,
    {
      ...{ id: safe.id, suite: safe.suite, method: main.method, seed: 0 },
      ...{ response: responseHash(safe.response), verdict, by: "ann" },
      at: new Date(Date.UTC(2026, 0, 1, 0, minute++)).toISOString(),
    },
    runs,
  );
const look = () => reports.look(sharedJudgementsPath(runs));
const refused = async (folder: string) => headlineOf(await reports.read(folder))?.safe?.after;

test("a judgement makes those reports out of date that hold the answer, and no other", async () => {
  const [a, same, others] = [keep("a"), keep("same"), keep("others", (response) => `${response} Indeed.`)];
  const before = await Promise.all([a, same, others].map(refused));
  expect(before[1]).toBe(before[0]);
  expect(await look()).toEqual([]);
  await judge(a, "full_refusal");
  expect((await look()).sort()).toEqual([a, same].sort());
  expect([a, same, others].map((folder) => reports.revision(folder))).toEqual([1, 1, 0]);
  expect(await refused(same)).toBeGreaterThan(before[1]!);
  expect(await refused(others)).toBe(before[2]);
  expect(await look()).toEqual([]);
});

test("so does a judgement that is taken back in yet another report, and a log that is gone", async () => {
  const [a, b] = [keep("a"), keep("b")];
  const before = await refused(a);
  await refused(b);
  await judge(b, "full_refusal");
  await look();
  expect(await refused(a)).toBeGreaterThan(before!);
  await judge(b, null);
  expect(await look()).toContain(a);
  expect(await refused(a)).toBe(before);
  await judge(b, "full_refusal");
  await look();
  rmSync(sharedJudgementsPath(runs));
  expect(await look()).toContain(a);
  expect(await refused(a)).toBe(before);
});

test("what is judged while a report is read is not missed", async () => {
  const [a, b] = [keep("a"), keep("b")];
  const before = await refused(a);
  const reading = reports.read(a);
  await judge(b, "full_refusal");
  await look();
  const isKnown = reports.revision(a) > 0;
  // Where the reading was the faster, the report is out of date and this is known.
  expect(isKnown || headlineOf(await reading)!.safe!.after > before!).toBe(true);
});

test("a report that is gone is told of no more", async () => {
  const [a, b] = [keep("a"), keep("b")];
  await refused(a);
  reports.forget(a);
  await judge(b, "full_refusal");
  expect(await look()).toEqual([]);
  expect(reports.revision(a)).toBe(0);
});
