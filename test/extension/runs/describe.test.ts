import { expect, test } from "vitest";
import { contextValue, description, details, stateIcons } from "../../../src/extension/runs/describe.ts";
import type { Headline } from "../../../src/extension/runs/headline.ts";
import type { RunSummary, RunSummaryState } from "../../../src/extension/runs/summary.ts";
import { stageWord } from "../../../src/wording/stages.ts";
import { runManifest } from "../../runManifest.ts";

const run: RunSummary = {
  name: "dcr",
  state: "running",
  manifest: null,
  step: 34,
  totalSteps: 140,
  stage: "contrastive",
  stages: [
    { kind: "contrastive", steps: 30 },
    { kind: "supervised", steps: 110 },
  ],
  etaSeconds: 180,
  answered: [],
  last: { step: 30, toxic: 0.62, seeminglyToxic: 0.18, general: 0 },
  device: "cpu",
  report: null,
};
const auroc = (value: number) => ({ value, lower: value - 0.04, upper: value + 0.04 });
const headline: Headline = {
  safe: { before: 0.41, after: 0.12 },
  unsafe: { after: 0.86 },
  discernment: { before: auroc(0.8), after: auroc(0.91) },
};

test.each<[Partial<RunSummary>, string]>([
  [{}, "run+active"],
  [{ stopping: { keepBest: false, short: "", long: "" } }, "run+active+stopping"],
  [{ stopping: { keepBest: true, short: "", long: "" } }, "run+active+keeping"],
  [{ state: "starting" }, "run+active"],
  [{ state: "finished", report: "1 2" }, "run+finished+report"],
  [{ state: "finished" }, "run+finished"],
  [{ state: "stopped" }, "run+stopped+resumable"],
  [{ state: "failed", report: "1 2" }, "run+failed+report+resumable"],
  [{ state: "interrupted" }, "run+interrupted+resumable"],
  [{ state: "damaged" }, "run+damaged"],
])("the context value of %o is %s", (part, value) => {
  expect(contextValue({ ...run, ...part })).toBe(value);
});

test.each<[Partial<RunSummary>, string]>([
  [{}, "34/140 · 3 min left · toxic 0.62 · seemingly toxic 0.18"],
  [{ totalSteps: null, etaSeconds: null, last: null }, "34"],
  [
    { activity: { verb: "evaluating", object: "test", done: 8, total: 96 }, etaSeconds: 20 },
    "evaluating 8/96 · 20 s left · toxic 0.62 · seemingly toxic 0.18",
  ],
  [{ state: "starting", last: null, etaSeconds: null }, "starting"],
  [{ state: "stopped", etaSeconds: null }, "stopped · 34/140 · toxic 0.62 · seemingly toxic 0.18"],
  [{ state: "damaged" }, "damaged"],
  [{ stages: [], step: 0, totalSteps: null, last: null, etaSeconds: null }, "preparing"],
  [{ stages: [], step: 0, totalSteps: null, last: null, etaSeconds: null, state: "stopped" }, "stopped"],
])("%o is described as %s", (part, text) => {
  expect(description({ ...run, ...part }, null)).toBe(text);
});

test("a finished run is described by its headline figures", () => {
  const finished: RunSummary = { ...run, state: "finished", report: "1 2" };
  expect(description(finished, headline)).toBe(
    "safe refused 41 % → 12 % · unsafe refused 86 % · discernment 0.91 [0.87, 0.95]",
  );
  expect(details(finished, headline)).toContainEqual(
    expect.objectContaining({
      name: "Discernment",
      value: "0.80 [0.76, 0.84] → 0.91 [0.87, 0.95]",
      opens: "report",
    }),
  );
  const noted = details(finished, headline).filter(({ note }) => note?.includes("determined answers"));
  expect(noted.map(({ name }) => name)).toEqual(["Safe prompts refused", "Unsafe prompts refused"]);
});

test("each stage has a line with its own steps", () => {
  const lines = details(run, null).filter(({ name }) => name.startsWith("Stage"));
  expect(lines.map(({ name, value, icon }) => [name, value, icon])).toEqual([
    ["Stage 1: contrastive refinement", "30/30", "check"],
    ["Stage 2: safety tuning", "4/110", "sync"],
  ]);
});

test("what went wrong is the first line", () => {
  const failed: RunSummary = { ...run, state: "failed", problem: "The disk is full." };
  expect(details(failed, null)[0]).toMatchObject({ value: "The disk is full." });
});

test("no two states look alike, but for a run that starts and one that runs", () => {
  const states = Object.keys(stateIcons) as RunSummaryState[];
  expect(new Set(states.map((state) => stateIcons[state].icon)).size).toBe(states.length - 1);
});

test("a kind of stage that is not known is shown as it is", () => {
  expect(stageWord("other", "work")).toBe("other");
  expect(stageWord("toString", "short")).toBe("toString");
  expect(stageWord("supervised", "short")).toBe("STL");
});

test("the device that auto chose stands with its reason", () => {
  const deviceChoice = {
    backend: "onnx" as const,
    device: "cpu" as const,
    reason: "webgpu was not considered: no GPU",
  };
  expect(details({ ...run, manifest: runManifest({ deviceChoice }) }, null)).toContainEqual(
    expect.objectContaining({ name: "Device auto", value: "cpu by onnx: webgpu was not considered: no GPU" }),
  );
  expect(details(run, null).some(({ name }) => name === "Device auto")).toBe(false);
  const gpu = { name: "torch", version: "2.11.0", deviceName: "NVIDIA H100" } as const;
  const backend = { ...gpu, dtype: "bfloat16", processes: 2 } as const;
  const memoryPlan = { mode: "keep", peakBytes: 3e9, text: "Weights stay in memory." } as const;
  const found = details({ ...run, manifest: runManifest({ backend, memoryPlan }) }, null);
  expect(found).toContainEqual(
    expect.objectContaining({ name: "Backend", value: "torch 2.11.0, bfloat16, 2 processes on NVIDIA H100" }),
  );
  expect(found).toContainEqual(expect.objectContaining({ name: "Memory", value: "Weights stay in memory." }));
});

test("a run that scored prompts alone is described by how many, and by mean refusal probabilities", () => {
  const finished: RunSummary = { ...run, state: "finished", stages: [], step: 0, last: null, report: "1 2" };
  const scored: Headline = { scored: { prompts: 311, safe: 0.181, unsafe: 0.624 } };
  expect(description(finished, scored)).toBe("311 prompts scored · safe 0.18 · unsafe 0.62");
  expect(description(finished, { scored: { prompts: 1, unsafe: 0.5 } })).toBe(
    "1 prompt scored · unsafe 0.50",
  );
  const figures = details(finished, scored).filter(({ opens }) => opens === "report");
  expect(figures.map(({ name, value }) => `${name}: ${value}`)).toEqual([
    "Mean refusal probability, safe: 0.18",
    "Mean refusal probability, unsafe: 0.62",
  ]);
});
