import { expect, test } from "vitest";
import { defaultPlan, memoryPlanText } from "../../../src/extension/models/memory.ts";
import type { ModelFacts } from "../../../src/recipe/modelFacts.ts";

/** The shape of an 8B model, in bfloat16. */
const facts: ModelFacts = {
  name: "m",
  path: "/models/m",
  parameters: 8.03e9,
  bytes: 16.06e9,
  tokenizerProblem: null,
  linears: [],
  architecture: {
    ...{ layers: 32, contextLength: 8192, hiddenSize: 4096, intermediateSize: 14_336, vocabSize: 128_256 },
    ...{ tiedEmbeddings: false, heads: 32 },
  },
};

test("the default recipe is planned for the memory that is available", () => {
  expect(defaultPlan(facts, 200e9)).toMatchObject({
    fits: true,
    text: expect.stringMatching(/stay in memory/),
  });
  expect(defaultPlan(facts, 1e9).fits).toBe(false);
});

test("the plan of each way of holding a model is shown, with what does not fit", () => {
  const text = memoryPlanText(facts, "owner/name", 12e9);
  expect(text).toMatch(/^Memory that the default recipe takes on owner\/name\n/);
  expect(text).toMatch(/12\.0 GB of memory are available/);
  expect(text).toMatch(/memory: "keep" \(does not fit\)\n {2}\S/);
  expect(text).toMatch(/memory: "stream"\n {2}Weights are read block by block/);
  expect(text).toMatch(/\ncpu, float32, keep \(does not fit\)\n {2}Weights as float32 \(32\.1 GB\)/);
  // What a GPU has is not known here.
  expect(text).toMatch(/\ncuda, bfloat16, recompute\n {2}Weights as bfloat16 \(16\.1 GB\)/);
  expect(memoryPlanText(facts, "m", null)).toMatch(/is not known here/);
});
