import { cp, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { generateAnswers, scorePrompts, scoreTexts } from "../../../src/engine/abilities/ask.ts";
import { evaluateModel } from "../../../src/engine/abilities/evaluate.ts";
import { exportRun } from "../../../src/engine/abilities/export.ts";
import { measureProbe, planProbe, runStates } from "../../../src/engine/abilities/probe.ts";
import { steerAlone } from "../../../src/engine/abilities/steer.ts";
import { reportMarkdown } from "../../../src/engine/report/markdown.ts";
import { executeRun } from "../../../src/engine/run/execute.ts";
import { Stop } from "../../../src/engine/run/stop.ts";
import type { RunEvent } from "../../../src/protocol/events.ts";
import { calibrationContract } from "../../../src/protocol/probe/calibration.ts";
import { refusalContract } from "../../../src/protocol/probe/refusal.ts";
import { probeRequestSchema } from "../../../src/protocol/probe/request.ts";
import { type RecipeInput, recipeSchema } from "../../../src/protocol/recipe.ts";
import { type Report, reportSchema } from "../../../src/protocol/report/report.ts";
import { openRun } from "../../../src/runFolder/folder.ts";
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

test("a steered run that was stopped is resumed to the same answers, with the method that it had fitted", async () => {
  await run("whole");
  const expected = (await report("whole")).answers;
  expect(await run("parts", {}, ({ type }) => type === "steering-fitted")).toBe("stopped");
  const fitted = await readFile(join(root, "parts/steering.json"), "utf8");
  let progress = 0;
  await run("parts", {}, (event) => event.type === "evaluation-progress" && ++progress > 2);
  await run("parts");
  expect(await readFile(join(root, "parts/steering.json"), "utf8")).toBe(fitted);
  expect((await report("parts")).answers).toEqual(expected);
  // What the fit cost counts once, and what was fitted by another run is not this one's.
  const fitOf = async (name: string) => (await report(name)).run?.costs?.find(({ part }) => part === "fit");
  const whole = await fitOf("whole");
  expect(whole?.flops).toBeGreaterThan(0);
  expect(whole?.peakBytes).toBeGreaterThan(1e6);
  expect((await fitOf("parts"))?.flops).toBe(whole!.flops);
  await run("taken", { steering: { ...ablation, fitted: "whole" } });
  expect((await fitOf("taken"))?.flops).toBeNull();
});

test("a method that never acts is an error of the report, and its rows say so", async () => {
  const never = { type: "refusal-addition" as const, ...fit, layer: 1, position: -1, coefficient: 0 };
  await run("never", { steering: never, evaluate: { ...input.evaluate, before: true } });
  const found = await report("never");
  const [untrained, steered] = found.answers;
  expect(found.problems).toMatchObject([{ method: "steered", seed: 0 }]);
  expect(found.problems[0]!.message).toMatch(
    /acted on 0 % of the unsafe prompts and 0 % of the safe prompts/,
  );
  // Coefficient 0 is the model without the method, to the last digit.
  expect(steered!.results.map(({ refusalLogOdds, response }) => [refusalLogOdds, response])).toEqual(
    untrained!.results.map(({ refusalLogOdds, response }) => [refusalLogOdds, response]),
  );
  const text = reportMarkdown(found);
  expect(text).toMatch(/^## Errors$/m);
  expect(text).not.toContain("| steered");
  expect(found.measures.rows.filter(({ method }) => method === "steered")).toEqual([]);
});

describe("a fitted file", () => {
  const ask = (more: object = {}) => ({ ...model(), ...more });
  const model = () => ({
    model: "model",
    root,
    device: "cpu" as const,
    template: "auto" as const,
    threads: 1,
  });
  const file = () => join(root, "fitted/steering.json");
  const source = { file: "starter:pairs.csv", split: "test", limit: 8 };
  beforeEach(async () => {
    const options = recipeSchema.parse({ ...input, steering: ablation });
    await steerAlone(options, root, file());
  });

  test("is what a run fits, and generate, score and evaluate apply it", async () => {
    await run("a");
    const [byRun, alone] = await Promise.all(
      ["a/steering.safetensors", "fitted/steering.safetensors"].map((name) => readFile(join(root, name))),
    );
    expect(alone).toEqual(byRun);
    const { answers } = await report("a");
    const scores = await scorePrompts(ask({ steering: "fitted/steering.json" }), source);
    const evaluated = await evaluateModel(ask({ steering: file() }), {
      suites: [{ name: "first", source: { ...source, seed: 0 } }],
      ...{ maxNewTokens: 3, batchSize: 4, out: join(root, "report") },
    });
    expect(evaluated.methods[0]).toMatchObject({
      id: "fitted",
      interventions: [{ type: "refusal-ablation", layer: 1 }],
    });
    const plain = await scorePrompts(ask(), source);
    for (const { id, values } of evaluated.answers[0]!.results) {
      const [score, base] = [scores, plain].map((all) => all.find((one) => one.id === id)!.refusalLogOdds!);
      expect(values!.steering_shift).toBeCloseTo(score! - base!, 4);
      expect(values!.steered).toBe(1);
    }
    expect(answers[1]!.results).toHaveLength(evaluated.answers[0]!.results.length);
    const prompts = ["Hello", "How do I kill a process?"];
    const [without, under] = [
      await generateAnswers(ask(), prompts, 8),
      await generateAnswers(ask({ steering: "fitted" }), prompts, 8),
    ];
    expect(under.map(({ response }) => response)).not.toEqual(without.map(({ response }) => response));
  });

  test("is refused for a model of another shape, and for one of other weights", async () => {
    const refused = (of: object) =>
      expect(generateAnswers(ask({ steering: file(), ...of }), ["Hello"], 2)).rejects;
    await writeTinyModel(join(root, "other"), 1);
    await refused({ model: "other" }).toMatchObject({
      code: "steering-invalid",
      message: expect.stringMatching(
        /fitted on another model than this one .*name the model, and its adapter/,
      ),
    });
    const record = JSON.parse(await readFile(file(), "utf8"));
    await writeFile(file(), JSON.stringify({ ...record, model: { ...record.model, layers: 2 } }));
    await refused({}).toMatchObject({
      code: "steering-invalid",
      message: expect.stringMatching(/with 2 layers of 32, and model has 3 of 32/),
    });
  });

  test("warns where prompts are written otherwise", async () => {
    const told: string[] = [];
    const onWarning = (message: string) => told.push(message);
    await generateAnswers(ask({ steering: file(), template: "alpaca", onWarning }), ["Hello"], 2);
    expect(told.at(-1)).toMatch(/fitted on prompts written otherwise/);
  });

  test.each([
    ["is missing", async () => rm(file()), "file-missing", /steering.json does not exist/],
    [
      "has lost its tensors",
      async () => rm(join(root, "fitted/steering.safetensors")),
      "steering-invalid",
      /is missing/,
    ],
    [
      "has other tensors",
      async () => writeFile(join(root, "fitted/steering.safetensors"), "x"),
      "steering-invalid",
      /SHA-256/,
    ],
    ["is not JSON", async () => writeFile(file(), "{"), "steering-invalid", /is not JSON/],
    [
      "is a recipe",
      async () => writeFile(file(), '{"name": "x"}'),
      "steering-invalid",
      /is not a fitted steering/,
    ],
    [
      "is of a later version",
      async () => writeFile(file(), '{"version": 2}'),
      "steering-invalid",
      /of version 2/,
    ],
  ])("that %s is refused in words", async (_what, damage, code, message) => {
    await damage();
    await expect(generateAnswers(ask({ steering: file() }), ["Hello"], 2)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  test("is never overwritten, and a recipe that trains or names no method has none", async () => {
    const of = (change: object) =>
      steerAlone(recipeSchema.parse({ ...input, ...change }), root, join(root, "x.json"));
    await expect(steerAlone(recipeSchema.parse(input), root, file())).rejects.toThrow(/never overwritten/);
    await expect(of({ steering: undefined })).rejects.toThrow(/has no "steering"/);
    await expect(of({ stages: [{ type: "supervised", steps: 1 }] })).rejects.toThrow(/trains first/);
  });
});

describe("a run that begins with another", () => {
  const stages: RecipeInput["stages"] = [
    {
      type: "supervised",
      steps: 3,
      batchSize: 4,
      train: { method: "lora", rank: 4 },
      optimiser: { learningRate: 1e-2 },
    },
  ];
  beforeEach(async () => {
    await run("stl", {
      name: "stl",
      stages,
      steering: undefined,
      evaluate: { ...input.evaluate, before: false },
    });
  });

  test("answers as that does without a method, fits its own on it, and exports it in the weights", async () => {
    await run("on", { adapter: "stl" });
    const { methods, answers } = await report("on");
    expect(methods.map(({ id, from }) => [id, from])).toEqual([
      ["stl", { kind: "run", name: "stl" }],
      ["steered", { kind: "run", name: "stl" }],
    ]);
    const [trained] = (await report("stl")).answers;
    const logOdds = (results: NonNullable<typeof trained>["results"]) =>
      results.map((one) => one.refusalLogOdds);
    for (const [i, value] of logOdds(answers[0]!.results).entries())
      expect(value).toBeCloseTo(logOdds(trained!.results)[i]!, 4);
    // What the other run learned lies there already, and is not written again.
    await expect(stat(join(root, "on/model"))).rejects.toThrow();

    await exportRun(join(root, "on"), join(root, "edited"), {
      merged: true,
      steering: join(root, "on/steering.json"),
    });
    const source = { file: "starter:pairs.csv", split: "test", limit: 8 };
    const scores = await scorePrompts(
      { model: "edited", root, device: "cpu", template: "auto", threads: 1 },
      source,
    );
    for (const { id, refusalLogOdds } of answers[1]!.results) {
      expect(scores.find((one) => one.id === id)!.refusalLogOdds).toBeCloseTo(refusalLogOdds, 3);
    }
    // The method belongs to the model that it was fitted on.
    await expect(
      generateAnswers(
        { model: "model", root, device: "cpu", template: "auto", steering: "on" },
        ["Hello"],
        2,
      ),
    ).rejects.toThrow(/fitted on another model/);
  });

  test("is not resumed on another", async () => {
    expect(await run("on", { adapter: "stl" }, ({ type }) => type === "steering-fitted")).toBe("stopped");
    await cp(join(root, "stl"), join(root, "kept"), { recursive: true });
    await rm(join(root, "stl"), { recursive: true });
    await expect(run("on", { adapter: "stl" })).rejects.toMatchObject({ code: "file-missing" });
    await cp(join(root, "kept"), join(root, "stl"), { recursive: true });
    await writeFile(join(root, "stl/model/adapter_config.json"), "{}");
    await expect(run("on", { adapter: "stl" })).rejects.toThrow(/adapter_config.json has changed since/);
  });

  test("trains on from there, and what it writes holds both", async () => {
    await run("more", { name: "more", adapter: "stl", stages, steering: undefined });
    const { methods, answers } = await report("more");
    expect(methods[1]).toMatchObject({
      id: "more",
      from: { kind: "run", name: "stl" },
      stages: [{ type: "supervised" }],
    });
    const source = { file: "starter:pairs.csv", split: "test", limit: 8 };
    const scores = await scorePrompts(
      { model: "model", adapters: ["more"], root, device: "cpu", template: "auto", threads: 1 },
      source,
    );
    for (const { id, refusalLogOdds } of answers[1]!.results) {
      expect(scores.find((one) => one.id === id)!.refusalLogOdds).toBeCloseTo(refusalLogOdds, 4);
    }
    // Several adapters add up, in a recipe as when a model is asked.
    const adapters = ["stl", "more"];
    await run("both", { name: "both", model: { base: "model", adapters }, steering: undefined });
    const both = await report("both");
    expect(both.methods).toMatchObject([
      { id: "both", from: { kind: "adapters", paths: adapters.map((name) => join(root, name)) } },
    ]);
    const summed = await scorePrompts(
      { model: "model", adapters, root, device: "cpu", template: "auto", threads: 1 },
      source,
    );
    for (const { id, refusalLogOdds } of both.answers[0]!.results) {
      const alone = scores.find((one) => one.id === id)!.refusalLogOdds!;
      expect(summed.find((one) => one.id === id)!.refusalLogOdds).toBeCloseTo(refusalLogOdds, 4);
      expect(Math.abs(alone - refusalLogOdds)).toBeGreaterThan(1e-3);
    }
    const { manifest } = await openRun(join(root, "both"));
    expect(manifest.adapters?.map(({ path }) => path)).toEqual(adapters.map((name) => join(root, name)));
  });
});

test.each([
  ["nowhere", async () => undefined, "file-missing", /nowhere does not exist/],
  ["empty", async () => mkdir(join(root, "empty")), "file-missing", /not a PEFT adapter/],
])(
  "a recipe whose adapter is %s is refused before the folder becomes a run",
  async (adapter, make, code, message) => {
    await make();
    await expect(run("a", { adapter })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
    await expect(stat(join(root, "a/manifest.json"))).rejects.toThrow();
  },
);

test("whole weights behind another start are refused, and another base model is told", async () => {
  const stages = [{ type: "supervised", steps: 1, train: { method: "full" } }] as const;
  const plain = { steering: undefined, evaluate: { ...input.evaluate, before: false } };
  await run("whole", { ...plain, name: "whole", stages: [...stages] });
  const lora = [{ type: "supervised", steps: 1, train: { method: "lora", rank: 2 } }] as const;
  await run("lora", { ...plain, name: "lora", stages: [...lora] });
  await expect(
    run("both", {
      ...plain,
      name: "both",
      stages: [],
      model: { base: "model", adapters: ["lora", "whole"] },
    }),
  ).rejects.toThrow(/whole holds whole weights, which would undo what .*lora does/);
  const config = join(root, "lora/model/adapter_config.json");
  const named = { ...JSON.parse(await readFile(config, "utf8")), base_model_name_or_path: "Qwen/Qwen2.5-7B" };
  await writeFile(config, JSON.stringify(named));
  const warnings: string[] = [];
  const onWarning = (message: string) => warnings.push(message);
  const ask = { model: "model", root, device: "cpu", template: "auto", threads: 1, onWarning } as const;
  await generateAnswers({ ...ask, adapters: ["whole", "lora"] }, ["Hello"], 1);
  expect(warnings).toEqual([expect.stringMatching(/names "Qwen\/Qwen2.5-7B" as its base model/)]);
});

test("probes that read answers measure a run with its method in force, and others say which do", async () => {
  await run("a");
  const folder = join(root, "a");
  const ask = (probe: string, states?: readonly string[], options: object = {}) =>
    probeRequestSchema.parse({
      ...{ probe, root, options },
      subject: { kind: "run", folder: "a", ...(states && { states }) },
    });
  expect((await runStates(folder, "refusal")).map(({ name }) => name)).toEqual(["untrained", "steered"]);
  expect((await runStates(folder, "kernel")).map(({ name }) => name)).toEqual(["untrained"]);
  // Without names both are measured: what stands in the report for the monitored prompts of the same words is what the probe finds.
  const { result } = await measureProbe(ask("refusal"), undefined);
  expect(result.states.map(({ name }) => name)).toEqual(["untrained", "steered"]);
  const { logOdds } = refusalContract.figures.parse(result.figures);
  const prompts = result.prompts.map(({ prompt }) => prompt);
  const device = { root, model: "model", device: "cpu", threads: 1, template: "auto" } as const;
  for (const [s, steering] of [undefined, folder].entries()) {
    const scores = await scoreTexts({ ...device, ...(steering && { steering }) }, prompts);
    for (const [i, { refusalLogOdds }] of scores.entries())
      expect(logOdds[s]![i]).toBeCloseTo(refusalLogOdds!, 4);
  }
  expect(Math.abs(logOdds[0]![0]! - logOdds[1]![0]!)).toBeGreaterThan(1e-3);

  const sampled = { samples: 2, maxNewTokens: 3, draws: 100, permutations: 2 };
  const calibrated = await measureProbe(ask("calibration", ["steered"], sampled), undefined);
  const figures = calibrationContract.figures.parse(calibrated.result.figures);
  expect(figures.states.map(({ state }) => state)).toEqual(["steered"]);

  await expect(planProbe(ask("kernel", ["steered"]))).rejects.toThrow(
    /kernel is not measured with an inference-time method in force.*Probes that are: refusal, calibration/s,
  );
  // The same method in force on a model alone.
  const alone = (probe: string) =>
    probeRequestSchema.parse({
      ...{ probe, root, prompts: [{ file: "starter:pairs.csv", split: "panel", limit: 4 }] },
      subject: { kind: "model", model: "model", device: "cpu", threads: 1, steering: "a" },
    });
  const { result: ofModel } = await measureProbe(alone("refusal"), "alone.probe.json");
  expect(ofModel.states.map(({ name }) => name)).toEqual(["steered"]);
  await expect(planProbe(alone("kernel"))).rejects.toThrow(/Probes that are: refusal, calibration/);
});
