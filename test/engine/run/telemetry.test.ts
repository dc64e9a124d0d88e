import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { watchPeak } from "../../../src/engine/run/peakMemory.ts";
import { runPipeline } from "../../../src/engine/run/pipeline.ts";
import { Stop } from "../../../src/engine/run/stop.ts";
import { StageTelemetry } from "../../../src/engine/run/telemetry.ts";
import { type DeviceUse, telemetryWords } from "../../../src/protocol/telemetry.ts";
import { readEvents } from "../../../src/runFolder/eventLog.ts";
import { quadraticWorkshop } from "./quadratic.ts";

const gpu: DeviceUse = {
  ...{ bytes: 10e9, peakBytes: 12e9, totalBytes: 80e9, utilisation: 0.5 },
  ...{ processBytes: 1e9, processPeakBytes: 3e9 },
};

test("an event has the pace since the last one, the stage's end that of all steps but the first three, and peaks", async () => {
  const found = [
    gpu,
    { ...gpu, peakBytes: 20e9, utilisation: 0.9 },
    { ...gpu, processPeakBytes: 2e9, utilisation: null },
  ];
  const telemetry = new StageTelemetry(async () => found.shift()!, 0);
  const place = { stage: 1, step: 7 };
  const first = await telemetry.step(place, 100, 10);
  expect(first).toMatchObject({ type: "telemetry", ...place, tokensPerSecond: 10, use: gpu });
  expect(first).toMatchObject({ processBytes: expect.closeTo(process.memoryUsage.rss() + 1e9, -9) });
  const slow = new StageTelemetry(async () => gpu);
  for (const seconds of [100, 100, 100, 1, 3]) expect(await slow.step(place, 40, seconds)).toBeNull();
  expect(await slow.summary()).toMatchObject({
    tokensPerSecond: 20,
    devicePeakBytes: 12e9,
    utilisation: 0.5,
  });
  await telemetry.step(place, 1, 1);
  const summary = await telemetry.summary();
  expect(summary).toMatchObject({ tokensPerSecond: null, devicePeakBytes: 20e9, utilisation: 0.7 });
  expect(summary.peakBytes).toBeGreaterThan(3e9);
});

test("work between steps has its own peaks, which the stage has, too; a device forgets its peak when it is asked", async () => {
  const told = [
    { ...gpu, peakBytes: 30e9 },
    { ...gpu, peakBytes: 18e9, processPeakBytes: 50e9 },
    { ...gpu, peakBytes: 12e9 },
  ];
  const telemetry = new StageTelemetry(async () => told.shift()!, 0);
  const { found, ...peaks } = await telemetry.during(async () => "found");
  expect([found, peaks.devicePeakBytes]).toEqual(["found", 18e9]);
  expect(peaks.peakBytes).toBeGreaterThan(50e9);
  const summary = await telemetry.summary();
  expect(summary.devicePeakBytes).toBe(30e9);
  expect(summary.peakBytes).toBeGreaterThan(50e9);
});

test.runIf(process.platform === "linux")(
  "what is watched keeps a peak when something else begins to be watched",
  async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const outer = watchPeak();
    let held: Buffer | null = Buffer.alloc(300e6, 1);
    const peak = outer();
    expect(peak).toBeGreaterThan(held.length);
    held = null;
    // Another thread gives the memory back, some time after the collection.
    const left = () => {
      collect();
      return process.memoryUsage.rss();
    };
    await expect.poll(left, { timeout: 10_000 }).toBeLessThan(peak - 250e6);
    const inner = watchPeak();
    expect(inner()).toBeLessThan(peak - 200e6);
    expect(outer()).toBeGreaterThanOrEqual(peak);
  },
);

test("a backend that tells nothing leaves the process's memory and the pace", async () => {
  const telemetry = new StageTelemetry(async () => null, 0);
  const event = await telemetry.step({ stage: 0, step: 1 }, 64, 0.5);
  expect(event).toEqual({
    ...{ type: "telemetry", stage: 0, step: 1, tokensPerSecond: 128, processBytes: expect.any(Number) },
  });
  expect(Object.keys(await telemetry.summary()).sort()).toEqual(["peakBytes", "tokensPerSecond"]);
});

test("a run's log has events between steps and a summary of each stage; a resumed run reads them", async () => {
  const folder = await mkdtemp(join(tmpdir(), "discern-telemetry-"));
  const options = { folder, probeEvery: 5, checkpoint: { every: 4, keep: 2, best: false } };
  const workshop = { ...quadraticWorkshop({ steps: 6 }), use: async () => gpu };
  await runPipeline(workshop, { ...options, stop: new Stop(), telemetryEvery: 0 });
  const events = readEvents(join(folder, "events.jsonl"));
  const told = events.filter(({ type }) => type === "telemetry");
  expect(told).toHaveLength(12);
  for (const event of told) expect(events[event.seq - 1]).toMatchObject({ type: "step" });
  const ends = events.filter(({ type }) => type === "stage-finished");
  expect(ends).toHaveLength(2);
  for (const end of ends)
    expect(end).toMatchObject({
      devicePeakBytes: 12e9,
      utilisation: 0.5,
      tokensPerSecond: expect.any(Number),
    });
});

test("is worded for people, without what is not known", () => {
  expect(telemetryWords({ tokensPerSecond: 1234.4, processBytes: 3.1e9, use: gpu })).toEqual([
    "1,234 tokens/s",
    "memory 3.1 GB",
    "GPU memory 10.0 GB of 80.0 GB, peak 12.0 GB",
    "GPU 50 % busy",
  ]);
  const nothing = { ...gpu, bytes: null, peakBytes: null, totalBytes: null, utilisation: null };
  expect(telemetryWords({ tokensPerSecond: null, processBytes: 1e9, use: nothing })).toEqual([
    "memory 1.0 GB",
  ]);
});
