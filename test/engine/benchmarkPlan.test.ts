import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { loadBenchmark, planBenchmark } from "../../src/engine/abilities/plan.ts";
import { type BenchmarkInput, benchmarkJsonSchema, benchmarkSchema } from "../../src/protocol/benchmark.ts";
import { tempFolder } from "../tempFolder.ts";

let folder: string;
beforeEach(async () => {
  folder = tempFolder();
  await mkdir(join(folder, "sub"));
  await writeFile(
    join(folder, "sub/r.discern.json"),
    JSON.stringify({
      name: "r",
      model: "m",
      stages: [
        { type: "contrastive", steps: 3 },
        { type: "supervised", steps: 7 },
      ],
    }),
  );
});

const place = () => join(folder, "b.benchmark.json");
const starter = (name: string, split: string, limit = 8) => ({
  name,
  source: { file: "starter:pairs.csv", split, limit },
});
const input = (own: Partial<BenchmarkInput> = {}): BenchmarkInput => ({
  name: "b",
  recipe: "sub/r.discern.json",
  suites: [starter("test", "test")],
  ...own,
});
const plan = (own: Partial<BenchmarkInput> = {}, set: string[] = []) =>
  planBenchmark(benchmarkSchema.parse(input(own)), place(), set);
const STL: NonNullable<BenchmarkInput["methods"]>[number] = { name: "STL", stages: ["supervised"] };
const tuning = { trials: 2, suites: [starter("validation", "panel")] };

describe("the cells of a benchmark", () => {
  test("share one run per seed with all methods that are on it, wherever they stand in the file", async () => {
    const { cells, benchmark } = await plan({
      seeds: [3, 4],
      methods: [
        { name: "more", on: "STL", stages: ["supervised"] },
        { name: "as it is", on: "STL" },
        { name: "untrained", stages: [] },
        STL,
      ],
    });
    expect(cells.map(({ name, needs, base }) => [name, needs, base])).toEqual([
      ["stl-3", [], undefined],
      ["more-3", ["stl-3"], "stl-3"],
      ["as-it-is-3", ["stl-3"], "stl-3"],
      ["untrained-0", [], undefined],
      ["stl-4", [], undefined],
      ["more-4", ["stl-4"], "stl-4"],
      ["as-it-is-4", ["stl-4"], "stl-4"],
    ]);
    expect(cells.map(({ recipe }) => recipe.stages.length)).toEqual([1, 1, 0, 0, 1, 1, 0]);
    // The report has the order of the file.
    expect(benchmark).toMatchObject({
      methods: ["more", "as it is", "untrained", "STL"],
      reference: "STL",
      margins: { safety: 0.03, capability: 0.02 },
      missing: [],
    });
  });

  test("have the benchmark's suites and judges, whatever the recipe says", async () => {
    const { cells } = await plan({ judges: ["zou"] });
    for (const { recipe } of cells) {
      expect(recipe.evaluate).toMatchObject({ suites: [{ name: "test" }], judges: ["zou"], before: false });
    }
  });

  test("are tuned by trials with the first seed on the validation suites, which the rows of every seed need", async () => {
    const { cells, benchmark } = await plan({
      seeds: [3, 4],
      methods: [
        { ...STL, tune: { "stages.1.steps": [5, 6] } },
        { name: "more", on: "STL", stages: ["supervised"], tune: { "stages.1.steps": [1, 2] } },
      ],
      tuning,
    });
    expect(cells.map(({ name, needs }) => [name, needs])).toEqual([
      ["stl-trial-1", []],
      ["stl-trial-2", []],
      ["stl-3", ["stl-trial-1", "stl-trial-2"]],
      ["more-trial-1", ["stl-3"]],
      ["more-trial-2", ["stl-3"]],
      ["more-3", ["stl-3", "more-trial-1", "more-trial-2"]],
      ["stl-4", ["stl-trial-1", "stl-trial-2"]],
      ["more-4", ["stl-4", "more-trial-1", "more-trial-2"]],
    ]);
    const trials = cells.filter(({ trial }) => trial);
    expect(trials.map(({ seed, recipe }) => [seed, recipe.seed, recipe.evaluate.suites[0]!.name])).toEqual(
      trials.map(() => [3, 3, "validation"]),
    );
    expect(trials.map(({ trial, recipe }) => [trial!.settings, recipe.stages[0]!.steps])).toEqual([
      [{ "stages.1.steps": 5 }, 5],
      [{ "stages.1.steps": 6 }, 6],
      [{ "stages.1.steps": 1 }, 1],
      [{ "stages.1.steps": 2 }, 2],
    ]);
    expect(cells[2]!.tuned).toEqual({ trials: ["stl-trial-1", "stl-trial-2"], measure: "refusal_gap" });
    expect(benchmark!.tuning).toEqual({ trials: 2, measure: "refusal_gap", suites: ["validation"] });
  });

  test("of tuning are as many as the budget, drawn from the combinations, the same each time", async () => {
    const tune = { "stages.1.steps": [1, 2, 3], "stages.1.batchSize": [4, 8] };
    const tried = async () =>
      (await plan({ methods: [{ ...STL, tune }], tuning: { ...tuning, trials: 4 } })).cells.flatMap(
        ({ trial }) => (trial ? [trial.settings] : []),
      );
    const first = await tried();
    expect(first).toHaveLength(4);
    expect(new Set(first.map((settings) => JSON.stringify(settings))).size).toBe(4);
    expect(await tried()).toEqual(first);
  });

  test("are known by what they compute, that of the cells they need included", async () => {
    const methods = [STL, { name: "on", on: "STL" }];
    const ids = async (own: Partial<BenchmarkInput>) =>
      Object.fromEntries((await plan({ methods, ...own })).cells.map(({ name, id }) => [name, id]));
    const first = await ids({});
    expect(await ids({ name: "other" })).toEqual(first);
    const longer = await ids({ set: { "stages.1.steps": 9 } });
    expect(longer["stl-0"]).not.toBe(first["stl-0"]);
    expect(longer["on-0"]).not.toBe(first["on-0"]);
    const tuned = { ...STL, tune: { "stages.1.steps": [5, 6] } };
    expect((await ids({ methods: [tuned, methods[1]!], tuning }))["on-0"]).not.toBe(first["on-0"]);
    // A cell without needs has the id that it would have in a comparison.
    expect((await ids({ methods: [STL] }))["stl-0"]).toBe(first["stl-0"]);
  });

  test("do without suites that cannot be had, which the plan names; without any there is no plan", async () => {
    const gone = { name: "gone", source: { file: "gone.csv" } };
    const { cells, benchmark } = await plan({ suites: [gone, starter("test", "test")] });
    expect(cells[0]!.recipe.evaluate.suites.map(({ name }) => name)).toEqual(["test"]);
    expect(benchmark!.missing).toEqual([
      { suite: "gone", reason: expect.stringMatching(/no prompt file .*gone\.csv/) },
    ]);
    await expect(plan({ suites: [gone] })).rejects.toThrow(/none of the suites can be had[\s\S]*gone\.csv/);
  });

  test("are not planned where a prompt is chosen by and tested on", async () => {
    const tuned = { methods: [{ ...STL, tune: { "stages.1.steps": [5, 6] } }] };
    const shared = { trials: 2, suites: [starter("validation", "test", 4)] };
    await expect(plan({ ...tuned, tuning: shared })).rejects.toThrow(
      /tuning\.suites\[0\] \(validation\): 4 of its 4 prompts are in the test suite test/,
    );
    await expect(plan({ ...tuned, tuning })).resolves.toBeDefined();
  });
});

describe("a benchmark file", () => {
  const load = async (own: object) => {
    await writeFile(place(), JSON.stringify({ ...input(), ...own }));
    return loadBenchmark(place());
  };
  const tuned = { ...STL, tune: { "stages.1.steps": [1, 2] } };

  test.each<[string, object, RegExp]>([
    ["a reference that is no method", { reference: "no" }, /: reference: Found "no", no method is called so/],
    [
      "a method on one that is not there",
      { methods: [STL, { name: "a", on: "b" }] },
      /methods\[1\]\.on: Found "b", no method is called so; there are: STL, a/,
    ],
    [
      "methods on each other",
      { methods: [STL, { name: "a", on: "b", stages: ["supervised"] }, { name: "b", on: "a" }] },
      /methods\[1\]\.on: .*in a circle/,
    ],
    [
      "a method on one that trains nothing",
      { methods: [STL, { name: "u", stages: [] }, { name: "a", on: "u" }] },
      /methods\[2\]\.on: .*"u" trains nothing/,
    ],
    [
      "a method on one that steers",
      { methods: [STL, { name: "s", on: "STL", steering: { type: "surgical" } }, { name: "a", on: "s" }] },
      /methods\[2\]\.on: .*"s" steers answers/,
    ],
    ["settings without a budget", { methods: [tuned] }, /methods\[0\]\.tune: .*tried only where/],
    ["a budget without settings", { tuning }, /: tuning: .*no method has settings to try/],
    [
      "fewer combinations than trials",
      { methods: [tuned], tuning: { ...tuning, trials: 3 } },
      /methods\[0\]\.tune: .*has 2 combinations, but every method gets 3 trials/,
    ],
    [
      "a setting that is the same for all",
      { methods: [{ ...STL, tune: { "evaluate.maxNewTokens": [1, 2] } }], tuning },
      /methods\[0\]\.tune\.evaluate\.maxNewTokens: .*cannot be tuned/,
    ],
    [
      "a change of one method that is the same for all",
      { methods: [{ ...STL, set: { "evaluate.judges": ["zou"] } }] },
      /methods\[0\]\.set\.evaluate\.judges: .*the same for every method/,
    ],
    [
      "a change of what the benchmark states",
      { set: { seed: 1 } },
      /set\.seed: Found 1, is stated by the benchmark's own seeds/,
    ],
    ["a misspelt key", { sutes: [] }, /sutes: Unknown key, did you mean "suites"\?/],
  ])("points at %s", async (_, own, message) => {
    await expect(load(own)).rejects.toThrow(message);
  });

  test("is completed by an editor, with the recipe in it", () => {
    const { properties, required } = benchmarkJsonSchema() as {
      properties: Record<string, { anyOf?: { properties?: object }[] }>;
      required: string[];
    };
    expect(required).toEqual(["name", "recipe", "suites"]);
    expect(Object.keys(properties.recipe!.anyOf![1]!.properties!)).toContain("stages");
  });
});
