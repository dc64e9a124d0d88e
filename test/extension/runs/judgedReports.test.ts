import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { judgedReport } from "../../../src/engine/abilities/judged.ts";
import { gateOutcome } from "../../../src/extension/benchmark/gates.ts";
import { measuresOfReport, measuresOfRuns } from "../../../src/extension/benchmark/shown.ts";
import { headlineOf } from "../../../src/extension/runs/headline.ts";
import { JudgedReports } from "../../../src/extension/runs/judgedReports.ts";
import { conclusionOf } from "../../../src/protocol/report/conclusion.ts";
import { methodName } from "../../../src/protocol/report/methods.ts";
import type { Report } from "../../../src/protocol/report/report.ts";
import type { RefusalVerdict } from "../../../src/protocol/report/verdicts.ts";
import { POOLED } from "../../../src/protocol/suite.ts";
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
/** Share of safe prompts that the main method of a report refused, over all suites. */
const rateOf = ({ measures }: Report) =>
  measures.rows.find(
    ({ measure, method, suite, category }) =>
      measure === "safe_refusal" && method === main.method && suite === POOLED && category === undefined,
  )!.estimate;
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

test("figures of gates, matrix and sentence are those that an open report works out, and stored ones where nothing was judged", async () => {
  const [a, same, others] = [keep("a"), keep("same"), keep("others", (response) => `${response} Indeed.`)];
  const asked: string[] = [];
  const engine = () => (folder: string) => {
    asked.push(folder);
    return judgedReport(folder);
  };
  const gate = `${methodName(report.methods, main.method)}: safe_refusal > ${rateOf(report)}`;
  const outcome = async (folder: string) =>
    gateOutcome(gate, (await reports.figures(folder, engine)).report).status;
  expect([await outcome(a), await outcome(same), await outcome(others)]).toEqual(Array(3).fill("passed"));
  expect(asked).toEqual([]);
  await judge(a, "full_refusal");
  expect([await outcome(a), await outcome(same), await outcome(others)]).toEqual([
    "failed",
    "failed",
    "passed",
  ]);
  expect(asked).toEqual([a, same]);
  const { report: found, outdated } = await reports.figures(same, engine);
  expect(outdated).toBeNull();
  expect(found.measures).toEqual((await judgedReport(same)).measures);
  expect(conclusionOf(found)).toEqual(conclusionOf(await judgedReport(same)));
  expect(conclusionOf(found)).not.toEqual(conclusionOf(report));
  expect(measuresOfReport(found)).not.toEqual(measuresOfReport(report));
  const cell = (one: Report) => measuresOfRuns([{ method: "STL", seed: 0, report: one }]).measures.rows;
  expect(cell(found)).not.toEqual(cell(report));
});

test("figures say why they do not include verdicts: no trust, or an engine that fails", async () => {
  const folder = keep("a");
  await judge(folder, "full_refusal");
  const restricted = await reports.figures(folder, () => null);
  expect(restricted.outdated).toContain("not trusted");
  expect(restricted.report.measures).toEqual(report.measures);
  const failed = await reports.figures(folder, () => () => Promise.reject(new Error("The engine exited.")));
  expect(failed.outdated).toBe("These figures do not include people's verdicts: The engine exited.");
});

test("a report that is gone is told of no more", async () => {
  const [a, b] = [keep("a"), keep("b")];
  await refused(a);
  reports.forget(a);
  await judge(b, "full_refusal");
  expect(await look()).toEqual([]);
  expect(reports.revision(a)).toBe(0);
});
