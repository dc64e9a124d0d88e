import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { executeRun } from "../../../src/engine/run/execute.ts";
import { Stop } from "../../../src/engine/run/stop.ts";
import type { RunEvent } from "../../../src/protocol/events.ts";
import { type RecipeInput, recipeSchema } from "../../../src/protocol/recipe.ts";
import { type Report, reportSchema } from "../../../src/protocol/report/report.ts";
import { tempFolder } from "../../tempFolder.ts";
import { tinyData, writeTinyModel } from "../../tinyModel.ts";

/** Of random weights no prompt is refused: all are kept, and the first tokens of a refusal are named. */
const fit = { train: 6, validation: 4, filter: false, refusalTokens: ["I"], maxKl: 100 };
const ablation = {
  type: "refusal-ablation" as const,
  ...fit,
  layer: 1,
  position: -1,
} satisfies RecipeInput["steering"];

const input: RecipeInput = {
  name: "steered",
  model: "model",
  device: "cpu",
  threads: 1,
  maxTokens: 512,
  data: { ...tinyData, contrast: [{ file: "starter:pairs.csv", split: "train", limit: 40 }] },
  stages: [],
  steering: ablation,
  probes: { openings: ["I'm sorry", "I cannot"] },
  evaluate: {
    suites: [{ name: "first", source: { file: "starter:pairs.csv", split: "test", limit: 8 } }],
    maxNewTokens: 3,
    batchSize: 4,
  },
};

let root: string;
beforeEach(async () => {
  root = tempFolder();
  await writeTinyModel(join(root, "model"));
});

async function run(
  name: string,
  change: Partial<RecipeInput> = {},
  until: (event: RunEvent) => boolean = () => false,
): Promise<string> {
  const folder = join(root, name);
  const stop = new Stop();
  const onEvent = (event: RunEvent) => {
    if (until(event)) stop.request();
  };
  return executeRun(recipeSchema.parse({ ...input, ...change }), root, true, { folder, stop, onEvent });
}
const report = async (name: string): Promise<Report> =>
  reportSchema.parse(JSON.parse(await readFile(join(root, name, "report.json"), "utf8")));

test("a steered run answers as the model is and under the method, and says what the method did", async () => {
  await run("a");
  const { methods, answers, problems, measures } = await report("a");
  expect(problems).toEqual([]);
  expect(methods.map(({ id }) => id)).toEqual(["untrained", "steered"]);
  expect(methods[1]!.interventions).toEqual([
    {
      type: "refusal-ablation",
      title: "Refusal-direction ablation",
      ...{ layer: 1, position: -1, strength: 1 },
      prompts: {
        harmful: { given: expect.any(Number), train: 6, validation: 4 },
        harmless: { given: 12, train: 6, validation: 4 },
      },
    },
  ]);
  const [plain, steered] = answers;
  for (const [i, { values, refusalLogOdds }] of steered!.results.entries()) {
    expect(values).toMatchObject({ steered: 1 });
    expect(values!.steering_change).toBeGreaterThan(0);
    expect(values!.steering_kl).toBeGreaterThan(0);
    const shift = refusalLogOdds - plain!.results[i]!.refusalLogOdds;
    expect(values!.steering_shift).toBeCloseTo(shift, 4);
    expect(plain!.results[i]!.values).not.toHaveProperty("steered");
  }
  const rows = measures.rows.filter(({ measure }) => measure === "steered");
  expect(new Set(rows.map(({ method, estimate }) => `${method} ${estimate}`))).toEqual(
    new Set(["steered 1"]),
  );
  // The held-out loss is that of the steered model, not of the one that it acts on.
  expect(steered!.values!.held_out_loss).not.toBeCloseTo(plain!.values!.held_out_loss!, 6);
});
