import { expect, test } from "vitest";
import { recipeSchema } from "../../src/protocol/recipe.ts";
import { pathText } from "../../src/recipe/jsonFile.ts";
import { type ModelShape, shapeProblems } from "../../src/recipe/modelFit.ts";

const model: ModelShape = {
  name: "tiny",
  layers: 6,
  contextLength: 256,
  linears: [
    { name: "self_attn.q_proj", inFeatures: 32, outFeatures: 32 },
    { name: "self_attn.k_proj", inFeatures: 32, outFeatures: 16 },
    { name: "mlp.up_proj", inFeatures: 32, outFeatures: 64 },
  ],
};
const contrastive = (own: object) => ({ type: "contrastive", ...own });
const supervised = (train: object) => ({ type: "supervised", steps: 1, train: { method: "lora", ...train } });

/** Keys at fault of a recipe whose second stage is this one, or that says so elsewhere. */
function faults(stage: object, own: object = {}): [severity: string, key: string, message: string][] {
  const recipe = recipeSchema.parse({
    ...{ name: "r", model: "m", stages: [contrastive({ layer: 2 }), stage] },
    ...own,
  });
  return shapeProblems(recipe, model).map(({ severity, path, message }) => [
    severity,
    pathText(path!),
    message,
  ]);
}

test.each([
  [supervised({})],
  [supervised({ layers: [0, 6], targets: ["q_proj", "k_proj"], rank: 16 })],
  [contrastive({ layer: 6, train: { method: "full", layers: [5, 6] } })],
  [contrastive({ layer: "auto", train: { method: "lora", layers: [0, 3] } })],
])("%j fits", (stage) => {
  expect(faults(stage)).toEqual([]);
});

test.each([
  [
    "error",
    "stages[1].layer",
    contrastive({ layer: 7 }),
    /has 6 layers, so 7 lies beyond it\. Give 1 to 6\.$/,
  ],
  [
    "error",
    "stages[1].train.layers",
    supervised({ layers: [0, 7] }),
    /layers 0 to 5.*at 6 at the latest, not 7/,
  ],
  [
    "error",
    "stages[1].train.layers",
    { ...supervised({}), train: { method: "full", layers: [6, 8] } },
    /not 8/,
  ],
  [
    "error",
    "stages[1].train.targets[1]",
    supervised({ targets: ["q_proj", "v_prj"] }),
    /"v_prj"; it has q_proj, k_proj, up_proj/,
  ],
  [
    "error",
    "stages[1].train.layers",
    contrastive({ layer: 3, train: { method: "lora", layers: [3, 5] } }),
    /Begin below 3/,
  ],
  [
    "error",
    "stages[1].train.layers",
    contrastive({ layer: "auto", train: { method: "lora", layers: [2, 5] } }),
    /Begin at 0/,
  ],
  [
    "warning",
    "stages[1].train.layers",
    contrastive({ layer: 3, train: { method: "lora", layers: [0, 5] } }),
    /before 3 alone\.$/,
  ],
  ["warning", "stages[1].train.rank", supervised({ rank: 20 }), /20 is more.*k_proj \(16 × 32\)/],
] as const)("an %s at %s", (severity, key, stage, message) => {
  expect(faults(stage)).toEqual([[severity, key, expect.stringMatching(message)]]);
});

test("blocks of an inference-time method that the model does not have are told at their keys", () => {
  const keys = (steering: object) => faults(supervised({}), { steering }).map(([, key]) => key);
  expect(keys({ type: "refusal-ablation", layer: 6 })).toEqual(["steering.layer"]);
  expect(keys({ type: "scans", layers: [5, 6], classifierLayers: [7] })).toEqual([
    "steering.classifierLayers[0]",
    "steering.layers[1]",
  ]);
  expect(keys({ type: "cast", layers: [5], conditionLayers: [0, 5] })).toEqual([]);
});

test("every fault is found at once, of probes and lengths too", () => {
  const own = {
    probes: { separationLayers: [6, 9] },
    maxTokens: 300,
    evaluate: { maxNewTokens: 256 },
  };
  expect(faults(supervised({ layers: [0, 9], targets: ["x", "y"] }), own).map(([, key]) => key)).toEqual([
    "stages[1].train.layers",
    "stages[1].train.targets[0]",
    "stages[1].train.targets[1]",
    "probes.separationLayers[1]",
    "maxTokens",
    "evaluate.maxNewTokens",
  ]);
});
