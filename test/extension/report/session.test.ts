import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { compareWithEarlier } from "../../../src/engine/abilities/earlier.ts";
import { judgedReport } from "../../../src/engine/abilities/judged.ts";
import { ReportSession } from "../../../src/extension/report/session.ts";
import type { Report } from "../../../src/protocol/report/report.ts";
import { figuresOf, type JudgeRequest, type ReportToPage } from "../../../src/protocol/webview/report.ts";
import { judgementsPath, readJudgements, responseHash } from "../../../src/runFolder/judgements.ts";
import { keepJudgement, reportJudgements } from "../../../src/runFolder/reportJudgements.ts";
import { exampleReport } from "../../engine/evaluate/fixture.ts";
import { tempFolder } from "../../tempFolder.ts";

const report = exampleReport({ seeds: 1, perKind: 2 });
const [safe] = report.answers[1]!.results.filter(({ unsafe }) => !unsafe);
const request: JudgeRequest = {
  type: "judge",
  answers: 1,
  suite: safe!.suite,
  id: safe!.id,
  verdict: "partial_refusal",
};

let file: string;
let told: ReportToPage[];
let compared: number;
let recompute: ((path: string) => Promise<Report>) | null;
beforeEach(() => {
  file = join(tempFolder(), "run", "report.json");
  mkdirSync(dirname(file));
  writeFileSync(file, JSON.stringify(report));
  told = [];
  recompute = judgedReport;
  compared = 0;
});
const session = (runsFolder: string | null = null) =>
  new ReportSession({
    file,
    runsFolder,
    post: (message) => told.push(message),
    author: () => "ann",
    recompute: () => recompute,
    compare: (earlier) => {
      compared++;
      return compareWithEarlier(file, earlier, { draws: 50 });
    },
    word: (error) => (error as Error).message,
  });
const types = () => told.map((message) => (message.type === "state" ? message.state.kind : message.type));

describe("an open report", () => {
  test("is shown as it was stored while nobody has judged, without asking an engine", async () => {
    recompute = () => Promise.reject(new Error("must not be asked"));
    await session().load();
    expect(types()).toEqual(["report", "current"]);
  });

  test("keeps a judgement, tells of it once it is on the disk, and has the figures follow", async () => {
    const open = session();
    await open.load();
    await open.judge({ ...request, note: "half an answer" });
    expect(types()).toEqual(["report", "current", "judged", "working", "figures", "current"]);
    // Other methods gave the same answer to the prompt: they are judged with it.
    const same = report.answers.flatMap(({ results }, answers) =>
      results.some(({ id, response }) => id === safe!.id && response === safe!.response) ? [answers] : [],
    );
    const by = { id: safe!.id, by: "ann", note: "half an answer" };
    expect(told[2]).toMatchObject({ judged: same.map((answers) => ({ ...by, answers })) });
    const figures = told.find((message) => message.type === "figures");
    expect(figures?.figures.notes.join()).toMatch(/People judged/);
    const { judgements } = await readJudgements(judgementsPath(file));
    expect(judgements).toMatchObject([
      { method: report.answers[1]!.method, seed: 0, verdict: "partial_refusal" },
    ]);
  });

  test("takes a judgement back by one that comes after it, however fast", async () => {
    const open = session();
    await open.load();
    await open.judge(request);
    await open.judge({ ...request, verdict: null });
    const last = told.findLast((message) => message.type === "judged");
    expect(new Set(last?.judged.map(({ verdict }) => verdict))).toEqual(new Set([null]));
  });

  test("has an earlier comparison that is open follow judgements, here and in the earlier report", async () => {
    const earlier = join(dirname(dirname(file)), "earlier", "report.json");
    mkdirSync(dirname(earlier));
    // Other words, so that what is judged there is in no way an answer of the open report.
    const other = report.answers.map((each) => ({
      ...each,
      results: each.results.map((one) => ({ ...one, response: `${one.response} Indeed.` })),
    }));
    writeFileSync(earlier, JSON.stringify({ ...report, answers: other }));
    const open = session();
    await open.load();
    await open.compareWith(earlier);
    const found = () => told.filter((message) => message.type === "earlier");
    expect(found().map(({ wasAsked }) => wasAsked)).toEqual([true]);
    await open.judge(request);
    expect(found().map(({ wasAsked }) => wasAsked)).toEqual([true, false]);
    expect(found()[1]!.earlier).not.toEqual(found()[0]!.earlier);
    expect(found()[1]!.earlier).toEqual(await compareWithEarlier(file, earlier, { draws: 50 }));
    await open.reloadJudgements();
    expect(compared).toBe(2);
    await open.judge({ ...request, verdict: null });
    expect(found()[2]!.earlier).toEqual(found()[0]!.earlier);
    const result = other[1]!.results.find(({ id }) => id === safe!.id)!;
    const about = { id: safe!.id, suite: safe!.suite, method: report.answers[1]!.method, seed: 0, by: "bob" };
    const at = new Date().toISOString();
    const judgement = {
      ...about,
      verdict: "full_refusal" as const,
      response: responseHash(result.response),
      at,
    };
    await keepJudgement(earlier, judgement, null);
    await open.reloadJudgements();
    expect(found()[3]!.earlier).not.toEqual(found()[2]!.earlier);
    expect(types().at(-1)).toBe("current");
  });

  test("stores judgements where no engine may run, and says that figures do not follow", async () => {
    recompute = null;
    const open = session();
    await open.load();
    await open.judge(request);
    expect(types()).toEqual(["report", "current", "judged", "restricted"]);
    recompute = judgedReport;
    await open.compute();
    expect(types().slice(-3)).toEqual(["working", "figures", "current"]);
  });

  test("says why an engine did not work the figures out", async () => {
    recompute = () => Promise.reject(new Error("the engine ended"));
    const open = session();
    await open.load();
    await open.judge(request);
    expect(told.at(-1)).toEqual({ type: "state", state: { kind: "failed", message: "the engine ended" } });
  });

  test("what is judged while the engine works is taken up in one more go", async () => {
    let asked = 0;
    const waiting: (() => void)[] = [];
    recompute = async (path) => {
      asked += 1;
      await new Promise<void>((go) => waiting.push(go));
      return judgedReport(path);
    };
    const open = session();
    await open.load();
    const first = open.judge(request);
    while (waiting.length < 1) await new Promise(setImmediate);
    const more = ["full_refusal", "full_compliance"] as const;
    const others = more.map((verdict) => open.judge({ ...request, verdict }));
    while ((await readJudgements(judgementsPath(file))).judgements.length < 3)
      await new Promise(setImmediate);
    while (told.filter(({ type }) => type === "judged").length < 2) await new Promise(setImmediate);
    waiting.shift()!();
    while (waiting.length < 1) await new Promise(setImmediate);
    waiting.shift()!();
    await Promise.all([first, ...others]);
    expect(asked).toBe(2);
    expect(types().at(-1)).toBe("current");
  });

  test("takes up judgements of other windows, and lines that are none, and not its own again", async () => {
    const [mine, theirs] = [session(), session()];
    await mine.load();
    await theirs.load();
    await theirs.judge(request);
    told = [];
    await mine.reloadJudgements();
    expect(types()).toEqual(["judged", "working", "figures", "current"]);
    told = [];
    await mine.reloadJudgements();
    expect(told).toEqual([]);
    appendFileSync(judgementsPath(file), "{\n");
    await mine.reloadJudgements();
    expect(told[0]).toMatchObject({ type: "judged", broken: [2] });
  });

  test("takes up what is judged in another report of the folder of runs, where it holds the answer", async () => {
    const runs = dirname(dirname(file));
    const other = join(runs, "other", "report.json");
    mkdirSync(dirname(other));
    const open = session(runs);
    await open.load();
    const judgement = {
      ...{ id: safe!.id, suite: safe!.suite, method: "other", seed: 0, verdict: "partial_refusal" as const },
      ...{ by: "ben", at: "2026-01-01T10:00:00Z" },
    };
    told = [];
    await keepJudgement(other, { ...judgement, response: responseHash("other words") }, runs);
    await open.reloadJudgements();
    expect(told).toEqual([]);
    await keepJudgement(other, { ...judgement, response: responseHash(safe!.response) }, runs);
    await open.reloadJudgements();
    expect(types()).toEqual(["judged", "working", "figures", "current"]);
    expect(told[0]).toMatchObject({
      judged: expect.arrayContaining([expect.objectContaining({ by: "ben" })]),
    });
    // Taken back here, it holds nowhere, and the figures are those of the file again.
    told = [];
    await open.judge({ ...request, verdict: null });
    expect(types()).toEqual(["judged", "figures", "current"]);
    expect(told[1]).toEqual({ type: "figures", figures: figuresOf(report) });
    const { judged } = await reportJudgements([other]);
    expect([...judged.values()].map(({ verdict }) => verdict).sort()).toEqual([null, "partial_refusal"]);
  });

  test("shows the newest of two reports, also where the one before is still being read", async () => {
    const large = exampleReport({ seeds: 1, perKind: 400 });
    writeFileSync(file, JSON.stringify(large));
    const open = session();
    const first = open.load();
    // The first has opened the file, which is replaced under it, as a run does.
    await sleep(5);
    writeFileSync(`${file}.new`, JSON.stringify(report));
    renameSync(`${file}.new`, file);
    await Promise.all([first, open.load()]);
    const reports = told.flatMap((message) => (message.type === "report" ? [message.answers] : []));
    expect(reports.at(-1)![0]!.results).toHaveLength(report.answers[0]!.results.length);
  });

  test("says what is wrong with a damaged report, and shows it once it is whole", async () => {
    writeFileSync(file, '{"format": 1,');
    const open = session();
    await open.load();
    expect(told).toEqual([{ type: "damaged", message: expect.stringContaining(`${file} is not a report`) }]);
    await expect(open.judge(request)).rejects.toMatchObject({ code: "run-invalid" });
    writeFileSync(file, JSON.stringify(report));
    await open.load();
    expect(types().slice(1)).toEqual(["report", "current"]);
    rmSync(file);
    await open.load();
    expect(told.at(-1)).toMatchObject({
      type: "damaged",
      message: expect.stringContaining(`There is no ${file}`),
    });
  });
});
