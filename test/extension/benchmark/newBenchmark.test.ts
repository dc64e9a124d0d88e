import { expect, test } from "vitest";
import { schemes } from "../../../src/engine/evaluate/judges/endpoint/schemes.ts";
import { namedJudges, stringJudges } from "../../../src/engine/evaluate/judges/judges.ts";
import {
  controlChoices,
  judgeChoices,
  keyFault,
  methodChoices,
  newBenchmark,
  ownSuite,
  presetChoices,
  schemeChoices,
  seedsOf,
  suiteChoice,
  urlFault,
} from "../../../src/extension/benchmark/newBenchmark.ts";
import { budgets, trainedMethods, tunedMethods } from "../../../src/extension/benchmark/trainedMethods.ts";
import { benchmarkSchema, benchmarkSuffix, candidates } from "../../../src/protocol/benchmark.ts";
import { judgesSchema, schemeQuestion } from "../../../src/protocol/judges.ts";
import { steeringSchema } from "../../../src/protocol/steering.ts";
import { sweepSuffix } from "../../../src/protocol/sweep.ts";
import { benchmarkPresets } from "../../../src/recipe/benchmarkPresets.ts";
import { changedRecipe } from "../../../src/recipe/loadRecipe.ts";
import { parseRecipe } from "../../../src/recipe/recipeFile.ts";
import { sweepPresets } from "../../../src/recipe/sweepPresets.ts";
import { knownSuites } from "../../../src/suites/registry.ts";

const endpoint = { type: "endpoint", url: "https://api.example.org/v1", model: "large" } as const;

/** A recipe with a stage of each kind, safety tuning not being the first of them. */
const text = JSON.stringify({
  ...{ name: "r", model: "smollm2-135m" },
  data: { helpful: [{ file: "starter:pairs.csv", labels: ["seemingly_toxic"] }] },
  stages: [
    { type: "contrastive", steps: 10, layer: 12 },
    { type: "supervised", steps: 10, optimiser: { learningRate: 4e-4 } },
    { type: "preference", steps: 10 },
  ],
});
const recipe = parseRecipe(text, "r.discern.json");
const offered = methodChoices(recipe);
const choices = {
  ...{ name: "small", recipe: "r.discern.json", seeds: [0, 1], judges: ["xstest"], trials: null },
  methods: offered.filter(({ picked }) => picked).map(({ method }) => method),
  suites: ["xstest"],
  controls: [],
};

test("what a person chose is a benchmark, with STL as its reference where it is compared", () => {
  const parsed = benchmarkSchema.parse(newBenchmark(choices));
  expect(parsed.methods.map(({ name }) => name)).toEqual(["untrained", "STL", "DCR → STL"]);
  expect([parsed.reference, parsed.seeds, parsed.suites.map(({ name }) => name)]).toEqual([
    ...["STL", [0, 1], ["xstest"]],
  ]);
  const without = newBenchmark({ ...choices, methods: choices.methods.filter(({ name }) => name !== "STL") });
  expect(benchmarkSchema.parse(without).reference).toBe("DCR → STL");
});

test("every inference-time method is offered on STL, with the one it is on", () => {
  const all = newBenchmark({ ...choices, methods: offered.map(({ method }) => method) });
  const { methods } = benchmarkSchema.parse(all);
  const types = methods.flatMap(({ steering }) => (steering ? [steering.type] : []));
  expect(types).toEqual(steeringSchema.options.map(({ shape }) => shape.type.value));
  expect(methods.filter(({ steering }) => steering).every(({ on }) => on === "STL")).toBe(true);
});

test("every inference-time method has its controls, each behind it, on a suite of safe and unsafe prompts", () => {
  const methods = offered.map(({ method }) => method);
  const controls = controlChoices(methods);
  expect(controls.every(({ picked, about }) => picked && about !== "")).toBe(true);
  const written = newBenchmark({
    ...{ ...choices, suites: ["advbench", "mmlu", { suite: "xstest", name: "XSTest" }] },
    ...{ methods: tunedMethods(methods, recipe, 2), trials: 2 },
    controls: controls.map(({ method }) => method),
  });
  const parsed = benchmarkSchema.parse(written);
  const types = parsed.methods.flatMap(({ controlOf, control }, i) => {
    if (controlOf === undefined) return [];
    expect(parsed.methods.slice(0, i).map(({ name }) => name)).toContain(controlOf);
    expect(control).toMatchObject({ draws: 10, suites: ["XSTest"] });
    return [`${controlOf}: ${control!.type}`];
  });
  expect(types).toEqual([
    ...[
      "STL + refusal-ablation: random",
      "STL + refusal-ablation: matched",
      "STL + refusal-addition: random",
    ],
    ...["STL + surgical: random", "STL + surgical: matched", "STL + scans: random", "STL + cast: random"],
    "STL + alphasteer: random",
  ]);
  expect(controlChoices(choices.methods)).toEqual([]);
  const [first] = controls;
  const harm = newBenchmark({
    ...{ ...choices, suites: ["advbench"], methods: methods.filter(({ name }) => name !== "STL") },
    controls: [first!.method],
  });
  // Without such a suite the draws answer all, and a control is no reference.
  expect(harm.methods!.find(({ controlOf }) => controlOf)!.control).toEqual({ draws: 10 });
  expect(harm.reference).toBe("STL + alphasteer");
});

test("every preset of a benchmark or sweep is offered whole, with its size", () => {
  expect(presetChoices.map(({ label }) => label)).toEqual(
    Object.keys({ ...benchmarkPresets, ...sweepPresets }).map((key) => `preset:${key}`),
  );
  for (const { description, value, suffix } of presetChoices) {
    if (suffix !== benchmarkSuffix) {
      expect(description).toMatch(/^sweep of \d+ trials · smollm2-135m$/);
      expect(suffix).toBe(sweepSuffix);
      continue;
    }
    const { methods, suites } = benchmarkSchema.parse(value);
    expect(description).toContain(`${methods.length} methods · ${suites.length} suites`);
  }
});

test("every judge that needs no model is offered, then those with a model, as the engine takes them", () => {
  const rules = judgeChoices.filter(({ hasModel }) => !hasModel);
  expect(rules.map(({ label }) => label).sort()).toEqual(stringJudges.map(({ id }) => id).sort());
  const models = judgeChoices.flatMap(({ hasModel, judge }) => (hasModel && judge !== null ? [judge] : []));
  const parsed = judgesSchema.parse([...models, { ...endpoint, scheme: schemeChoices[2]!.scheme }]);
  expect(parsed.map((judge) => (typeof judge === "string" ? judge : judge.type))).toEqual([
    ...["protectai-rejection", "guard", "guard", "guard", "endpoint"],
  ]);
  expect(Object.keys(namedJudges)).toContain("protectai-rejection");
  expect(judgeChoices.filter(({ judge }) => judge === null)).toHaveLength(1);
  expect(schemeChoices.map(({ scheme }) => scheme).sort()).toEqual(Object.keys(schemes).sort());
  for (const { scheme, label, needsTemplate = false } of schemeChoices) {
    expect(label.toLowerCase().startsWith(schemeQuestion[scheme]), label).toBe(true);
    expect(needsTemplate, label).toBe(schemes[scheme].instruction === null);
  }
  expect([urlFault(endpoint.url), keyFault(""), keyFault("EXAMPLE_KEY")]).toEqual([null, null, null]);
  expect(urlFault("ftp://example.org")).toMatch(/base address/);
  expect(keyFault("sk-123-secret")).toMatch(/never the key itself/);
});

test("methods that train are offered where the recipe has their stages, each a recipe that can be run", () => {
  const trained = trainedMethods(recipe);
  expect(trained.map(({ method }) => method.name)).toEqual([
    ...["STL-aug", "DCR → STL-aug", "Trigger-aware", "STL, contrast kept on", "DPO"],
  ]);
  const changed = ({ set = {}, stages }: (typeof trained)[number]["method"]) =>
    changedRecipe(text, "r.discern.json", {
      set: Object.entries(set).map(([key, value]) => `${key}=${JSON.stringify(value)}`),
      stages,
    });
  const [aug, dcrAug, triggers, kept, dpo] = trained.map(({ method }) => changed(method));
  expect(aug!.stages).toMatchObject([{ type: "supervised", helpfulRatio: 0.25 }]);
  expect(aug!.data.helpful).toEqual(recipe.data.helpful);
  expect(dcrAug!.stages).toMatchObject([{ type: "contrastive" }, { helpfulRatio: 0.25 }]);
  expect(triggers!.stages).toMatchObject([{ triggers: true, helpfulRatio: 0 }]);
  expect(triggers!.data.triggers.type).toBe("model");
  expect(kept!.stages).toMatchObject([{ contrast: { layer: 12 } }]);
  expect(dpo!.stages).toMatchObject([{ type: "preference" }]);
  const bare = { ...recipe, stages: [recipe.stages[1]!], data: { ...recipe.data, helpful: [] } };
  const fewer = trainedMethods(bare);
  expect(fewer.map(({ method }) => method.name)).toEqual([
    "STL-aug",
    "Trigger-aware",
    "STL, contrast kept on",
  ]);
  expect(fewer[0]!.method.set).toMatchObject({
    "data.helpfulAnswers": { type: "given" },
    "stages.0.helpfulRatio": 0.25,
  });
  expect(trainedMethods({ ...recipe, stages: [] })).toEqual([]);
});

test.each(budgets)(
  "a budget of %i trials gives every method as many settings, on a validation suite",
  (trials) => {
    const methods = tunedMethods(
      offered.map(({ method }) => method),
      recipe,
      trials,
    );
    const parsed = benchmarkSchema.parse(newBenchmark({ ...choices, methods, trials }));
    expect(parsed.tuning).toMatchObject({ trials, suites: [{ name: "starter-panel" }] });
    for (const { name, tune } of parsed.methods) {
      if (name === "untrained") expect(tune).toBeUndefined();
      else expect(candidates(tune!), name).toBe(trials);
    }
    const rates = parsed.methods.find(({ name }) => name === "STL")!.tune!["stages.1.optimiser.learningRate"];
    expect(rates!.slice(0, 2)).toEqual([4e-4, 8e-4]);
    expect(parsed.methods.find(({ name }) => name === "DPO")!.tune).toHaveProperty([
      "stages.2.optimiser.learningRate",
    ]);
    const untrained = newBenchmark({ ...choices, methods: [offered[0]!.method], trials });
    expect(untrained.tuning).toBeUndefined();
  },
);

test("files of one's own are suites, by their labels or by what they declare", () => {
  const suites = ["xstest", ownSuite("data/my prompts.csv"), ownSuite("suites/mine.suite.json")];
  const parsed = benchmarkSchema.parse(newBenchmark({ ...choices, suites })).suites;
  expect(parsed).toMatchObject([
    { suite: "xstest" },
    { name: "my-prompts", source: { file: "data/my prompts.csv" } },
    { name: "mine", suite: "suites/mine.suite.json" },
  ]);
});

test("each method says what it is", () => {
  expect(offered.every(({ about }) => about !== "")).toBe(true);
});

test("a suite says where it lies, or what is missing and how it is had", () => {
  const declaration = knownSuites.find(({ id }) => id === "xstest")!;
  const [file] = declaration.files;
  const there = suiteChoice(
    { declaration, folder: null },
    { files: [{ file: file!, path: "/data/xstest.csv", place: "folder" }], missing: [] },
  );
  expect(there).toMatchObject({ isMissing: false, label: "XSTest (xstest)" });
  expect(there.description).toBe("250 safe, 200 unsafe · CC BY 4.0");
  expect(there.detail).toMatch(/^on this machine: \/data\/xstest\.csv · Safe prompts/);
  const missing = suiteChoice({ declaration, folder: null }, { files: [], missing: [file!] });
  expect(missing.isMissing).toBe(true);
  expect(missing.detail).toContain(`missing: get it with: discern suites fetch xstest (${file!.file})`);
  const gated = knownSuites.find((one) => one.access !== "open")!;
  const detail = suiteChoice({ declaration: gated, folder: null }, { files: [], missing: [...gated.files] });
  expect(detail.detail).toContain(`access is ${gated.access}`);
});

test.each<[string, number[] | null]>([
  ["0, 1, 2", [0, 1, 2]],
  ["0-3", [0, 1, 2, 3]],
  ["7 7", [7]],
  ["", null],
  ["one", null],
  ["3-1", null],
  ["1, x", null],
  ["0-1000000", null],
])("%j are the seeds %j", (text, seeds) => {
  expect(seedsOf(text)).toEqual(seeds);
});
