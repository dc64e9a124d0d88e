import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { promptId } from "../../src/dataset/record.ts";
import { planComparison } from "../../src/engine/abilities/plan.ts";
import { differentOpenings, statedOpenings } from "../../src/engine/evaluate/comparedOpenings.ts";
import { comparisonSchema } from "../../src/protocol/comparison.ts";
import {
  type OpeningsFile,
  openingsSentence,
  openingTexts,
  refusalOpenings,
} from "../../src/protocol/openings.ts";
import { checkRecipeText } from "../../src/recipe/check.ts";
import { loadRecipe } from "../../src/recipe/loadRecipe.ts";
import { measuredBy, openingsHash } from "../../src/recipe/openings.ts";
import { tempFolder } from "../tempFolder.ts";

const share = (value: number) => ({ value, lower: value, upper: value, n: 40 });
const caught = { coverage: share(0.95), falseShare: share(0.02) };

function openingsOf(texts: readonly string[], asked: readonly string[] = []): OpeningsFile {
  return {
    ...{ format: 1, created: "2026-01-01T00:00:00Z", hash: openingsHash(texts), seed: 0 },
    openings: texts.map((text) => ({ text, refusals: 9, compliances: 1, prompts: 4, methods: [] })),
    options: {
      ...{ samples: 4, maxNewTokens: 32, temperature: 1, depth: 8, coverage: 0.9, falseShare: 0.05 },
      ...{ support: 2, folds: 5, shuffles: 20 },
    },
    judge: { id: "arditi", version: "1", title: "Arditi" },
    prompts: {
      sources: [],
      asked: asked.map((prompt) => ({ id: promptId(prompt), prompt, file: "a.csv", line: 2 })),
    },
    methods: [
      {
        ...{ name: "stl", model: "m", files: [], tokenizer: "t", template: "chat", caught, listed: caught },
        counts: { answers: 40, refusals: 20, compliances: 20, undetermined: 0 },
      },
    ],
    ...{ fitted: caught, heldOut: caught, listed: caught },
    control: { coverage: null, falseShare: null },
    caveats: [],
  };
}

let folder: string;
const put = (name: string, value: unknown) => writeFile(join(folder, name), JSON.stringify(value));
const recipe = (openings: unknown) => ({
  ...{ name: "r", model: "m", stages: [], probes: { openings } },
  evaluate: { suites: [{ name: "t", source: { file: "starter:pairs.csv", split: "test", limit: 4 } }] },
});
beforeEach(() => {
  folder = tempFolder();
});

it("a recipe that names a file of openings is loaded with what the file holds, which stays", async () => {
  await put("x.openings.json", openingsOf(["I cannot", "No way"], ["Hello?"]));
  await put("r.discern.json", recipe("x.openings.json"));
  const { recipe: loaded } = await loadRecipe(join(folder, "r.discern.json"), { set: [], stlAlone: false });
  await put("x.openings.json", openingsOf(["Other"]));
  expect(openingTexts(loaded.probes.openings)).toEqual(["I cannot", "No way"]);
  expect(loaded.probes.openings).toMatchObject({
    ...{ file: "x.openings.json", promptIds: [promptId("Hello?")] },
    derivation: { methods: ["stl"], prompts: 1, answers: 40, coverage: 0.95, falseShare: 0.02 },
  });
  // What a run keeps is read as a recipe again.
  await put("kept.discern.json", loaded);
  const again = await loadRecipe(join(folder, "kept.discern.json"), { set: [], stlAlone: false });
  expect(again.recipe.probes.openings).toEqual(loaded.probes.openings);
  const measured = measuredBy(loaded.probes.openings);
  expect(openingsSentence(measured)).toContain(
    "derived from 40 sampled answers of stl to 1 training prompts, judged by arditi (version 1); on held-out prompts they begin 95 %",
  );
  expect(() => openingTexts("x.openings.json")).toThrow("was not read");
});

it("faults of the file stand at its key, and prompts that are tested on are told", async () => {
  const check = async (openings: unknown) => {
    const { problems } = await checkRecipeText(JSON.stringify(recipe(openings)), {
      ...{ root: folder, model: async () => null },
    });
    return problems.map(({ severity, path, message }) => `${severity} ${path?.join(".")}: ${message}`);
  };
  expect((await check("x.openings.json")).join()).toMatch(
    /error probes\.openings: The openings .* cannot be read/,
  );
  await put("x.openings.json", { ...openingsOf(["I cannot"]), hash: "0" });
  expect((await check("x.openings.json")).join()).toContain("was changed by hand");
  const text = await readFile(new URL("../../datasets/starter/pairs.csv", import.meta.url), "utf8");
  const prompts = text.split("\n").map((line) => line.replace(/^"|"$/g, "").split(/,|"/)[0]!);
  await put("x.openings.json", openingsOf(["I cannot"], [...prompts, ...text.split(/[\n",]+/)]));
  expect((await check("x.openings.json")).join()).toMatch(
    /warning evaluate\.suites\.0: \d+ of the 4 prompts of the suite "t" are among those whose answers the openings/,
  );
  expect(await check([...refusalOpenings])).toEqual(
    expect.not.arrayContaining([expect.stringContaining("openings of")]),
  );
});

it("a comparison measures every method by its own openings, and a changed file makes other runs", async () => {
  const comparison = comparisonSchema.parse({
    ...{ name: "c", recipe: recipe(["Sorry"]), openings: "x.openings.json" },
    methods: [
      { name: "untrained", stages: [] },
      { name: "again", stages: [], set: { maxTokens: 64 } },
    ],
  });
  const plan = async () => (await planComparison(comparison, join(folder, "c.comparison.json"))).cells;
  await expect(plan()).rejects.toThrow("cannot be read");
  await put("x.openings.json", openingsOf(["I cannot"]));
  const cells = await plan();
  for (const cell of cells) expect(openingTexts(cell.recipe.probes.openings)).toEqual(["I cannot"]);
  await put("x.openings.json", openingsOf(["I won't"]));
  const other = await plan();
  expect(other.map(({ id }) => id)).not.toEqual(cells.map(({ id }) => id));
});

it("reports that were measured by different openings are not compared in silence", () => {
  const report = (texts: readonly string[] | null) => {
    const measured = texts === null ? null : measuredBy([...texts]);
    return {
      ...(measured && { openings: [measured] }),
      answers: [{ method: "m", seed: 0, results: [], ...(measured && { openings: measured.hash }) }],
    };
  };
  expect(differentOpenings([report(["I"]), report(["I"])])).toEqual([]);
  expect(differentOpenings([report(null), report(null)])).toEqual([]);
  expect(differentOpenings([report(null), report(refusalOpenings)])).toEqual([]);
  expect(differentOpenings([report(["I"]), report(["No"])]).join()).toContain("cannot be compared");
  expect(differentOpenings([report(["I"]), report(null)]).join()).toContain("do not state by which openings");
  expect(statedOpenings([report(["I"]), report(["No"]), report(["I"])]).openings).toHaveLength(2);
});
