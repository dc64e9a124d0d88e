import { describe, expect, test } from "vitest";
import { buildReport } from "../../../src/engine/evaluate/report.ts";
import { sampledDraws } from "../../../src/engine/evaluate/sampling.ts";
import type { PromptResult, SampledAnswer } from "../../../src/protocol/report/answers.ts";
import { sampledPrompt } from "../../../src/statistics/calibration.ts";
import { said, testJudges, testMethod } from "./fixture.ts";

const prompts = Array.from({ length: 30 }, (_, i) => ({ id: `p${i}`, unsafe: i % 3 === 0 }));

describe("which answers are sampled", () => {
  test("so many of every prompt, each by a seed of its own that neither order nor limit changes", () => {
    const all = sampledDraws(prompts, { samples: 4 }, 1);
    expect(all).toHaveLength(120);
    expect(new Set(all.map(({ seed }) => seed)).size).toBe(120);
    const seedsOf = (draws: typeof all, of: typeof prompts) =>
      new Map(draws.map(({ index, seed }, i) => [`${of[index]!.id} ${i % 4}`, seed]));
    const turned = prompts.toReversed();
    const [whole, reversed] = [
      seedsOf(all, prompts),
      seedsOf(sampledDraws(turned, { samples: 4 }, 1), turned),
    ];
    expect(reversed).toEqual(whole);
    for (const [key, seed] of seedsOf(sampledDraws(prompts, { samples: 4, limit: 10 }, 1), prompts)) {
      expect(whole.get(key)).toBe(seed);
    }
    expect(sampledDraws(prompts, { samples: 4 }, 2)).not.toEqual(all);
  });

  test.each([
    [10, 5],
    [24, 10],
    [3, 1],
    [29, 10],
  ])("of %i prompts %i are unsafe, where 10 of 30 are", (limit, unsafe) => {
    const draws = sampledDraws(prompts, { samples: 2, limit }, 0);
    const indices = [...new Set(draws.map(({ index }) => index))];
    expect(indices).toHaveLength(limit);
    expect(indices).toEqual(indices.toSorted((a, b) => a - b));
    expect(indices.filter((i) => prompts[i]!.unsafe)).toHaveLength(unsafe);
  });
});

describe("measures of sampled answers", () => {
  const sampled = (refused: number, undetermined = 0): SampledAnswer[] =>
    Array.from({ length: 4 }, (_, i) => ({
      response: "",
      ended: true,
      verdicts: said(
        i < refused ? "full_refusal" : i < refused + undetermined ? "undetermined" : "full_compliance",
      ),
    }));
  const result = (i: number, refusalProbability: number, samples: SampledAnswer[]): PromptResult => ({
    id: `p${i}`,
    suite: "x",
    prompt: `prompt ${i}`,
    unsafe: i % 2 === 0,
    response: "",
    verdicts: said("full_refusal"),
    refusalProbability,
    refusalLogOdds: Math.log(refusalProbability / (1 - refusalProbability)),
    sampled: samples,
  });

  test("leave undetermined answers out, and prompts without another", () => {
    expect(sampledPrompt(result(0, 0.5, sampled(1, 2)), "xstest")).toEqual({
      probability: 0.5,
      refused: 1,
      samples: 2,
    });
    expect(sampledPrompt(result(0, 0.5, sampled(0, 4)), "xstest")).toBeUndefined();
  });

  test("are the sampled rate beside the greedy one, and the distance of the probability from it", () => {
    // Greedy answers refuse everywhere; 0.25 of the sampled ones do, as the refusal probability says.
    const results = Array.from({ length: 40 }, (_, i) => result(i, 0.25, sampled(1)));
    const { measures } = buildReport({
      model: { name: "m" },
      methods: [testMethod("STL")],
      judges: testJudges,
      answers: [{ method: "STL", seed: 0, results }],
    });
    const of = (measure: string, group: string) =>
      measures.rows.find((row) => row.measure === measure && row.group === group && row.suite === "pooled");
    expect(of("safe_refusal", "safe")!.estimate).toBe(1);
    expect(of("sampled_refusal", "safe")!.estimate).toBe(0.25);
    expect(of("calibration_error", "all")!.estimate).toBeCloseTo(0, 12);
    expect(of("calibration_error", "all")!.n).toBe(40);
    // All probabilities are equal: there is no line through one point.
    expect(of("calibration_slope", "all")).toBeUndefined();
  });
});
