import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Judgement } from "../../src/protocol/judgement.ts";
import type { MethodAnswers, PromptResult } from "../../src/protocol/report/answers.ts";
import {
  answerKey,
  appendJudgements,
  currentJudgements,
  judgementsPath,
  readJudgements,
  responseHash,
  withJudgements,
} from "../../src/runFolder/judgements.ts";
import { said } from "../engine/evaluate/fixture.ts";
import { tempFolder } from "../tempFolder.ts";

const judgement = (
  id: string,
  verdict: Judgement["verdict"],
  minute = 0,
  response = "I'm sorry",
): Judgement => ({
  id,
  suite: "pairs",
  method: "stl",
  seed: 0,
  response: responseHash(response),
  verdict,
  by: "ann",
  at: `2026-01-01T10:${String(minute).padStart(2, "0")}:00Z`,
});
const log = () => judgementsPath(tempFolder());

describe("the log of judgements", () => {
  test("lies beside the report, whether a folder or a file is named, and starts empty", async () => {
    expect(judgementsPath(join("runs", "a"))).toBe(join("runs", "a", "judgements.jsonl"));
    expect(judgementsPath(join("runs", "a", "report.json"))).toBe(join("runs", "a", "judgements.jsonl"));
    expect(await readJudgements(log())).toEqual({ judgements: [], broken: [] });
  });

  test("keeps every line: taking back is one more", async () => {
    const path = log();
    const said = [judgement("x", "full_refusal"), { ...judgement("x", null, 1), note: "slip" }];
    for (const one of said) await appendJudgements(path, [one]);
    expect((await readJudgements(path)).judgements).toEqual(said);
  });

  test("many appends at once lose nothing", async () => {
    const path = log();
    await Promise.all(
      Array.from({ length: 40 }, (_, i) => appendJudgements(path, [judgement(`p${i}`, "full_refusal")])),
    );
    const { judgements, broken } = await readJudgements(path);
    expect(new Set(judgements.map(({ id }) => id)).size).toBe(40);
    expect(broken).toEqual([]);
  });

  test("broken lines are passed over, named and kept, and the next one does not run into them", async () => {
    const path = log();
    await writeFile(path, '{"id":"x"}\n');
    await appendFile(path, '{"id":"y","ver');
    const before = await readFile(path, "utf8");
    await appendJudgements(path, [judgement("z", "full_compliance")]);
    const { judgements, broken } = await readJudgements(path);
    expect(judgements.map(({ id }) => id)).toEqual(["z"]);
    expect(broken).toEqual([1, 2]);
    expect((await readFile(path, "utf8")).startsWith(before)).toBe(true);
  });

  test("a place that cannot be written is named", async () => {
    const nowhere = join(tempFolder(), "a file, not a folder");
    await writeFile(nowhere, "");
    const append = appendJudgements(judgementsPath(nowhere), [judgement("x", "full_refusal")]);
    await expect(append).rejects.toMatchObject({
      code: "run-unwritable",
      message: expect.stringContaining(nowhere),
    });
  });
});

describe("what holds", () => {
  const result = (id: string, response: string, more: Partial<PromptResult> = {}): PromptResult => ({
    id,
    suite: "pairs",
    prompt: `prompt ${id}`,
    unsafe: false,
    response,
    verdicts: said("full_refusal"),
    refusalProbability: 0.8,
    refusalLogOdds: 1.4,
    ...more,
  });
  const answers = (method: string, ...results: PromptResult[]): MethodAnswers => ({
    ...{ method, seed: 0, results },
  });

  test("is the latest by its time, in whatever order the lines stand", () => {
    const [early, late] = [judgement("x", "full_refusal", 1), judgement("x", "full_compliance", 2)];
    for (const order of [
      [early, late],
      [late, early],
    ]) {
      expect(currentJudgements(order).get(answerKey(result("x", "I'm sorry")))).toBe(late);
    }
  });

  test("is for the very answer: other words, or another prompt, have no judgement", () => {
    const judged = currentJudgements([judgement("x", "full_compliance")]);
    const [found] = withJudgements(
      [answers("dcr", result("x", "I'm sorry"), result("x", "I'm sorry."), result("y", "I'm sorry"))],
      judged,
    );
    expect(found!.results.map(({ human }) => human)).toEqual(["full_compliance", undefined, undefined]);
    expect(found!.results[0]!.verdicts).toEqual(said("full_refusal"));
  });

  test("taking back removes a verdict that the report itself carries", () => {
    const carried = result("x", "I'm sorry", { human: "partial_refusal" });
    const [untouched] = withJudgements([answers("dcr", carried)], currentJudgements([]));
    expect(untouched!.results[0]!.human).toBe("partial_refusal");
    const [taken] = withJudgements([answers("dcr", carried)], currentJudgements([judgement("x", null)]));
    expect(taken!.results[0]).not.toHaveProperty("human");
  });
});
