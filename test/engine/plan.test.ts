import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { loadComparison, planComparison } from "../../src/engine/abilities/plan.ts";
import {
  type ComparisonInput,
  comparisonJsonSchema,
  comparisonSchema,
} from "../../src/protocol/comparison.ts";
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
      seed: 5,
      stages: [
        { type: "contrastive", steps: 3 },
        { type: "supervised", steps: 7 },
      ],
    }),
  );
});

const place = () => join(folder, "c.comparison.json");
const plan = (own: Partial<ComparisonInput> = {}, set: string[] = []) =>
  planComparison(comparisonSchema.parse({ name: "c", recipe: "sub/r.discern.json", ...own }), place(), set);
const names = async (...args: Parameters<typeof plan>) => (await plan(...args)).cells.map(({ name }) => name);

describe("the cells of a comparison", () => {
  test("are the untrained model, safety tuning alone and contrast before it, where nothing else is said", async () => {
    const { cells, root } = await plan();
    expect(cells.map(({ name, method, seed }) => [name, method, seed])).toEqual([
      ["untrained-0", "untrained", 0],
      ["stl-5", "STL", 5],
      ["dcr-stl-5", "DCR → STL", 5],
    ]);
    expect(cells.map(({ recipe }) => recipe.stages.map(({ type }) => type))).toEqual([
      [],
      ["supervised"],
      ["contrastive", "supervised"],
    ]);
    expect(cells.map(({ recipe }) => [recipe.name, recipe.evaluate.before])).toEqual([
      ["c-untrained", false],
      ["c-stl", false],
      ["c-dcr-stl", false],
    ]);
    expect(root).toBe(join(folder, "sub"));
  });

  test("come seed by seed; the untrained model, which has no seed, is asked once", async () => {
    expect(await names({ seeds: [0, 1] })).toEqual([
      "untrained-0",
      "stl-0",
      "dcr-stl-0",
      "stl-1",
      "dcr-stl-1",
    ]);
  });

  test("are those of every change; what no change touches is one cell, called after its method alone", async () => {
    const changes = [2, 4].map((steps) => ({ name: `${steps} steps`, set: { "stages.0.steps": steps } }));
    const { cells } = await plan({ changes });
    expect(cells.map(({ name, method }) => [name, method])).toEqual([
      ["untrained-0", "untrained"],
      ["stl-5", "STL"],
      ["2-steps-dcr-stl-5", "DCR → STL, 2 steps"],
      ["4-steps-dcr-stl-5", "DCR → STL, 4 steps"],
    ]);
    const steps = cells.map(({ recipe }) => recipe.stages.map((stage) => stage.steps));
    expect(steps).toEqual([[], [7], [2, 7], [4, 7]]);
  });

  test("are changed by the comparison, then by the change, then by the method, then by who runs it", async () => {
    const own: Partial<ComparisonInput> = {
      set: { maxTokens: 10, "probes.every": 1, "checkpoint.every": 1, "evaluate.maxNewTokens": 1 },
      changes: [{ name: "x", set: { "probes.every": 2, "checkpoint.every": 2, "evaluate.maxNewTokens": 2 } }],
      methods: [{ name: "m", set: { "checkpoint.every": 3, "evaluate.maxNewTokens": 3 } }],
    };
    const [cell] = (await plan(own, ["evaluate.maxNewTokens=4"])).cells;
    const { maxTokens, probes, checkpoint, evaluate } = cell!.recipe;
    expect([maxTokens, probes.every, checkpoint.every, evaluate.maxNewTokens]).toEqual([10, 1 + 1, 3, 4]);
  });

  test("are known by what they compute and not by what they are called", async () => {
    const ids = async (own: Partial<ComparisonInput> = {}) => (await plan(own)).cells.map(({ id }) => id);
    const first = await ids();
    expect(new Set(first).size).toBe(3);
    expect(await ids({ name: "other", methods: [{ name: "all" }] })).toEqual([first[2]]);
    expect(await ids({ set: { "evaluate.maxNewTokens": 9 } })).not.toContain(first[0]);
    expect((await ids({ seeds: [6] }))[0]).toBe(first[0]);
    expect((await ids({ seeds: [6] }))[1]).not.toBe(first[1]);
  });

  test("are made of a recipe in the file itself, or of a preset", async () => {
    const recipe = { name: "own", model: "m", stages: [{ type: "supervised", steps: 2 }] };
    const own = await plan({ recipe, methods: [{ name: "STL" }] });
    expect([own.root, own.cells[0]!.recipe.stages]).toMatchObject([folder, [{ steps: 2 }]]);
    const preset = await plan({ recipe: "preset:default", set: { model: "m" }, methods: [{ name: "STL" }] });
    expect([preset.root, preset.cells[0]!.recipe.model.base]).toEqual([process.cwd(), "m"]);
  });

  test.each<[string, Partial<ComparisonInput>, RegExp]>([
    ["a recipe that is not there", { recipe: "no.json" }, /no\.json cannot be read/],
    ["a change of an unknown key", { set: { "stages.0.stepz": 1 } }, /\(untrained\).*stepz: Unknown key/],
    ["a fault in one method", { methods: [{ name: "M", set: { seed: -1 } }] }, /\(M\).*seed: Found -1/],
    [
      "stages that the recipe does not have",
      {
        set: { stages: [{ type: "supervised", steps: 1 }] },
        methods: [{ name: "D", stages: ["contrastive"] }],
      },
      /has no contrastive stage to keep/,
    ],
    [
      "a prompt file that is not there",
      { set: { "data.general": [{ file: "no.csv" }] } },
      /no prompt file .*no\.csv/,
    ],
    [
      "names of one folder",
      {
        changes: [{ name: "a-b", set: { maxTokens: 9 } }, { name: "a" }],
        methods: [{ name: "c" }, { name: "b-c" }],
      },
      /two cells would have the folder a-b-c-5/,
    ],
  ])("cannot be planned with %s", async (_, own, message) => {
    await expect(plan(own)).rejects.toThrow(message);
  });
});

describe("a comparison file", () => {
  const load = async (text: string) => {
    await writeFile(place(), text);
    return loadComparison(place());
  };

  test("states its defaults", async () => {
    expect(await load('{ "name": "c", "recipe": "r.discern.json" }')).toEqual({
      name: "c",
      recipe: "r.discern.json",
      set: {},
      methods: [
        { name: "untrained", stages: [], set: {} },
        { name: "STL", stages: ["supervised"], set: {} },
        { name: "DCR → STL", set: {} },
      ],
    });
  });

  test.each([
    ["no JSON", '{\n"name" 1}', /:2:8: Not JSON: colon expected\./],
    [
      "a misspelt key",
      '{"name":"c","recipe":"r",\n"seed":[1]}',
      /:2:1: seed: Unknown key, did you mean "seeds"\?/,
    ],
    [
      "a name that cannot be a folder's",
      '{"name":"a/b","recipe":"r"}',
      /name: Found "a\/b", letters, digits/,
    ],
    [
      "two methods of one name",
      '{"name":"c","recipe":"r","methods":[{"name":"STL"},{"name":"stl"}]}',
      /methods\[1\]: Found .*, the same as methods\[0\]/,
    ],
    ["a seed given twice", '{"name":"c","recipe":"r","seeds":[1,1]}', /seeds\[1\]: Found 1, the same as/],
    [
      "a stage of no kind",
      '{"name":"c","recipe":"r","methods":[{"name":"a","stages":["dpo"]}]}',
      /Found "dpo", allowed: contr/,
    ],
    ["a list", "[]", /the comparison: Found \[\], expected object/],
  ])("points at %s", async (_, text, message) => {
    await expect(load(text)).rejects.toThrow(message);
  });

  test("that is not there is said so", async () => {
    await expect(loadComparison(place())).rejects.toMatchObject({ code: "file-missing" });
  });

  test("is completed by an editor, with the recipe in it", () => {
    const { properties } = comparisonJsonSchema() as {
      properties: Record<string, { anyOf?: { properties?: object; required?: string[] }[] }>;
    };
    expect(Object.keys(properties)).toEqual([
      "$schema",
      "name",
      "recipe",
      "set",
      "openings",
      "methods",
      "seeds",
      "changes",
    ]);
    const recipe = properties.recipe!.anyOf![1]!;
    expect(Object.keys(recipe.properties!)).toContain("stages");
    expect(recipe.required).toEqual([]);
  });
});
