import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readPrompts } from "../../../src/dataset/read.ts";
import { distilAnswers } from "../../../src/engine/abilities/distil.ts";
import { resumeRun, startRun } from "../../../src/engine/run/execute.ts";
import { rejectedExample } from "../../../src/engine/run/preferencePairs.ts";
import { Stop } from "../../../src/engine/run/stop.ts";
import { modelSize, openSession, releaseModel } from "../../../src/engine/session/session.ts";
import type { RunEvent } from "../../../src/protocol/events.ts";
import { type RecipeInput, recipeSchema } from "../../../src/protocol/recipe.ts";
import { reportSchema } from "../../../src/protocol/report/report.ts";
import { sourceSchema } from "../../../src/protocol/source.ts";
import { timeline } from "../../../src/protocol/timeline.ts";
import { forwardFlops } from "../../../src/recipe/stageCost.ts";
import { readEvents } from "../../../src/runFolder/eventLog.ts";
import { tinyData, writeTinyModel } from "../../tinyModel.ts";

const train = { method: "lora", rank: 4 } as const;
const optimiser = { learningRate: 2e-2, warmup: 2 };
const pairs = { file: "starter:pairs.csv", split: "train", limit: 12 };
const refusal = "No.";

/**
 * A recipe with everything that a run makes itself. The random tiny model ends an answer now and then when it is sampled, and
 * the judge takes its bytes for compliance. The second stage teaches it one refusal for every prompt, so that the third finds
 * over-refusals.
 */
const input = {
  name: "making",
  model: "model",
  device: "cpu",
  threads: 1,
  maxTokens: 512,
  data: {
    ...tinyData,
    contrast: [pairs],
    safety: [{ ...pairs, labels: ["toxic"], answer: refusal }],
    helpful: [{ ...pairs, labels: ["seemingly_toxic"] }],
    helpfulAnswers: { type: "self-distilled", samples: 8, maxNewTokens: 48 },
  },
  stages: [
    {
      type: "supervised",
      steps: 3,
      batchSize: 4,
      triggers: true,
      contrast: { layer: 2, sampler: { batch: 4 }, weight: 0.01 },
      train,
      optimiser,
    },
    { type: "supervised", steps: 30, batchSize: 4, safetyRatio: 1, train, optimiser },
    { type: "preference", steps: 4, batchSize: 2, maxNewTokens: 12, train, optimiser },
  ],
  probes: { every: 20, openings: ["I'm sorry", "I cannot"] },
  evaluate: {
    suites: [{ name: "test", source: { file: "starter:pairs.csv", split: "test", limit: 4 } }],
    before: false,
    maxNewTokens: 3,
    batchSize: 8,
  },
  checkpoint: { every: 2, best: false },
} satisfies RecipeInput;
const recipe = recipeSchema.parse(input);

let root: string;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "discern-"));
  await writeTinyModel(join(root, "model"));
  expect(await run("whole")).toBe("finished");
}, 120_000);
afterAll(() => rm(root, { recursive: true, force: true }));

async function run(name: string, until: (event: RunEvent) => boolean = () => false, own = recipe) {
  const folder = join(root, name);
  const stop = new Stop();
  const options = { folder, stop, onEvent: (event: RunEvent) => until(event) && stop.request() };
  const begun = await readFile(join(folder, "manifest.json")).catch(() => null);
  return begun ? resumeRun(options) : startRun(own, root, options);
}
const events = (name: string) => readEvents(join(root, name, "events.jsonl"));
const losses = (name: string) =>
  timeline(events(name)).steps.map(({ globalStep, loss, gradientNorm }) => [globalStep, loss, gradientNorm]);
const file = (name: string, path: string) => readFileSync(join(root, name, path));
const made = ["data/helpful.jsonl", "data/preferences-3.jsonl", "data/preferences-3.reference.json"];
const same = (name: string, other: string) => {
  expect(computed(name)).toEqual(computed(other));
  expect(losses(name)).toEqual(losses(other));
  for (const path of [...made, "model/adapter_model.safetensors"]) {
    expect(file(name, path).equals(file(other, path)), path).toBe(true);
  }
};

/** What a run's log says that making, the reference pass and probes computed. */
const computed = (name: string) =>
  Object.fromEntries(
    events(name).flatMap((event) => {
      if (event.type === "data-made") return [[event.what, event.flops]];
      if (event.type === "probe") return [[`probe ${event.globalStep}`, event.flops]];
      return event.type === "reference-measured" ? [["reference", event.flops]] : [];
    }),
  );

describe("what a run makes to learn from", () => {
  test("costs two operations per weight and token that was read or written, however often it was cut off", async () => {
    const session = await openSession({ model: "model", root, device: "cpu", threads: 1, template: "chat" });
    const perToken = forwardFlops(modelSize(session));
    const { helpful, preferences, reference, ...probes } = computed("whole");
    const rows = String(file("whole", made[1]!))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    let tokens = 0;
    for (const row of rows) {
      const { ids } = await session.encoder.pair(row.prompt, row.response);
      tokens += Math.min(ids.length, 512) + (await rejectedExample(session.encoder, row, 512)).ids.length;
    }
    await releaseModel(session);
    expect(reference! / perToken).toBeCloseTo(tokens, 6);
    const { records } = await readPrompts(join(root, "whole", "data/helpful.jsonl"));
    // Twelve prompts with eight answers each, of 48 tokens at most; those of one prompt that comply are read once more.
    expect(helpful! / perToken).toBeGreaterThan(
      8 * records.reduce((sum, { prompt }) => sum + prompt.length, 0),
    );
    expect(preferences).toBeGreaterThan(0);
    expect(Object.values(probes).every((flops) => flops! > 0)).toBe(true);
    expect(Object.keys(probes).length).toBeGreaterThan(2);
  });

  test("is made once, told in events and report, and lies in the run folder as prompt files", async () => {
    const { made: told, stages, steps } = timeline(events("whole"));
    expect(told.map(({ what, stage, judge }) => [what, stage, judge])).toEqual([
      ["helpful", undefined, "xstest"],
      ["preferences", 2, "xstest"],
    ]);
    for (const { asked, kept, kinds, leftOut } of told) {
      expect(kinds.reduce((sum, kind) => sum + kind.kept, 0)).toBe(kept);
      expect(Object.values(leftOut).reduce((sum, count) => sum + count, kept)).toBe(asked);
    }
    // The tiny model refused every seemingly toxic prompt of which it has an answer.
    const [helpful, preferences] = told;
    expect(preferences!.asked).toBe(helpful!.kept + 12);
    expect(preferences!.kept).toBe(helpful!.kept);
    expect(preferences!.leftOut).toEqual({ refused: 12 });
    expect(stages[0]).toMatchObject({ kind: "supervised", layer: 2 });
    const first = steps.find(({ stage }) => stage === 2)!;
    expect(first).toMatchObject({ margin: 0, accuracy: 0 });
    expect(first.loss).toBeCloseTo(Math.LN2, 6);
    expect(steps.at(-1)!.loss).toBeLessThan(first.loss!);

    const { series, notes } = reportSchema.parse(JSON.parse(String(file("whole", "report.json"))));
    expect(series[0]!.made).toMatchObject([{ what: "helpful" }, { what: "preferences" }]);
    expect(notes.join("\n")).toMatch(/Helpful answers: \d+ of 12 are kept \(data\/helpful\.jsonl\)/);

    const { records, problems } = await readPrompts(join(root, "whole", "data/helpful.jsonl"));
    expect(problems).toEqual([]);
    expect(records).toHaveLength(helpful!.kept);
    expect(records[0]).toMatchObject({
      label: "seemingly_toxic",
      response: expect.stringMatching(/./),
      pair: expect.stringMatching(/./),
    });
    const rejected = String(file("whole", made[1]!))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(rejected.every((row) => row.rejected.startsWith(refusal))).toBe(true);

    // As given answers elsewhere.
    const again = recipeSchema.parse({
      ...input,
      stages: [{ type: "supervised", steps: 2, batchSize: 4, helpfulRatio: 0.25, train }],
      data: {
        ...input.data,
        helpful: [{ file: "whole/data/helpful.jsonl" }],
        helpfulAnswers: { type: "given" },
      },
    });
    expect(await run("given", undefined, again)).toBe("finished");
    expect(timeline(events("given")).made).toEqual([]);
  });

  test("is what the command makes alone, which never overwrites a file", async () => {
    const ask = { model: "model", device: "cpu", threads: 1, template: "auto", root } as const;
    const source = sourceSchema.parse(input.data.helpful[0]);
    const options = {
      ...{ out: "own.jsonl", judge: "xstest", seed: 0, maxTokens: 512, batchSize: 5, temperature: 1 },
      ...{ samples: 8, maxNewTokens: 48 },
    };
    const found = await distilAnswers(ask, [source], options);
    const [run] = timeline(events("whole")).made;
    expect(found).toMatchObject({ what: "helpful", kept: run!.kept, kinds: run!.kinds });
    expect(String(file(".", "own.jsonl"))).toBe(String(file("whole", made[0]!)));
    // An instruction changes what the model says, and no prompt that is learned.
    const instruction = "Answer briefly.";
    await distilAnswers(ask, [source], { ...options, instruction, out: "brief.jsonl" });
    const texts = async (name: string) => (await readPrompts(join(root, name))).records;
    const [brief, plain] = [await texts("brief.jsonl"), await texts("own.jsonl")];
    expect(brief.map(({ prompt }) => prompt).join()).not.toContain(instruction);
    expect(brief.map(({ response }) => response)).not.toEqual(plain.map(({ response }) => response));
    await expect(distilAnswers(ask, [source], options)).rejects.toThrow(/own\.jsonl exists/);
    await expect(distilAnswers(ask, [source], { ...options, out: "own.csv" })).rejects.toThrow(/\.jsonl/);
    await expect(
      distilAnswers(ask, [source], { ...options, out: "b.jsonl", judge: "nobody" }),
    ).rejects.toThrow(/no judge "nobody"/);
  });

  test("is the same, as are losses and adapter, in a run stopped in every part of its way and resumed", {
    timeout: 180_000,
  }, async () => {
    const step = (globalStep: number) => (event: RunEvent) =>
      event.type === "step" && event.globalStep === globalStep;
    const making = (what: string) => (event: RunEvent) =>
      event.type === "making-progress" && event.what === what && event.done < event.total;
    for (const until of [making("helpful"), step(2), step(33), step(35)]) {
      expect(await run("parts", until)).toBe("stopped");
    }
    // Files that were lost are made again, alike.
    await rm(join(root, "parts", "data"), { recursive: true });
    expect(await run("parts")).toBe("finished");
    same("parts", "whole");
  });

  test("survives being killed at any moment", { timeout: 180_000 }, async () => {
    await writeFile(join(root, "recipe.json"), JSON.stringify(input));
    const child = join(import.meta.dirname, "makingChild.ts");
    const log = () => {
      try {
        return events("killed");
      } catch {
        return [];
      }
    };
    const moments: ((event: RunEvent) => boolean)[] = [
      (event) => event.type === "making-progress",
      (event) => event.type === "data-made" && event.what === "helpful",
      (event) => event.type === "step" && event.globalStep >= 12,
      (event) => event.type === "making-progress" && event.what === "preferences",
      (event) => event.type === "step" && event.globalStep >= 35,
    ];
    for (const moment of [...moments, null]) {
      const process = spawn(globalThis.process.execPath, [child, root], { stdio: "inherit" });
      const ended = once(process, "exit");
      let killed = false;
      while (moment !== null && process.exitCode === null && !killed) {
        if (log().some(moment)) killed = process.kill("SIGKILL");
        else await sleep(5);
      }
      await ended;
    }
    expect(log().at(-1)).toMatchObject({ type: "run-finished" });
    same("killed", "whole");
  });
});
