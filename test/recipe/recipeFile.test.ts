import { describe, expect, test } from "vitest";
import { DiscernError } from "../../src/protocol/errors.ts";
import { recipeJsonSchema, recipeSchema } from "../../src/protocol/recipe.ts";
import { presets } from "../../src/recipe/presets.ts";
import { checkRecipe, parseRecipe } from "../../src/recipe/recipeFile.ts";

const small = { name: "a", model: "m", stages: [{ type: "supervised", steps: 3 }] };

const suite = (name: string, file: string) => ({ name, source: { file } });

function fault(recipe: unknown): string {
  try {
    parseRecipe(typeof recipe === "string" ? recipe : JSON.stringify(recipe, null, 2), "r.json");
  } catch (error) {
    expect(error).toBeInstanceOf(DiscernError);
    expect((error as DiscernError).code).toBe("recipe-invalid");
    return (error as DiscernError).message;
  }
  throw new Error("the recipe was accepted");
}

describe("parseRecipe", () => {
  test("states every default, and reads its own result as the same recipe", () => {
    const recipe = checkRecipe(small);
    expect(recipe.stages[0]).toMatchObject({ batchSize: 8, train: { method: "lora", rank: 16 } });
    expect(recipe.data.panels.general).toMatchObject({ split: "panel" });
    expect(checkRecipe(recipe)).toEqual(recipe);
  });

  test.each([
    ["a comma too many", '{\n  "name": "a",,\n}', /^r\.json:2:15: /],
    ["an empty file", "", /^r\.json:1:1: /],
    [
      "a missing model",
      { ...small, model: undefined },
      /^r\.json:1:1: model: Missing: expected string; or expected object\.$/,
    ],
    ["a word for a number", { ...small, seed: "x" }, /seed: Found "x", expected number\.$/],
    [
      "a number that must be positive",
      { ...small, stages: [{ ...small.stages[0], optimiser: { learningRate: -5 } }] },
      /learningRate: Found -5, expected more than 0\.$/,
    ],
    [
      "a number beyond its limit",
      { ...small, evaluate: { sampling: { samples: 300 } } },
      /sampling\.samples: Found 300, expected at most 256\.$/,
    ],
    [
      "an empty list",
      { ...small, probes: { openings: [] } },
      /openings: Found \[\], expected at least 1 item\.$/,
    ],
    [
      "an unknown key",
      { ...small, seeed: 1 },
      /^r\.json:\d+:3: seeed: Unknown key, did you mean "seed"\? Allowed: .*\bseed\b/,
    ],
    [
      "an unknown key inside a union",
      { ...small, stages: [{ type: "supervised", steps: 1, train: { method: "lora", rnk: 2 } }] },
      /stages\[0\]\.train\.rnk: Unknown key, did you mean "rank"\? Allowed: method, rank, alpha, dropout, targets, layers\.$/,
    ],
    [
      "a key of another loss",
      { ...small, stages: [{ type: "contrastive", loss: { type: "supcon", margin: 0.3 } }] },
      /^r\.json:\d+:\d+: stages\[0\]\.loss\.margin: "supcon" has no such key; "circle" and "triplet" have it\. Allowed: type, temperature\.$/,
    ],
    [
      "a key of another loss than the one by default",
      { ...small, stages: [{ type: "contrastive", loss: { mining: "hard" } }] },
      /stages\[0\]\.loss\.mining: "circle" has no such key; "triplet" has it\. Allowed: type, form, margin, gamma\.$/,
    ],
    [
      "a key of another way to train",
      { ...small, stages: [{ type: "supervised", steps: 1, train: { method: "full", rank: 2 } }] },
      /stages\[0\]\.train\.rank: "full" has no such key; "lora" has it\. Allowed: method, layers, embeddings\.$/,
    ],
    [
      "an unknown loss",
      { ...small, stages: [{ type: "contrastive", loss: { type: "arcface" } }] },
      /loss\.type: Found "arcface", allowed: circle, infonce, ntxent, supcon, triplet[^"]*$/,
    ],
    [
      "an unknown stage",
      { ...small, stages: [{ type: "contrast" }] },
      /stages\[0\]\.type: Found "contrast", did you mean "contrastive"\? Allowed: contrastive, supervised, preference\.$/,
    ],
    [
      "steps and epochs",
      { ...small, stages: [{ type: "supervised", steps: 1, epochs: 1 }] },
      /stages\[0\]\.steps: Found 1, exactly one of "steps" and "epochs" must be given\.$/,
    ],
    [
      "a share of safety pairs of which the whole stage draws none",
      { ...small, stages: [{ type: "supervised", steps: 2, batchSize: 4, safetyRatio: 0.05 }] },
      /^r\.json:\d+:\d+: stages\[0\]\.safetyRatio: A share of 0\.05 draws no safety pair among the 8 pairs .* set it to 0\.$/,
    ],
    [
      "a share that leaves no general pair",
      { ...small, stages: [{ type: "supervised", steps: 2, batchSize: 4, safetyRatio: 0.95 }] },
      /stages\[0\]\.safetyRatio: A share of 0\.95 draws no general pair .* set it to 1\.$/,
    ],
    [
      "epochs of no general pairs",
      { ...small, stages: [{ type: "supervised", epochs: 1, safetyRatio: 1 }] },
      /stages\[0\]\.epochs: Found 1, an epoch is one pass over the general pairs/,
    ],
    [
      "a batch that has no halves",
      { ...small, stages: [{ type: "contrastive", sampler: { batch: 7 } }] },
      /stages\[0\]\.sampler\.batch: Found 7, .*multiple of 2/,
    ],
    [
      "a layer that is no layer",
      { ...small, stages: [{ type: "contrastive", layer: "last" }] },
      /layer: Found "last"/,
    ],
    [
      "a suite that has the name of another",
      { ...small, evaluate: { suites: [suite("a", "x.csv"), suite("b", "y.csv"), suite("A", "z.csv")] } },
      /^r\.json:\d+:\d+: evaluate\.suites\[2\]\.name: Found "A", suite 1 has this name, too/,
    ],
    [
      "a suite that is called as all together are",
      { ...small, evaluate: { suites: [suite("pooled", "x.csv")] } },
      /suites\[0\]\.name: Found "pooled", "pooled" names all suites/,
    ],
    ["stages that are not said", { name: "r", model: "m" }, /stages: Missing/],
    ["a list", [], /the recipe: Found \[\], expected object/],
  ])("points at %s", (_, recipe, message) => {
    expect(fault(recipe)).toMatch(message);
  });

  test.each([
    { steps: 3, batchSize: 4, safetyRatio: 0.05 },
    { steps: 1, batchSize: 4, accumulate: 3, safetyRatio: 0.05 },
    { steps: 1, batchSize: 1, safetyRatio: 0 },
    { steps: 1, safetyRatio: 1 },
    { epochs: 1, safetyRatio: 0.001 },
  ])("takes a share of safety pairs that the stage can hold: %j", (stage) => {
    expect(checkRecipe({ ...small, stages: [{ type: "supervised", ...stage }] }).stages).toHaveLength(1);
  });

  test.each(["before", "untrained"])(
    "takes the name %s: reports know the untrained model by what it is",
    (name) => {
      expect(checkRecipe({ ...small, name }).name).toBe(name);
    },
  );

  test("takes a recipe without stages, which evaluates a model as it is", () => {
    expect(checkRecipe({ ...small, stages: [] }).stages).toEqual([]);
  });

  test("reports every fault, one a line", () => {
    expect(fault({ ...small, seed: -1, device: "gpu", probes: { every: 0 } }).split("\n")).toHaveLength(3);
  });
});

test.each(Object.entries(presets))("the preset %s is a recipe once it has a model", (_, preset) => {
  expect(checkRecipe({ ...preset, model: "m" }).stages.map(({ type }) => type)).toEqual([
    "contrastive",
    "supervised",
  ]);
});

test("preset:paper is what is known of the authors' code", () => {
  const paper = checkRecipe({ ...presets.paper, model: "m" });
  const [contrast, tuning] = paper.stages;
  expect(contrast).toMatchObject({ train: { method: "full" }, retention: { type: "none" } });
  expect(tuning).toMatchObject({
    maskPrompt: false,
    train: { method: "lora", rank: 8, targets: ["q_proj", "k_proj", "v_proj"] },
  });
  expect(paper).toMatchObject({
    maxTokens: 1024,
    tooLong: "cut",
    chat: { thinking: false },
    evaluate: { maxNewTokens: 512 },
  });
  expect(paper.chat.system).toBeUndefined();
  for (const { inputJoin } of [...paper.data.general, ...paper.data.safety]) expect(inputJoin).toBe("line");
});

test("every key of the schema says what it means, and every optional one what it is by default", () => {
  const bare: string[] = [];
  const walk = (schema: Record<string, unknown>, path: string, isSource: boolean): void => {
    const properties = schema.properties as Record<string, Record<string, unknown>> | undefined;
    for (const [key, property] of Object.entries(properties ?? {})) {
      const source = isSource || /contrast|general|safety|toxic|source/i.test(key);
      if (property.description === undefined && !source) bare.push(`${path}.${key}`);
      walk(property, `${path}.${key}`, source);
    }
    for (const branch of [schema.anyOf, schema.oneOf].flat()) {
      if (branch) walk(branch as Record<string, unknown>, path, isSource);
    }
    if (schema.items) walk(schema.items as Record<string, unknown>, `${path}[]`, isSource);
  };
  walk(recipeJsonSchema(), "recipe", false);
  // A range of layers and a part of the optimiser may be shared: their description lies on the shared schema.
  expect(bare).toEqual([]);
});

test("the JSON schema needs only what has no default", () => {
  expect(recipeJsonSchema()).toMatchObject({ required: ["name", "model", "stages"] });
  expect(recipeSchema.safeParse(small).success).toBe(true);
});
