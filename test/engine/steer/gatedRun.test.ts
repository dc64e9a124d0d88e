import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { executeRun } from "../../../src/engine/run/execute.ts";
import { Stop } from "../../../src/engine/run/stop.ts";
import { type ReadSteering, readSteering } from "../../../src/engine/steer/steeringFile.ts";
import { type RecipeInput, recipeSchema } from "../../../src/protocol/recipe.ts";
import { type Report, reportSchema } from "../../../src/protocol/report/report.ts";
import { tinyData, writeTinyModel } from "../../tinyModel.ts";

const fit = { train: 6, validation: 5 } as const;
type Steering = NonNullable<RecipeInput["steering"]>;

const input: RecipeInput = {
  name: "steered",
  model: "model",
  device: "cpu",
  threads: 1,
  maxTokens: 512,
  data: { ...tinyData, contrast: [{ file: "starter:pairs.csv", split: "train", limit: 40 }] },
  stages: [],
  probes: { openings: ["I'm sorry", "I cannot"] },
  evaluate: {
    suites: [{ name: "first", source: { file: "starter:pairs.csv", split: "test", limit: 8 } }],
    maxNewTokens: 3,
    batchSize: 4,
  },
};

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "discern-"));
  await writeTinyModel(join(root, "model"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A run with a steering: its report, and what was fitted. */
interface Ran {
  readonly report: Report;
  readonly fitted: ReadSteering;
}

async function run(name: string, steering: Steering): Promise<Ran> {
  const folder = join(root, name);
  await executeRun(recipeSchema.parse({ ...input, steering }), root, true, {
    folder,
    stop: new Stop(),
  });
  const report = reportSchema.parse(JSON.parse(await readFile(join(folder, "report.json"), "utf8")));
  return { report, fitted: await readSteering(folder) };
}

function valuesOf({ answers }: Report, name: string): (number | undefined)[] {
  return answers.at(-1)!.results.map(({ values }) => values?.[name]);
}

describe.each<Steering>([
  { type: "scans", ...fit },
  { type: "cast", ...fit, questions: 2, suffixes: 3 },
  { type: "alphasteer", ...fit, strengths: [0.1, 0.5] },
])("a run with $type", (steering) => {
  let own: Ran;
  beforeAll(async () => {
    own = await run(steering.type, steering);
  });

  it("fits it, states what it chose, and reports what it did to every prompt", () => {
    const { report, fitted } = own;
    const [intervention] = report.methods.at(-1)!.interventions;
    expect(intervention).toMatchObject({ type: steering.type, ...fitted.chosen });
    expect(fitted.chosen).toHaveProperty("strength");
    expect(fitted.chosen).toHaveProperty("layers");
    expect(fitted.record.prompts).toMatchObject({
      harmful: { train: 6, validation: 5 },
      pseudoHarmful: { train: 6, validation: 5 },
    });
    for (const [i, steered] of valuesOf(report, "steered").entries()) {
      const change = valuesOf(report, "steering_change")[i]!;
      expect(steered).toBe(Number(change > 0));
    }
    if (steering.type === "alphasteer") {
      expect(valuesOf(report, "steered")).not.toContain(0);
      return;
    }
    const { threshold, side = "from" } = fitted.chosen;
    for (const [i, score] of valuesOf(report, "steering_gate_score").entries()) {
      const isUnsafe = side === "from" ? score! >= Number(threshold) : score! < Number(threshold);
      const otherwise = steering.type === "scans" ? -1 : 0;
      expect(valuesOf(report, "steering_gate")[i]).toBe(isUnsafe ? 1 : otherwise);
    }
    const { numbers } = fitted;
    expect(numbers["gate.auroc"]).toBeGreaterThanOrEqual(0);
    expect(numbers["gate.unsafe.lowest"]).toBeLessThanOrEqual(numbers["gate.unsafe.median"]!);
  });

  it("is fitted to the same again", async () => {
    const { fitted } = await run(`${steering.type} again`, steering);
    expect(fitted.numbers).toEqual(own.fitted.numbers);
    expect([...fitted.tensors]).toEqual([...own.fitted.tensors]);
  });

  it("has a control that changes other activations by as much, for the same prompts", async () => {
    const control = await run(`${steering.type} control`, {
      ...steering,
      control: { type: "random", seed: 3 },
    });
    expect(control.fitted.numbers).toEqual(own.fitted.numbers);
    expect(valuesOf(control.report, "steered")).toEqual(valuesOf(own.report, "steered"));
    expect(valuesOf(control.report, "steering_gate")).toEqual(valuesOf(own.report, "steering_gate"));
    expect(valuesOf(control.report, "steering_kl")).not.toEqual(valuesOf(own.report, "steering_kl"));
  });
});

test("CAST steers the prompts that were taken for safe where the recipe says so", async () => {
  const cast = { type: "cast", ...fit, questions: 2, suffixes: 2 } as const;
  const unsafe = valuesOf((await run("cast unsafe", cast)).report, "steering_gate");
  const safe = valuesOf((await run("cast safe", { ...cast, steered: "safe" })).report, "steering_gate");
  expect(safe).toEqual(unsafe.map((decision) => (decision === 1 ? 0 : -1)));
});

test("CAST with conditions by category says how many hold, and its control takes what was fitted", async () => {
  const cast: Steering = {
    ...{ type: "cast", ...fit, questions: 2, suffixes: 2 },
    ...{ conditions: "categories", conditionLayers: [0, 1], maxConditionLayers: 2, restoreNorm: true },
  };
  const { report, fitted } = await run("cast by category", cast);
  const { conditions = [], chosen, numbers } = fitted.record;
  expect(conditions.length).toBeGreaterThan(1);
  expect(fitted.tensors.get("condition")!.shape[0]).toBe(conditions.flatMap(({ layers }) => layers).length);
  expect(chosen).toMatchObject({
    norm: "restored",
    conditions: expect.stringContaining(conditions[1]!.name!),
  });
  expect(report.methods.at(-1)!.interventions).toMatchObject([chosen]);
  for (const { name } of conditions) {
    expect(numbers[`condition ${name} f1`]).toBeGreaterThan(0);
    expect(numbers[`condition ${name} share of safe prompts`]).toBeLessThanOrEqual(1);
  }
  const holding = valuesOf(report, "steering_conditions");
  expect(valuesOf(report, "steering_gate")).toEqual(holding.map((count) => Math.min(1, count!)));
  expect(valuesOf(report, "steering_gate_score").map((score) => score! >= 0)).toEqual(
    holding.map((count) => count! > 0),
  );
  expect(report.measures.rows.map(({ measure }) => measure)).toContain("steering_conditions");

  const control = await run("cast by category control", {
    ...cast,
    fitted: join(root, "cast by category"),
    control: { type: "random", seed: 3 },
  });
  expect(control.fitted.record.conditions).toEqual(conditions);
  expect(valuesOf(control.report, "steering_conditions")).toEqual(holding);
  expect(valuesOf(control.report, "steering_kl")).not.toEqual(valuesOf(report, "steering_kl"));
});

test("SCANS takes the threshold and the answer prefix that a recipe names", async () => {
  const own = await run("scans Sure", { type: "scans", ...fit, threshold: 0.5 });
  expect(own.fitted.chosen.threshold).toBe(0.5);
  expect(own.fitted.numbers.thresholdMinusPublished).toBe(-0.25);
  const other = await run("scans Gern", { type: "scans", ...fit, threshold: 0.5, answerPrefix: "Gern" });
  expect(other.fitted.tensors.get("reference")).not.toEqual(own.fitted.tensors.get("reference"));
  expect(other.fitted.tensors.get("vectors")).toEqual(own.fitted.tensors.get("vectors"));
});
