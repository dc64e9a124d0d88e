import { appendFileSync, existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { mkdtemp, readdir, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { beforeEach, expect, test } from "vitest";
import { readSafetensors } from "../../../src/engine/model/safetensors.ts";
import { runPipeline } from "../../../src/engine/run/pipeline.ts";
import { anyStop, Stop } from "../../../src/engine/run/stop.ts";
import type { RunEvent } from "../../../src/protocol/events.ts";
import { timeline } from "../../../src/protocol/timeline.ts";
import { readEvents } from "../../../src/runFolder/eventLog.ts";
import { quadraticWorkshop } from "./quadratic.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "discern-run-"));
});

const options = (stop = new Stop()) => ({
  folder,
  probeEvery: 5,
  checkpoint: { every: 4, keep: 2, best: true },
  stop,
});
const events = () => readEvents(join(folder, "events.jsonl"));
const losses = () => timeline(events()).steps.map(({ globalStep, loss }) => [globalStep, loss]);
const child = () =>
  execa(process.execPath, [join(import.meta.dirname, "quadraticChild.ts"), folder], { reject: false });

async function uninterrupted(): Promise<unknown> {
  const run = folder;
  folder = await mkdtemp(join(tmpdir(), "discern-run-"));
  await runPipeline(quadraticWorkshop(), options());
  const result = losses();
  folder = run;
  expect(result).toHaveLength(60);
  return result;
}

test("a run from start to end writes numbered events, two checkpoints and both stages", async () => {
  expect(await runPipeline(quadraticWorkshop(), options())).toBe("finished");
  const all = events();
  expect(all.map(({ seq }) => seq)).toEqual(all.map((_, i) => i));
  expect(all[0]?.type).toBe("run-started");
  expect(all.at(-1)?.type).toBe("run-finished");
  expect(timeline(all)).toMatchObject({ state: "finished" });
  expect(timeline(all).probes.map(({ globalStep }) => globalStep)).toEqual(
    Array.from({ length: 13 }, (_, i) => i * 5),
  );
  expect(all.find(({ type }) => type === "step")).toMatchObject({ gradientNorm: null });
  expect(await readdir(join(folder, "checkpoints"))).toHaveLength(2);
  expect((await readdir(join(folder, "stages"))).sort()).toEqual(["0", "1"]);
});

test("killed 20 times at random moments and resumed, the losses are those of an uninterrupted run", async () => {
  const expected = await uninterrupted();
  let kills = 0;
  for (let attempt = 0; attempt < 60 && kills < 20; attempt++) {
    const running = child();
    let over = false;
    running.finally(() => {
      over = true;
    });
    const before = events().length;
    // The clock starts when this process has begun to work, so that moments inside a checkpoint are met too.
    while (events().length === before && !over) await sleep(2);
    await sleep(Math.random() * 25);
    running.kill("SIGKILL");
    const { signal } = await running;
    if (signal === "SIGKILL") kills += 1;
    else break;
  }
  expect(kills).toBeGreaterThan(0);
  const { stdout, stderr } = await child();
  expect([stdout, stderr]).toEqual(["finished", ""]);
  expect(losses()).toEqual(expected);
  // A run that was through early is killed on, from the start, until twenty kills were survived.
  while (kills < 20) {
    folder = await mkdtemp(join(tmpdir(), "discern-run-"));
    const running = child();
    await sleep(60 + Math.random() * 250);
    running.kill("SIGKILL");
    await running;
    kills += 1;
    expect((await child()).stdout).toBe("finished");
    expect(losses()).toEqual(expected);
  }
}, 180_000);

test("SIGTERM finishes the step, saves, exits 0; the run goes on from there", async () => {
  const running = child();
  while (timeline(events()).steps.length < 7) await sleep(5);
  running.kill("SIGTERM");
  expect(await running).toMatchObject({ exitCode: 0, stdout: "stopped" });
  const at = timeline(events());
  expect(at.state).toBe("stopped");
  expect(at.last).toMatchObject({ step: at.steps.length });
  await runPipeline(quadraticWorkshop(), options());
  expect(events().find(({ type }) => type === "resumed")).toMatchObject({ step: at.steps.length });
  expect(losses()).toEqual(await uninterrupted());
});

test("a stop asked for in this process does the same", async () => {
  const stop = new Stop();
  const end = await runPipeline(quadraticWorkshop(), {
    ...options(stop),
    onEvent: (event) => event.type === "step" && event.globalStep === 33 && stop.request(),
  });
  expect(end).toBe("stopped");
  expect(await runPipeline(quadraticWorkshop(), options())).toBe("finished");
  expect(losses()).toEqual(await uninterrupted());
});

const stopAt = (globalStep: number, keepBest: boolean) => {
  const stop = new Stop();
  return {
    ...options(stop),
    onEvent: (event: RunEvent) =>
      event.type === "step" && event.globalStep === globalStep && stop.request({ keepBest }),
  };
};

test("a run that is stopped so as to keep the best ends its stage with the widest gap on the panels", async () => {
  expect(await runPipeline(quadraticWorkshop(), stopAt(58, true))).toBe("finished");
  const { probes, ends, state } = timeline(events());
  const later = probes.filter(({ stage, step }) => stage === 1 && step > 0);
  const best = later.toSorted((a, b) => b.toxic.mean! - a.toxic.mean!)[0]!;
  expect(best.step).not.toBe(later.at(-1)!.step);
  expect(ends.at(-1)).toMatchObject({ stage: 1, step: best.step, reason: "kept-best" });
  expect(state).toBe("finished");
  const { tensors } = await readSafetensors(join(folder, "stages", "1", "tensors.safetensors"));
  expect(tensors.get("weights")!.data[0]).toBe(best.generalLoss);
});

test("with nothing better kept, the stage ends where it is; later stages are left out, also on resuming", async () => {
  expect(await runPipeline(quadraticWorkshop(), stopAt(9, true))).toBe("finished");
  const { ends } = timeline(events());
  expect(ends).toMatchObject([{ stage: 0, step: 9, reason: "kept-best" }]);
  expect(await readdir(join(folder, "stages"))).toEqual(["0"]);
  await runPipeline(quadraticWorkshop(), options());
  expect(timeline(events()).steps).toHaveLength(9);
});

test("who asked for the best may still stop at once", async () => {
  const stop = new Stop();
  stop.request({ keepBest: true });
  stop.request();
  expect(anyStop(stop, { requested: true, keepBest: true })).toMatchObject({
    requested: true,
    keepBest: false,
  });
  expect(await runPipeline(quadraticWorkshop(), options(stop))).toBe("stopped");
});

test.each([
  ["half a line", () => appendFileSync(join(folder, "events.jsonl"), '{"type":"st')],
  ["a line that is no event", () => appendFileSync(join(folder, "events.jsonl"), "nonsense\n")],
])("a log that ends in %s goes on on a fresh line", async (_, damage) => {
  const stop = new Stop();
  stop.request();
  await runPipeline(quadraticWorkshop(), options(stop));
  damage();
  expect(await runPipeline(quadraticWorkshop(), options())).toBe("finished");
  expect(losses()).toEqual(await uninterrupted());
  expect(readFileSync(join(folder, "events.corrupt"), "utf8")).toMatch(/^(\{"type":"st|nonsense)\n$/);
  expect(events().map(({ seq }) => seq)).toEqual(events().map((_, i) => i));
});

test.each(["state.json", "tensors.safetensors"])(
  "a newest checkpoint with a damaged %s is passed over, and this is said",
  async (file) => {
    const stop = new Stop();
    await runPipeline(quadraticWorkshop(), {
      ...options(stop),
      onEvent: (event) => event.type === "step" && event.globalStep === 10 && stop.request(),
    });
    const path = join(folder, "checkpoints", "stage-0-step-000010", file);
    await truncate(path, readFileSync(path).length - 3);
    await runPipeline(quadraticWorkshop(), options());
    expect(events().find(({ type }) => type === "resumed")).toMatchObject({
      checkpoint: "stage-0-step-000008",
      skipped: ["stage-0-step-000010"],
    });
    expect(losses()).toEqual(await uninterrupted());
  },
);

test("a loss that is not finite saves the last good state and says so", async () => {
  await expect(runPipeline(quadraticWorkshop({ failAt: 6 }), options())).rejects.toMatchObject({
    code: "loss-not-finite",
  });
  const last = events().slice(-3);
  expect(last).toMatchObject([
    { type: "checkpoint", step: 6 },
    { type: "stage-finished", reason: "loss-not-finite" },
    { type: "run-failed", code: "loss-not-finite" },
  ]);
  await runPipeline(quadraticWorkshop(), options());
  expect(losses()).toEqual(await uninterrupted());
});

test("a folder that cannot be written is named", async () => {
  const file = join(folder, "file");
  await writeFile(file, "");
  await expect(runPipeline(quadraticWorkshop(), { ...options(), folder: file })).rejects.toMatchObject({
    code: "run-unwritable",
    message: expect.stringContaining(file),
  });
});

const goes = {
  deleted: () => rmSync(folder, { recursive: true }),
  moved: () => renameSync(folder, `${folder}-moved`),
};

test.each([
  // Between checkpoints, just before one, and just before the stage is kept.
  ["deleted", 6],
  ["deleted", 8],
  ["deleted", 12],
  ["moved", 6],
  ["moved", 8],
] as const)(
  "a run whose folder is %s after step %i ends, and makes no new one in its place",
  async (how, last) => {
    const run = runPipeline(quadraticWorkshop(), {
      ...options(),
      onEvent: (event) => {
        if (event.type === "step" && event.globalStep === last) goes[how]();
      },
    });
    await expect(run).rejects.toMatchObject({
      code: "run-unwritable",
      message: expect.stringContaining("is gone"),
    });
    expect(existsSync(folder)).toBe(false);
  },
);
