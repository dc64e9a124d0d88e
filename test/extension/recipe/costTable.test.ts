import { expect, it } from "vitest";
import { partRows } from "../../../src/extension/recipe/costTable.ts";
import { recipeSchema } from "../../../src/protocol/recipe.ts";
import { estimateCost } from "../../../src/recipe/cost.ts";
import type { ModelFacts } from "../../../src/recipe/modelFacts.ts";

const model: ModelFacts = {
  ...{
    name: "small",
    path: "/models/small",
    parameters: 20_000_000,
    bytes: 80_000_000,
    tokenizerProblem: null,
  },
  linears: [{ name: "self_attn.q_proj", inFeatures: 256, outFeatures: 256 }],
  architecture: {
    ...{ layers: 8, contextLength: 2048, hiddenSize: 256, intermediateSize: 512, vocabSize: 32_000 },
    tiedEmbeddings: true,
  },
};

it("shows each part of a run with its time, the laboratory too, and these add up to the whole", () => {
  const stages = [{ type: "supervised", steps: 10 }] as const;
  const of = (more: object) =>
    estimateCost(recipeSchema.parse({ name: "r", model: "small", stages, ...more }), model, { cores: 2 });
  const cost = of({ laboratory: [{ probe: "kernel", at: { every: 5 } }] });
  const rows = partRows(cost, 0);
  expect(rows.map(({ name, chosen }) => [name, chosen])).toEqual([
    ["stage 1, supervised: 10 steps", true],
    [`${cost.probes.count} probes`, false],
    ["3 measurements of the laboratory", false],
    [`${cost.evaluation.answers} answers`, false],
  ]);
  expect(rows.reduce((sum, row) => sum + row.cost.seconds, 0)).toBeCloseTo(cost.seconds);
  expect(partRows(of({}), null).map(({ name }) => name)).not.toContainEqual(
    expect.stringMatching(/laboratory/),
  );
});

it("says what is sampled, what judges are asked, and what has no time", () => {
  const evaluation = { answers: 200, sampled: 1600, requests: 200, judgeModels: 1, seconds: 1 };
  const cost = estimateCost(recipeSchema.parse({ name: "r", model: "small", stages: [] }), model, {
    cores: 2,
  });
  expect(partRows({ ...cost, evaluation }, null).at(-1)!.name).toBe(
    "200 answers, 1600 sampled, 200 requests to judges; without the time of 1 model that judges",
  );
});
