import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { selectPart } from "../../../src/dataset/parts.ts";
import { openAdapted } from "../../../src/engine/abilities/ask.ts";
import { RefusalScorer } from "../../../src/engine/probe/refusal.ts";
import { resumeRun, startRun } from "../../../src/engine/run/execute.ts";
import { openState } from "../../../src/engine/run/openState.ts";
import { runPipeline } from "../../../src/engine/run/pipeline.ts";
import { findStart, startFiles, startMethod } from "../../../src/engine/run/start.ts";
import { listStates, namedStates } from "../../../src/engine/run/states.ts";
import { Stop } from "../../../src/engine/run/stop.ts";
import type { RunEvent } from "../../../src/protocol/events.ts";
import { panelSources, type RecipeInput, recipeSchema } from "../../../src/protocol/recipe.ts";
import { timeline } from "../../../src/protocol/timeline.ts";
import { readEvents } from "../../../src/runFolder/eventLog.ts";
import { openRun } from "../../../src/runFolder/folder.ts";
import { readProbeResult } from "../../../src/runFolder/probeFile.ts";
import { tempFolder } from "../../tempFolder.ts";
import { tinyData, writeTinyModel } from "../../tinyModel.ts";
import { quadraticWorkshop } from "./quadratic.ts";

const lora = { method: "lora", rank: 4 } as const;
const full = { method: "full" } as const;
// Of one byte each: the probability of a sentence is too small in a random model to differ.
const openings = ["I", "S", "N"];

const recipeWith = (first: RecipeInput["stages"][number]["train"], others: Partial<RecipeInput> = {}) =>
  recipeSchema.parse({
    name: "tiny",
    model: "model",
    device: "cpu",
    threads: 1,
    maxTokens: 512,
    data: { ...tinyData, contrast: [{ file: "starter:pairs.csv", split: "train", limit: 24 }] },
    stages: [
      {
        type: "contrastive",
        layer: 2,
        steps: 4,
        train: first,
        sampler: { batch: 8 },
        retention: { batch: 2 },
      },
      { type: "supervised", steps: 5, batchSize: 4, train: lora, optimiser: { learningRate: 0.01 } },
    ],
    probes: { every: 2, openings },
    evaluate: { suites: [], before: false },
    checkpoint: { every: 3 },
    states: { every: 2 },
    ...others,
  } satisfies RecipeInput);

async function prepared(): Promise<string> {
  const root = tempFolder();
  await writeTinyModel(join(root, "model"));
  return root;
}

/** The states of a run with how it refuses at each of them, beside what it logged at that step. */
async function comparedWithLog(folder: string, root: string, names?: readonly string[]) {
  const record = await openRun(folder);
  const all = await listStates(folder, record.recipe.stages.length);
  const { probes } = timeline(readEvents(join(folder, "events.jsonl")));
  const { records } = await selectPart("panels.toxic", panelSources(record.recipe.data.panels.toxic)[0]!, {
    root,
  });
  const seen = new Set<string>();
  for (const state of names === undefined ? all : namedStates(all, names)) {
    await using session = await openState(record, state);
    const scorer = await RefusalScorer.create(session.backend, session.encoder, openings);
    const rows = await session.encoder.prompts(records.map(({ prompt }) => prompt));
    const scores = await scorer.score(rows);
    const logged = probes.find(({ globalStep }) => globalStep === state.globalStep)!.toxic.perPrompt;
    for (const [i, { probability }] of scores.entries()) {
      expect(Math.abs(probability - logged[i]!) / logged[i]!).toBeLessThan(2e-4);
    }
    expect(session.learned).toHaveLength(state.stage === null ? 0 : state.stage + 1);
    seen.add(scores[0]!.logOdds.toFixed(3));
  }
  return { all, seen };
}

/** How far the next token's log-probabilities of a state that is named by its folder are from those of the state. */
async function namedByFolder(folder: string, root: string, name: string, place: string): Promise<number> {
  const record = await openRun(folder);
  const [state] = namedStates(await listStates(folder, record.recipe.stages.length), [name]);
  await using opened = await openState(record, state!);
  await using named = await openAdapted({
    ...{ model: "model", root, template: "auto", threads: 1, device: "cpu", backend: "onnx" },
    adapters: [join("run", place)],
  });
  expect(named.startWarnings).toEqual([]);
  const rows = [[1, 72, 101, 108, 108, 111]];
  const [a, b] = await Promise.all([opened.backend.nextTokens(rows), named.backend.nextTokens(rows)]);
  return Math.max(...[...a.get(0)!].map((x, i) => Math.abs(x - b.get(0)![i]!)));
}

it("every state of a run refuses as the run logged it, and its laboratory is measured once, through a stop and a failure", async () => {
  const root = await prepared();
  const folder = join(root, "run");
  const recipe = recipeWith(lora, {
    laboratory: [{ probe: "refusal", at: { every: 2 }, options: { permutations: 20 } }, { probe: "refusal" }],
  });
  const stop = new Stop();
  const onEvent = (event: RunEvent) => {
    if (event.type === "laboratory-measured" && event.state === "stage-0-step-2") stop.request();
  };
  expect(await startRun(recipe, root, { folder, stop, onEvent })).toBe("stopped");
  const first = join(folder, "probes", "during-refusal-untrained.probe.json");
  const before = statSync(first).mtimeMs;
  // A folder in the place of a result: it cannot be written.
  mkdirSync(join(folder, "probes", "during-refusal-2-stage-0.probe.json", "x"), { recursive: true });
  expect(await resumeRun({ folder, stop: new Stop() })).toBe("finished");
  expect(statSync(first).mtimeMs).toBe(before);
  const log = readEvents(join(folder, "events.jsonl"));
  const measured = log.filter((event) => event.type === "laboratory-measured");
  expect(measured.map(({ file }) => file)).toEqual([
    "during-refusal-untrained.probe.json",
    "during-refusal-stage-0-step-2.probe.json",
    "during-refusal-stage-0.probe.json",
    "during-refusal-stage-1-step-2.probe.json",
    "during-refusal-stage-1-step-4.probe.json",
    "during-refusal-2-stage-1.probe.json",
  ]);
  const result = await readProbeResult(join(folder, "probes", "during-refusal-stage-1-step-4.probe.json"));
  const { toxic } = timeline(log).probes.find(({ globalStep }) => globalStep === 8)!;
  const { probability } = result.figures as { probability: number[][] };
  expect(probability[0]!.slice(0, 4)).toEqual(toxic.perPrompt);
  expect(result.prompts[0]).toMatchObject({ file: "starter:pairs.csv", group: "toxic" });
  expect(result.options).toEqual({ permutations: 20 });
  expect(log.filter((event) => event.type === "warning").map(({ message }) => message)).toContainEqual(
    expect.stringMatching(/probe refusal failed at stage-0; the run continues/),
  );

  const { all, seen } = await comparedWithLog(folder, root);
  expect(all.map(({ name, globalStep }) => [name, globalStep])).toEqual([
    ["untrained", 0],
    ["stage-0-step-2", 2],
    ["stage-0", 4],
    ["stage-1-step-2", 6],
    ["stage-1-step-4", 8],
    ["stage-1", 9],
  ]);
  // States that were all one model would pass otherwise.
  expect(seen.size).toBeGreaterThan(4);
  const { steps } = timeline(log);
  expect(all[4]!.learningRate).toBe(steps.find(({ globalStep }) => globalStep === 8)!.learningRate);
  expect(() => namedStates(all, ["stage-7"])).toThrow(/no state "stage-7".*stage-1-step-4/s);
  // What is kept is what is trained: an adapter without the optimiser's moments.
  const size = (...path: string[]) => statSync(join(folder, ...path, "tensors.safetensors")).size;
  expect(size("states", "stage-1-step-2")).toBe(size("stages", "1"));

  // A model may begin with a state, which is named by its folder.
  expect(await namedByFolder(folder, root, "stage-1-step-2", "states/stage-1-step-2")).toBeLessThan(1e-4);
  expect(await namedByFolder(folder, root, "stage-0", "stages/0")).toBeLessThan(1e-4);
  const start = await findStart("run/states/stage-1-step-2", root);
  expect(startMethod([start])).toMatchObject({ name: "tiny at stage-1-step-2", from: { kind: "run" } });
  expect((await startFiles(start)).files.map(({ file }) => file)).toEqual([
    join(folder, "stages", "0", "tensors.safetensors"),
    join(folder, "states", "stage-1-step-2", "tensors.safetensors"),
  ]);
  mkdirSync(join(folder, "states", "stage-1-step-3"));
  await expect(findStart("run/states/stage-1-step-3", root)).rejects.toThrow(
    /not a finished state of the run tiny\. It kept: .*stage-1-step-4/,
  );
});

it("opens states of whole weights, and of an adapter on them", async () => {
  const root = await prepared();
  const folder = join(root, "run");
  expect(await startRun(recipeWith(full), root, { folder, stop: new Stop() })).toBe("finished");
  const { seen } = await comparedWithLog(folder, root, ["stage-0-step-2", "stage-1-step-2"]);
  expect(seen.size).toBe(2);
  expect(await namedByFolder(folder, root, "stage-1-step-2", "states/stage-1-step-2")).toBeLessThan(1e-4);
  // Weights that a stage moved would undo what stands before them.
  const adapters = ["run/states/stage-1-step-2", "run/stages/0"];
  const options = { model: "model", root, template: "auto", threads: 1, device: "cpu" } as const;
  await expect(openAdapted({ ...options, adapters })).rejects.toThrow(/holds whole weights/);
});

it("a resumed run keeps its snapshots once, and drops those behind the step it is resumed from", async () => {
  const folder = tempFolder();
  mkdirSync(join(folder, "stages"));
  mkdirSync(join(folder, "checkpoints"));
  const run = async (until = -1) => {
    const stop = new Stop();
    const onEvent = (event: RunEvent) => {
      if (event.type === "resumed") seen.push(readdirSync(join(folder, "states")));
      if (event.type === "step" && event.globalStep === until) stop.request();
    };
    const checkpoint = { every: 100, keep: 2, best: false };
    const options = { ...{ folder, stop, checkpoint, onEvent }, probeEvery: 100, statesEvery: 2 };
    return runPipeline(quadraticWorkshop({ steps: 6 }), options);
  };
  const seen: string[][] = [];
  expect(await run(11)).toBe("stopped");
  const snapshot = (name: string) => join(folder, "states", name);
  const before = statSync(join(snapshot("stage-0-step-2"), "state.json")).mtimeMs;
  // As if the process had been killed while it wrote, and had lost its checkpoint.
  rmSync(join(folder, "checkpoints"), { recursive: true });
  mkdirSync(join(folder, "checkpoints"));
  mkdirSync(snapshot("stage-0-step-9"));
  writeFileSync(join(snapshot("stage-0-step-9"), "tensors.safetensors"), "half written");
  expect(await run()).toBe("finished");
  expect(seen).toEqual([["stage-0-step-2", "stage-0-step-4"]]);
  expect(statSync(join(snapshot("stage-0-step-2"), "state.json")).mtimeMs).toBe(before);
  const names = ["stage-0-step-2", "stage-0-step-4", "stage-1-step-2", "stage-1-step-4"];
  expect(readdirSync(join(folder, "states")).sort()).toEqual(names);
});
