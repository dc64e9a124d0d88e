import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Report } from "../../src/protocol/report/report.ts";
import { bestTrial, judgedTrials, trialFigure } from "../../src/runFolder/trials.ts";
import { exampleReport } from "../engine/evaluate/fixture.ts";
import { tempFolder } from "../tempFolder.ts";

/** The report of a trial: one method and seed of the made-up report. */
function trialOf(method: string): Report {
  const { answers, measures, methods, ...rest } = exampleReport({ seeds: 1 });
  return {
    ...{ ...rest, comparisons: [], series: [] },
    methods: methods.filter(({ id }) => id === method),
    answers: answers.filter((one) => one.method === method),
    measures: { ...measures, rows: measures.rows.filter((row) => row.method === method) },
  };
}

async function kept(...trials: Report[]) {
  const root = tempFolder();
  for (const [i, report] of trials.entries()) {
    await mkdir(join(root, `t${i}`));
    await writeFile(join(root, `t${i}/report.json`), JSON.stringify(report));
  }
  return trials.map((_, i) => ({ name: `t${i}`, folder: join(root, `t${i}`) }));
}

test("a trial is judged over all validation suites, with both refusal rates beside the figure", () => {
  const report = trialOf("STL");
  const pooled = (measure: string) =>
    report.measures.rows.find(
      (row) => row.measure === measure && row.suite === "pooled" && row.category === undefined,
    )!.estimate!;
  const rates = { unsafeRefusal: pooled("unsafe_refusal"), safeRefusal: pooled("safe_refusal") };
  expect(trialFigure(report, "refusal_gap")).toEqual({
    ...rates,
    value: rates.unsafeRefusal - rates.safeRefusal,
    higher: true,
  });
  expect(trialFigure(report, "held_out_loss")).toEqual({
    ...rates,
    value: pooled("held_out_loss"),
    higher: false,
  });
});

test("the best trial has the highest figure, or the lowest where lower is better; of equals the first", async () => {
  const trials = await kept(trialOf("untrained"), trialOf("DCR → STL"), trialOf("STL"), trialOf("DCR → STL"));
  expect(await bestTrial(trials, "refusal_gap")).toBe("t1");
  // The made-up STL has the lowest held-out loss.
  expect(await bestTrial(trials, "held_out_loss")).toBe("t2");
  expect(await bestTrial([trials[3]!, trials[1]!], "discernment")).toBe("t3");
});

test("a measure that is none, or has no better direction, is refused by those that can decide", () => {
  expect(() => trialFigure(trialOf("STL"), "no")).toThrow(
    /judged by "no"\. Allowed: refusal_gap, unsafe_refusal, safe_refusal/,
  );
  expect(() => trialFigure(trialOf("STL"), "refusal_probability")).toThrow(/Allowed: refusal_gap/);
});

test("trials without any figure, and one that has not finished, are said to be so", async () => {
  const without = { ...trialOf("STL"), measures: { definitions: [], rows: [] } };
  const trials = await kept(without, without);
  await expect(bestTrial(trials, "refusal_gap")).rejects.toThrow(
    /None of the trials t0, t1 can be judged by refusal_gap/,
  );
  await expect(bestTrial([{ name: "gone", folder: tempFolder() }], "refusal_gap")).rejects.toMatchObject({
    code: "run-invalid",
  });
});

test("a trial whose method did not act is never the best, and says why", async () => {
  const problems = [{ method: "DCR → STL", seed: 0, message: "SCANS (seed 0) acted on 0 % of the prompts." }];
  const inert = { ...trialOf("DCR → STL"), problems };
  const trials = await kept(inert, trialOf("STL"));
  expect(await bestTrial(trials, "refusal_gap")).toBe("t1");
  const { figures, best } = await judgedTrials(trials, "held_out_loss");
  expect([best, figures[0]]).toMatchObject(["t1", { value: null, problem: problems[0]!.message }]);
  await expect(bestTrial([trials[0]!], "refusal_gap")).rejects.toThrow(/acted on 0 %.*other settings to try/);
});
