import { existsSync, readdirSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { generateAnswers, scorePrompts } from "../../../src/engine/abilities/ask.ts";
import { evaluateModel } from "../../../src/engine/abilities/evaluate.ts";
import { Program } from "../../../src/engine/backend/onnx/runtime/program.ts";
import { executeRun, startRun } from "../../../src/engine/run/execute.ts";
import { Stop, Stopped } from "../../../src/engine/run/stop.ts";
import type { RunEvent } from "../../../src/protocol/events.ts";
import { type Recipe, type RecipeInput, recipeSchema } from "../../../src/protocol/recipe.ts";
import { timeline } from "../../../src/protocol/timeline.ts";
import { readEvents } from "../../../src/runFolder/eventLog.ts";
import { isRun } from "../../../src/runFolder/folder.ts";
import { tempFolder } from "../../tempFolder.ts";
import { tinyData, writeTinyModel } from "../../tinyModel.ts";

const train = { method: "lora", rank: 4 } as const;
const suite = (name: string, limit: number) => ({
  name,
  source: { file: "starter:pairs.csv", split: "test", limit },
});
const input: RecipeInput = {
  name: "tiny",
  model: "model",
  device: "cpu",
  threads: 1,
  maxTokens: 512,
  data: { ...tinyData, contrast: [{ file: "starter:pairs.csv", split: "train", limit: 24 }] },
  stages: [
    { type: "contrastive", steps: 4, train, sampler: { batch: 8 }, retention: { batch: 2 } },
    { type: "supervised", steps: 4, batchSize: 4, accumulate: 2, train },
  ],
  probes: { every: 2, openings: ["I'm sorry", "I cannot"] },
  evaluate: { suites: [suite("first", 8), suite("second", 20)], maxNewTokens: 3, batchSize: 4 },
  checkpoint: { every: 100 },
};
const recipe = recipeSchema.parse(input);

let root: string;
beforeEach(async () => {
  root = tempFolder();
  await writeTinyModel(join(root, "model"));
});
afterEach(() => {
  vi.restoreAllMocks();
});

/**
 * Asks for a stop when the n-th graph has run, counted from `begin` where it is not to be counted from the start, and counts
 * those that ran before and after.
 */
function stopAtGraph(n: number, { stop = new Stop(), counting = true } = {}) {
  vi.restoreAllMocks();
  const runs = { before: 0, after: 0 };
  let left = n;
  let counts = counting;
  const { run } = Program.prototype;
  vi.spyOn(Program.prototype, "run").mockImplementation(async function (this: Program, ...args) {
    const out = await run.apply(this, args);
    // Counted when it is done: one that a stop kept from happening has thrown.
    if (stop.requested) runs.after += 1;
    else runs.before += 1;
    if (counts) left -= 1;
    if (left === 0 && !stop.requested) stop.request();
    return out;
  });
  return {
    stop,
    runs,
    begin: () => {
      counts = true;
    },
  };
}

const go = (
  name: string,
  stop: Stop,
  onEvent: (event: RunEvent) => void = () => undefined,
  what: Recipe = recipe,
) => executeRun(what, root, true, { folder: join(root, name), stop, onEvent });
const curve = (name: string) => {
  const { steps, probes } = timeline(readEvents(join(root, name, "events.jsonl")));
  return {
    steps: steps.map(({ globalStep, loss, gradientNorm }) => [globalStep, loss, gradientNorm]),
    probes: probes.map(({ globalStep, toxic, generalLoss, separation }) => [
      globalStep,
      toxic.mean,
      generalLoss,
      separation,
    ]),
  };
};
const text = (name: string, file: string) => readFile(join(root, name, file), "utf8");
const answers = async (name: string) =>
  (JSON.parse(await text(name, "report.json")) as { answers: unknown }).answers;

const step = (globalStep: number) => (event: RunEvent) =>
  event.type === "step" && event.globalStep === globalStep;
const suiteDone = (method: string, name: string) => (event: RunEvent) =>
  event.type === "evaluation-progress" &&
  event.method === method &&
  event.suite === name &&
  event.done === event.total;
const stageBegun = (index: number) => (event: RunEvent) =>
  event.type === "stage-started" && event.stage === index;

/** Where the run is stopped one time after another: so many graphs behind an event; and the steps that are still finished. */
const stops: [what: string, after: ((event: RunEvent) => boolean) | null, graphs: number, steps: number][] = [
  ["the first scores before training", null, 2, 0],
  ["answers before training, in the middle of a batch", null, 6, 0],
  ["the second suite", suiteDone("untrained", "first"), 5, 0],
  ["the choice of the layer", suiteDone("untrained", "second"), 1, 0],
  ["the first probe", stageBegun(0), 2, 0],
  ["the end of a probe", stageBegun(0), 5, 0],
  ["a contrastive step", stageBegun(0), 1, 1],
  ["a probe between steps", step(2), 1, 0],
  ["the probe at the end of the stage", step(4), 2, 0],
  ["the first pass of a step of two", stageBegun(1), 1, 1],
  ["a probe of the second stage", step(6), 3, 0],
  ["the last probe", step(8), 1, 0],
  ["scores after training", (event) => event.type === "stage-finished" && event.stage === 1, 1, 0],
  ["answers after training", suiteDone("tiny", "first"), 7, 0],
];

test("a run stopped at any graph runs no further one but those of its step, and resumed comes to the same", async () => {
  const whole = new Stop();
  expect(await go("whole", whole)).toBe("finished");
  for (const [what, after, graphs, steps] of stops) {
    let finished = 0;
    const cut = stopAtGraph(graphs, { counting: after === null });
    const end = await go("parts", cut.stop, (event) => {
      if (event.type === "step" && cut.stop.requested) finished += 1;
      if (after?.(event)) cut.begin();
    });
    expect([what, end, finished]).toEqual([what, "stopped", steps]);
    // A step has its passes and the optimiser's graphs; outside of one, nothing runs any more.
    if (steps === 0) expect([what, cut.runs.after]).toEqual([what, 0]);
  }
  vi.restoreAllMocks();
  expect(await go("parts", new Stop())).toBe("finished");
  expect(curve("parts")).toEqual(curve("whole"));
  const adapter = "model/adapter_model.safetensors";
  expect(await text("parts", adapter)).toBe(await text("whole", adapter));
  expect(await answers("parts")).toEqual(await answers("whole"));
  expect(readdirSync(join(root, "parts/evaluation/1-tiny")).sort()).toEqual(["first.json", "second.json"]);
});

test("what was answered of a suite before a stop is not answered again", async () => {
  const large = recipeSchema.parse({
    ...input,
    evaluate: { suites: [suite("large", 48)], maxNewTokens: 3, batchSize: 8 },
  });
  const answers = "evaluation/0-untrained/large.json";
  const parts = join(root, "run/evaluation/0-untrained/large.part.jsonl");
  const lines = () => (existsSync(parts) ? readFileSync(parts, "utf8").trim().split("\n") : []);
  let stop = new Stop();
  const onEvent = (event: RunEvent) => event.type === "stage-started" && stop.request();

  const whole = stopAtGraph(Number.POSITIVE_INFINITY, { stop });
  await go("whole", stop, onEvent, large);
  let runs = 0;
  for (let round = 0; !existsSync(join(root, "run", answers)); round++) {
    const before = lines();
    stop = new Stop();
    const cut = stopAtGraph(16, { stop });
    await go("run", stop, onEvent, large);
    runs += cut.runs.before;
    if (existsSync(parts)) {
      expect(lines().slice(0, before.length)).toEqual(before);
      expect(lines().length).toBeGreaterThan(before.length);
    }
    expect(round).toBeLessThan(10);
  }
  // A stop costs the batch that it cut off, and the graphs that look whether a device starts.
  expect(runs).toBeLessThan(1.6 * whole.runs.before);
  expect(await text("run", answers)).toBe(await text("whole", answers));
  expect(existsSync(parts)).toBe(false);
});

test("batches that a crash left half-written are answered again", async () => {
  let { stop } = stopAtGraph(16);
  await go("run", stop);
  const parts = join(root, "run/evaluation/0-untrained");
  const [file] = readdirSync(parts).filter((name) => name.endsWith(".part.jsonl"));
  const content = await readFile(join(parts, file!), "utf8");
  await writeFile(join(parts, file!), content.slice(0, -20));
  vi.restoreAllMocks();
  await go("whole", new Stop(), (event) => event.type === "stage-started" && stop.request());
  stop = new Stop();
  await go("run", stop, (event) => event.type === "stage-started" && stop.request());
  for (const name of ["first", "second"]) {
    const answers = `evaluation/0-untrained/${name}.json`;
    expect(await text("run", answers)).toBe(await text("whole", answers));
  }
});

test.each(["prompts", "model"])(
  "a stop while the %s is read leaves a folder that is no run",
  async (what) => {
    const stop = new Stop();
    if (what === "prompts") stop.request();
    const options = { folder: join(root, "run"), stop, onProgress: () => stop.request() };
    await expect(startRun(recipe, root, options)).rejects.toThrow(Stopped);
    expect(await isRun(options.folder)).toBe(false);
    const again = new Stop();
    const onEvent = ({ type }: RunEvent) => type === "stage-started" && again.request();
    expect(await startRun(recipe, root, { folder: options.folder, stop: again, onEvent })).toBe("stopped");
  },
);

test("score, generate and evaluate end within one graph of the wish", async () => {
  const ask = { model: "model", root, device: "cpu", template: "auto", threads: 1 } as const;
  const file = "starter:pairs.csv";
  const wishes = {
    generate: (signal: AbortSignal) => generateAnswers(ask, ["one", "two", "three"], 60, { signal }),
    evaluate: (signal: AbortSignal) =>
      evaluateModel(ask, {
        ...{ name: "a", out: join(root, "out"), maxNewTokens: 60, batchSize: 4, signal },
        suites: [{ name: "all", source: { file, seed: 0 } }],
      }),
    score: (signal: AbortSignal) => scorePrompts(ask, { file }, { signal }),
  };
  for (const [name, work] of Object.entries(wishes)) {
    const abort = new AbortController();
    const stop = new Stop();
    const request = stop.request.bind(stop);
    stop.request = () => {
      request();
      abort.abort(new Error("no more"));
    };
    const { runs } = stopAtGraph(12, { stop });
    await expect(work(abort.signal), name).rejects.toThrow("no more");
    expect([name, runs.before, runs.after]).toEqual([name, 12, 0]);
  }
});
