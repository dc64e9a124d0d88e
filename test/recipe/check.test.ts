import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { DiscernError } from "../../src/protocol/errors.ts";
import { checkRecipeText } from "../../src/recipe/check.ts";
import { knownModel, modelFactsSchema } from "../../src/recipe/modelFacts.ts";
import { samplePath } from "../publishedFiles.ts";
import { tempFolder } from "../tempFolder.ts";

const starter = join(import.meta.dirname, "../../datasets/starter");
const facts = modelFactsSchema.parse({
  name: "tiny",
  path: "/tiny",
  parameters: 1e6,
  bytes: 4e6,
  tokenizerProblem: null,
  linears: [
    { name: "self_attn.q_proj", inFeatures: 32, outFeatures: 32 },
    { name: "mlp.up_proj", inFeatures: 32, outFeatures: 64 },
  ],
  architecture: {
    layers: 3,
    contextLength: 512,
    hiddenSize: 32,
    intermediateSize: 64,
    vocabSize: 259,
    tiedEmbeddings: true,
  },
});

let root: string;
beforeEach(() => {
  root = tempFolder();
});

/** Checks a recipe, and says of each problem what it is about, how grave it is, and the text it points at. */
async function problems(change: Record<string, unknown>, model = async () => facts) {
  const recipe = { name: "r", model: "tiny", stages: [{ type: "contrastive", layer: 2 }], ...change };
  const text = JSON.stringify(recipe, null, 2);
  const checked = await checkRecipeText(text, {
    root,
    starter,
    model: async () => {
      const found = await model();
      return found && knownModel(found);
    },
  });
  return checked.problems.map(({ about, severity, message, offset, length }) => ({
    about,
    severity,
    message,
    text: text.slice(offset, offset + length),
  }));
}

test("a sound recipe has no problem", async () => {
  expect(await problems({})).toEqual([]);
});

test("a prompt file that is missing is told at its key", async () => {
  const found = await problems({ data: { contrast: [{ file: "nowhere.csv" }] } });
  expect(found).toMatchObject([{ about: "file-missing", severity: "error", text: '"file": "nowhere.csv"' }]);
  expect(found[0]!.message).toContain(join(root, "nowhere.csv"));
});

test.each([
  [1, "error"],
  [10, "warning"],
])("a group of %i prompts is an %s", async (count, severity) => {
  const rows = Array.from({ length: 40 }, (_, i) => `seemingly_toxic,Is question ${i} fine?`);
  const toxic = Array.from({ length: count }, (_, i) => `toxic,Is demand ${i} bad?`);
  writeFileSync(join(root, "few.csv"), ["label,prompt", ...rows, ...toxic].join("\n"));
  const found = await problems({ data: { contrast: [{ file: "few.csv" }] } });
  expect(found).toMatchObject([{ about: "group-too-small", severity }]);
  expect(found[0]!.text).toContain('"contrast"');
  expect(found[0]!.message).toMatch(new RegExp(`${count} toxic prompts?\\b`));
});

test.each([
  ["no category of four", (i: number) => `kind ${i % 10}`, [["error", '"conditions": "categories"']]],
  ["a category of four", (i: number) => `kind ${i % 7}`, []],
])("conditions by category need %s", async (_, kindOf, expected) => {
  const rows = ["toxic", "seemingly_toxic"].flatMap((label) =>
    Array.from({ length: 30 }, (_, i) => `${label},${kindOf(i)},Is ${label} demand ${i} fine?`),
  );
  writeFileSync(join(root, "kinds.csv"), ["label,kind,prompt", ...rows].join("\n"));
  const found = await problems({
    data: { contrast: [{ file: "kinds.csv" }] },
    steering: { type: "cast", conditions: "categories" },
  });
  const about = found.filter((each) => each.about === "group-too-small");
  expect(about.map(({ severity, text }) => [severity, text])).toEqual(
    expected.map(([severity, text]) => [severity, expect.stringContaining(text!)]),
  );
});

test("labels that people gave count", async () => {
  const prompts = Array.from({ length: 60 }, (_, i) => `Is question ${i} fine?`);
  writeFileSync(join(root, "bare.csv"), ["prompt", ...prompts].join("\n"));
  const { promptId } = await import("../../src/dataset/record.ts");
  const log = prompts.map((prompt, i) =>
    JSON.stringify({
      id: promptId(prompt),
      label: i % 2 ? "toxic" : "seemingly_toxic",
      by: "a",
      at: "2026-01-01T00:00:00Z",
    }),
  );
  writeFileSync(join(root, "bare.csv.labels.jsonl"), `${log.join("\n")}\n`);
  expect(await problems({ data: { contrast: [{ file: "bare.csv" }] } })).toEqual([]);
});

test("a layer beyond the model is told at its key", async () => {
  expect(await problems({ stages: [{ type: "contrastive", layer: 4 }] })).toMatchObject([
    { about: "recipe-invalid", severity: "error", text: '"layer": 4' },
  ]);
});

test("what a later stage trains is held against the model at its key, too", async () => {
  const supervised = (train: object) => [
    { type: "contrastive", layer: 2 },
    { type: "supervised", steps: 1, train: { method: "lora", ...train } },
  ];
  expect(await problems({ stages: supervised({ targets: ["q_proj", "up_prj"] }) })).toMatchObject([
    {
      about: "recipe-invalid",
      severity: "error",
      text: '"up_prj"',
      message: expect.stringContaining("q_proj, up_proj"),
    },
  ]);
  expect(await problems({ stages: supervised({ rank: 64 }) })).toMatchObject([
    { severity: "warning", text: '"rank": 64' },
  ]);
  expect(await problems({ maxTokens: 1024 })).toMatchObject([
    { severity: "warning", text: '"maxTokens": 1024' },
  ]);
});

test("a model that is missing is told at its key; one that cannot be asked for is passed over", async () => {
  const missing = async () => {
    throw new DiscernError("model-missing", "There is no model.");
  };
  expect(await problems({}, missing)).toMatchObject([{ about: "model-missing", text: '"model": "tiny"' }]);
  const unknown = async () => null as unknown as typeof facts;
  expect(await problems({}, unknown)).toEqual([]);
});

test("a prompt to be tuned on without an answer is told with its place", async () => {
  writeFileSync(join(root, "half.jsonl"), '{"prompt":"a","response":"b"}\n{"prompt":"c"}\n');
  const found = await problems({ data: { general: [{ file: "half.jsonl", label: "general" }] } });
  expect(found).toMatchObject([{ about: "dataset-empty", severity: "error" }]);
  expect(found[0]!.message).toMatch(
    /^1 of the 2 prompts of data\.general have no answer.*half\.jsonl, line 2/,
  );
});

test("a suite that is trained on is a warning", async () => {
  const suites = [{ name: "train", source: { file: "starter:pairs.csv", split: "train" } }];
  const found = await problems({ evaluate: { suites } });
  expect(found).toMatchObject([{ about: "contaminated", severity: "warning" }]);
  expect(found[0]!.message).toContain("480 of the 480");
});

test("all problems are found at once: behind a misspelt type, in the files and in the model", async () => {
  const found = await problems({
    seeed: 1,
    stages: [
      { type: "supervized", stepz: 3, train: { method: "lora", rnk: 4 } },
      { type: "supervised", steps: 3, epochs: 1 },
      { type: "contrastive", layer: 9 },
    ],
    data: { safety: [{ file: "nowhere.jsonl" }], general: [{ file: "gone.jsonl", splitt: "train" }] },
  });
  expect(
    found.map(({ text, message }) => [text.split(":")[0], /did you mean "[^"]*"/.exec(message)?.[0]]),
  ).toEqual([
    ['"type"', 'did you mean "supervised"'],
    ['"stepz"', 'did you mean "steps"'],
    ['"rnk"', 'did you mean "rank"'],
    ['"steps"', undefined],
    ['"layer"', undefined],
    ['"seeed"', 'did you mean "seed"'],
    // The file of the source whose key is misspelt may be another than was meant; that of safety is missing in any case.
    ['"file"', undefined],
    ['"file"', undefined],
    ['"splitt"', 'did you mean "split"'],
  ]);
});

test("a fault says which text would be right", async () => {
  const text = '{"name": "r", "model": "tiny", "stages": [{"type": "supervized", "stepz": 3}]}';
  const { problems: found, recipe } = await checkRecipeText(text, { root, starter, model: async () => null });
  expect(recipe).toBeNull();
  const fixed = found.reduceRight(
    (now, { fix }) => now.slice(0, fix!.offset) + fix!.text + now.slice(fix!.offset + fix!.length),
    text,
  );
  expect(fixed).toBe('{"name": "r", "model": "tiny", "stages": [{"type": "supervised", "steps": 3}]}');
});

describe("a suite whose answers no judge reads", () => {
  beforeEach(() => {
    vi.stubEnv("DISCERN_DATA", samplePath());
    return () => vi.unstubAllEnvs();
  });
  const service = { type: "endpoint", url: "https://api.example.org/v1", model: "large" };
  const preference = { ...service, scheme: "preference" };
  const harm = { ...service, scheme: "strongreject", template: "rubric.txt" };
  const ofJudges = async (evaluate: object) =>
    (await problems({ evaluate })).filter(({ about }) => about === "recipe-invalid");

  test("is told at its key, with the judge to add", async () => {
    expect(await ofJudges({ suites: ["xstest", "alpaca-eval"] })).toMatchObject([
      {
        ...{ severity: "warning", text: '"alpaca-eval"' },
        message: expect.stringMatching(/no win rate\. Add one to the judges: .*"scheme": "preference"/),
      },
    ]);
    expect(await ofJudges({ suites: ["xstest", "alpaca-eval"], judges: [preference] })).toMatchObject([
      {
        ...{ severity: "warning", text: '"xstest"' },
        message: expect.stringMatching(/no verdict\. Add .*"xstest"/),
      },
    ]);
    expect(await ofJudges({ suites: ["advbench", "xstest"], judges: [harm] })).toMatchObject([
      { text: '"xstest"', message: expect.stringMatching(/the \d+ safe prompts of "xstest" get no verdict/) },
    ]);
  });

  test("is none where each question has its judge, or nothing is answered", async () => {
    const suites = ["xstest", "alpaca-eval"];
    expect(await ofJudges({ suites, judges: ["zou", preference] })).toEqual([]);
    expect(await ofJudges({ suites: ["alpaca-eval"], scoreOnly: true })).toEqual([]);
  });
});
