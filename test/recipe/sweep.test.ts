import { join } from "node:path";
import { expect, test } from "vitest";
import { type SweepInput, sweepJsonSchema, sweepSchema } from "../../src/protocol/sweep.ts";
import { checkPlannedText } from "../../src/recipe/checkPlanned.ts";
import { sweepPlan } from "../../src/recipe/sweepCells.ts";
import { sweepPresets } from "../../src/recipe/sweepPresets.ts";
import { sweepTrials } from "../../src/recipe/sweepTrials.ts";
import { tempFolder } from "../tempFolder.ts";

const recipe = {
  name: "r",
  model: "m",
  stages: [
    { type: "contrastive", steps: 10 },
    { type: "supervised", steps: 20 },
  ],
};
const rate = "stages.1.optimiser.learningRate";
const input = (own: Partial<SweepInput>): SweepInput => ({ name: "s", recipe, space: {}, ...own });
const plan = (own: Partial<SweepInput>, set: readonly string[] = []) =>
  sweepPlan(
    sweepSchema.parse(input(own)),
    { text: JSON.stringify(recipe), file: "r.json", root: "/", folder: "/" },
    set,
  );
/** The faults of a sweep, by their places. */
function faults(own: Partial<SweepInput>): string[] {
  const { error } = sweepSchema.safeParse(input(own));
  return (error?.issues ?? []).map(({ path, message }) => `${path.join("/")}: ${message}`);
}

test("a grid has every combination, variants slowest, with values that a variant alone has", () => {
  const trials = sweepTrials(
    sweepSchema.parse(
      input({
        space: { [rate]: { from: 1e-4, to: 1e-2, scale: "log", count: 3 } },
        variants: {
          loss: [
            { name: "circle", set: { "stages.0.loss": { type: "circle" } } },
            {
              name: "InfoNCE",
              set: { "stages.0.loss.type": "infonce" },
              space: { "stages.0.loss.temperature": [0.1, 0.5] },
            },
          ],
        },
      }),
    ),
  );
  expect(trials.map(({ varied }) => Object.values(varied))).toEqual([
    ...[1e-4, 1e-3, 1e-2].map((value) => ["circle", value]),
    ...[0.1, 0.5].flatMap((temperature) =>
      [1e-4, 1e-3, 1e-2].map((value) => ["InfoNCE", temperature, value]),
    ),
  ]);
});

test("a key that is added changes no draw of the others, and no combination is drawn twice", () => {
  const search = { type: "random", trials: 6, seed: 3 } as const;
  const space = { [rate]: { from: 1e-4, to: 1e-2, scale: "log" }, "stages.1.steps": [10, 20, 40] } as const;
  const drawn = (own: NonNullable<SweepInput["space"]>) =>
    sweepTrials(sweepSchema.parse(input({ search, space: own })));
  const without = drawn({ [rate]: space[rate] });
  const both = drawn({ [rate]: space[rate], "stages.1.steps": [...space["stages.1.steps"]] });
  expect(both.map(({ varied }) => varied[rate])).toEqual(without.map(({ varied }) => varied[rate]));
  for (const { varied } of both)
    expect(Number(varied[rate])).toSatisfy((x: number) => x >= 1e-4 && x <= 1e-2);
  const few = drawn({ "stages.1.steps": [1, 2, 3], "stages.0.steps": [1, 2] });
  expect(new Set(few.map(({ varied }) => JSON.stringify(varied))).size).toBe(6);
});

test("a plan has a run per trial and seed, judged by monitored prompts alone; what varies is set after --set", () => {
  const { cells, sweep } = plan({ space: { "stages.1.steps": [5, 6] }, seeds: [1, 2] }, [
    "stages.1.steps=99",
    "maxTokens=64",
  ]);
  expect(cells.map(({ name }) => name)).toEqual(["t01-1", "t01-2", "t02-1", "t02-2"]);
  expect(cells.map(({ recipe: own }) => own.stages[1]!.steps)).toEqual([5, 5, 6, 6]);
  expect(cells[0]!.recipe).toMatchObject({
    name: "s-t01-1",
    seed: 1,
    maxTokens: 64,
    evaluate: { suites: [], before: false },
  });
  expect(sweep.evaluate.suites).toHaveLength(1);
  expect(new Set(cells.map(({ id }) => id)).size).toBe(4);
});

test("successive halving plans places of later rungs, in the stage that grows among those that are kept", () => {
  const { cells } = plan({
    stages: ["supervised"],
    space: { [rate]: [1e-4, 2e-4, 4e-4, 8e-4] },
    search: { type: "halving", key: "stages.1.steps", steps: 5, factor: 2, rungs: 3 },
  });
  expect(cells.map(({ name }) => name)).toEqual([
    "t01-0",
    "t02-0",
    "t03-0",
    "t04-0",
    "r2-1-0",
    "r2-2-0",
    "r3-1-0",
  ]);
  expect(cells.map(({ recipe: own }) => own.stages.map(({ steps }) => steps))).toEqual([
    [5],
    [5],
    [5],
    [5],
    [10],
    [10],
    [20],
  ]);
  expect(cells[0]!.trial).toMatchObject({ rung: 1, growing: 0 });
  expect(cells[5]).toMatchObject({
    needs: ["t01-0", "t02-0", "t03-0", "t04-0"],
    promoted: { trials: [["t01-0"], ["t02-0"], ["t03-0"], ["t04-0"]], place: 1, steps: 10 },
  });
  expect(cells[6]).toMatchObject({ needs: ["r2-1-0", "r2-2-0"] });
});

test("selection on a suite is refused, and so is what contradicts itself", () => {
  expect(faults({ space: { "evaluate.suites": [["xstest"]] } })[0]).toMatch(
    /^space\/evaluate.suites: .*selection on a suite is refused/,
  );
  expect(faults({ space: { "stages.1.steps": [1] }, validation: ["xstest"] })[0]).toMatch(
    /^validation\/0: .*selection on it is refused/,
  );
  const on = { on: "validation", measure: "safe_refusal" } as const;
  expect(faults({ space: { "stages.1.steps": [1] }, objective: on })).toEqual([
    "objective/on: the sweep has no `validation` prompts",
  ]);
  expect(faults({ space: { "stages.1.steps": [1] }, objective: { measure: "accuracy" } })[0]).toMatch(
    /^objective\/measure: .*there are: discernment/,
  );
  expect(faults({})).toEqual(["space: nothing is varied: name a key with its values"]);
  expect(faults({ space: { [rate]: { from: 1, to: 2 } } })).toEqual([
    `space/${rate}: a grid needs the \`count\` of its values`,
  ]);
  expect(faults({ space: { seed: [1] } })).toEqual(["space/seed: is stated by the sweep itself"]);
  const halving = { type: "halving", key: "stages.1.steps", steps: 5, rungs: 3 } as const;
  expect(faults({ space: { [rate]: [1, 2] }, search: halving })[0]).toMatch(
    /^search\/rungs: 2 trials divided by 3 leave none for rung 3/,
  );
  expect(faults({ space: { "stages.1.steps": [1, 2, 3, 4, 5, 6, 7, 8, 9] }, search: halving })).toEqual([
    "search/key: is varied by the sweep, but grows from rung to rung",
  ]);
  const variants = { loss: [{ name: "a", set: { [rate]: 1 } }, { name: "a" }] };
  expect(faults({ space: { [rate]: [1] }, variants })).toEqual([
    `variants/loss/0/set/${rate}: is varied by \`space\`, too`,
    "variants/loss/1/name: the same as that of variant 0",
  ]);
  expect(() => plan({ space: { "stages.1.steps": [1, 2, 3] }, budget: { trials: 2 } })).toThrow(
    /has 3 runs, and its budget is 2/,
  );
});

test("a value that the recipe cannot have is a problem at its place", async () => {
  const sweep = input({
    recipe: { ...recipe, model: "none" },
    space: { "stages.1.steps": [10, -1], [rate]: { from: -1, to: 1, count: 2 } },
    variants: { loss: [{ name: "no loss", set: { "stages.0.loss.type": "none" } }] },
  });
  const text = JSON.stringify(sweep, null, 1);
  const { problems } = await checkPlannedText(text, "x.sweep.json", {
    root: tempFolder(),
    starter: join(import.meta.dirname, "../../datasets/starter"),
    model: async () => null,
  });
  const at = problems.filter(({ about }) => about === "recipe-invalid").map(({ path }) => path?.join("/"));
  expect(at).toEqual([`space/stages.1.steps/1`, `space/${rate}/from`, "variants/loss/0"]);
});

test("every preset is planned whole, and an editor completes sweeps with the recipe in them", () => {
  for (const [name, preset] of Object.entries(sweepPresets)) {
    const sweep = sweepSchema.parse(preset);
    expect(sweep.name).toBe(name);
    const { cells } = sweepPlan(
      sweep,
      { text: JSON.stringify(sweep.recipe), file: name, root: "/", folder: "/" },
      [],
    );
    expect(cells.length).toBeGreaterThan(2);
  }
  const { properties } = sweepJsonSchema() as {
    properties: Record<string, { anyOf?: { properties?: object }[] }>;
  };
  expect(Object.keys(properties.recipe!.anyOf![1]!.properties!)).toContain("stages");
});
