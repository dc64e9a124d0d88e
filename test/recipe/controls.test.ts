import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type BenchmarkInput, benchmarkSchema } from "../../src/protocol/benchmark.ts";
import type { Plan } from "../../src/protocol/cells.ts";
import { cellsOf } from "../../src/recipe/plannedCells.ts";
import { completedRecipe } from "../../src/runFolder/completedRecipe.ts";
import { exampleReport } from "../engine/evaluate/fixture.ts";
import { tempFolder } from "../tempFolder.ts";

const suite = (name: string, split: string) => ({ name, source: { file: "starter:pairs.csv", split } });
const scans = {
  name: "SCANS",
  on: "STL",
  steering: { type: "scans" as const },
  tune: { "steering.strength": [1, 3.5] },
};
const control = { name: "SCANS, random", controlOf: "SCANS", control: { draws: 3, suites: ["t"] } };
const benchmark = (...methods: NonNullable<BenchmarkInput["methods"]>): BenchmarkInput => ({
  name: "b",
  recipe: { name: "r", model: "m", stages: [{ type: "supervised", steps: 2 }] },
  seeds: [5, 6],
  suites: [suite("t", "test"), suite("u", "test")],
  methods: [{ name: "STL" }, ...methods],
  tuning: { trials: 2, suites: [suite("v", "panel")] },
});

function planOf(input: BenchmarkInput): Plan {
  const parsed = benchmarkSchema.parse(input);
  const cells = cellsOf(parsed, { text: JSON.stringify(parsed.recipe), file: "b" }, []);
  return { version: 2, name: "b", created: "2026-01-01T00:00:00Z", root: "/", cells };
}

test("a control is the method that it controls, in as many draws, by turns of the seeds and on its suites", () => {
  const { cells } = planOf(benchmark(control, scans));
  const draws = cells.filter(({ method }) => method === control.name);
  expect(draws.map(({ name, seed, recipe, controls }) => [name, seed, recipe.seed, controls])).toEqual([
    ["scans-random-0", 0, 5, "scans-5"],
    ["scans-random-2", 2, 5, "scans-5"],
    ["scans-random-1", 1, 6, "scans-6"],
  ]);
  for (const draw of draws) {
    const [base, controlled] = draw.needs.map((need) => cells.findIndex(({ name }) => name === need));
    expect(cells[base!]!.method).toBe("STL");
    expect([base, controlled].every((at) => at! < cells.indexOf(draw))).toBe(true);
    expect(draw.recipe.steering!.control).toEqual({ type: "random", seed: draw.seed });
    expect(draw.recipe.evaluate.suites.map(({ name }) => name)).toEqual(["t"]);
  }
  expect(new Set(cells.map(({ id }) => id)).size).toBe(cells.length);
});

test("a control has the settings that were chosen for its method, and takes what that one fitted", async () => {
  const plan = planOf(benchmark(scans, control));
  const folder = tempFolder();
  // The second trial, of strength 3.5, has the better figures.
  for (const [trial, method] of [
    ["scans-trial-1", "untrained"],
    ["scans-trial-2", "DCR → STL"],
  ] as const) {
    const { answers, measures, methods, ...rest } = exampleReport({ seeds: 1, perKind: 4 });
    const report = {
      ...{ ...rest, comparisons: [], series: [] },
      methods: methods.filter(({ id }) => id === method),
      answers: answers.filter((one) => one.method === method),
      measures: { ...measures, rows: measures.rows.filter((row) => row.method === method) },
    };
    await mkdir(join(folder, trial));
    await writeFile(join(folder, trial, "report.json"), JSON.stringify(report));
  }
  const cell = (name: string) => plan.cells.find((one) => one.name === name)!;
  const [own, drawn] = [
    await completedRecipe(plan, folder, cell("scans-6")),
    await completedRecipe(plan, folder, cell("scans-random-1")),
  ];
  expect(own.steering).toMatchObject({ strength: 3.5 });
  expect(drawn.steering).toEqual({
    ...own.steering,
    control: { type: "random", seed: 1 },
    fitted: expect.stringMatching(/scans-6$/),
  });
  expect(drawn.model).toEqual(own.model);
  expect(drawn.model.adapters).toEqual([expect.stringMatching(/stl-6$/)]);
});

describe("a fault is at its key", () => {
  test.each<[BenchmarkInput["methods"], string, RegExp]>([
    [[control], "methods.1.controlOf", /no method with steering is called so/],
    [[scans, { ...control, on: "STL" }], "methods.2.on", /is that of "SCANS".*leave it out/],
    [[scans, { ...control, set: { "steering.strength": 1 } }], "methods.2.set", /leave it out/],
    [
      [scans, { ...control, control: { suites: ["x"] } }],
      "methods.2.control",
      /no suite "x"; there are: t, u/,
    ],
    [[scans, { name: "c", control: {} }], "methods.2.control", /needs `controlOf`/],
    [
      [{ ...scans, steering: { type: "scans", control: {} } }],
      "methods.1.steering",
      /give a method of its own "controlOf"/,
    ],
  ])("%j", (methods, key, message) => {
    const { error } = benchmarkSchema.safeParse(benchmark(...methods!));
    const found = error!.issues.map(({ path, message: said }) => [path.join("."), said]);
    expect(found).toContainEqual([key, expect.stringMatching(message)]);
  });

  test("of a reference that is a control", () => {
    const { error } = benchmarkSchema.safeParse({ ...benchmark(scans, control), reference: control.name });
    expect(error!.issues[0]!.message).toMatch(/is a control/);
  });
});
