import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { blockMilliseconds } from "../../../../src/engine/backend/deviceChoice/block.ts";
import { decide, tryDevice } from "../../../../src/engine/backend/deviceChoice/choose.ts";
import type { Trial } from "../../../../src/engine/backend/deviceChoice/trial.ts";
import { Device } from "../../../../src/engine/backend/onnx/runtime/device.ts";
import { openModel } from "../../../../src/engine/model/source.ts";
import { tempFolder } from "../../../tempFolder.ts";
import { tinyModels, tinyPath } from "../../model/tiny.ts";

const trial = (found: Partial<Trial>): Trial => ({
  problem: null,
  software: null,
  milliseconds: null,
  ...found,
});
const timed = (milliseconds: number) => trial({ milliseconds });

describe("the choice", () => {
  test("is the faster device, and says both times", () => {
    expect(decide(timed(20.4), timed(3.21), null)).toEqual({
      device: "webgpu",
      reason: expect.stringMatching(/20\.4 ms on cpu and 3\.21 ms on webgpu/),
      blockMilliseconds: { cpu: 20.4, webgpu: 3.21 },
    });
    expect(decide(timed(3), timed(20), null)).toMatchObject({
      device: "cpu",
      blockMilliseconds: { cpu: 3, webgpu: 20 },
    });
    expect(decide(timed(3), timed(3), null).device).toBe("cpu");
  });

  test("is webgpu where that was timed and the CPU did not finish, and says why", () => {
    expect(decide(trial({ problem: "it did not finish" }), timed(1), null)).toEqual({
      device: "webgpu",
      reason: "cpu was not considered: it did not finish",
    });
  });

  test.each<[string, Trial, Trial, string | null, RegExp]>([
    ["no GPU", timed(9), timed(1), "no device of one", /no device of one/],
    ["a device that does not start", timed(9), trial({ problem: "install it" }), null, /install it/],
    [
      "a software driver",
      timed(9),
      trial({ software: "SwiftShader", milliseconds: 1 }),
      null,
      /SwiftShader.*on the CPU/,
    ],
    ["nothing timed", trial({}), trial({}), null, /nothing was timed/],
  ])("stays with the cpu for %s, and says why", (_, cpu, webgpu, unreachable, reason) => {
    const choice = decide(cpu, webgpu, unreachable);
    expect(choice).toEqual({ device: "cpu", reason: expect.stringMatching(/^webgpu was not considered: /) });
    expect(choice.reason).toMatch(reason);
  });
});

describe("a trial", () => {
  test.each(tinyModels)("times a block of %s, with adapters and without", async (name) => {
    const { architecture } = await openModel(tinyPath(name));
    const device = await Device.open("cpu", { threads: 1 });
    for (const rank of [4, null])
      expect(await blockMilliseconds(device, { architecture, rank })).toBeGreaterThan(0);
    await device.dispose();
  });

  test("runs in a process of its own", async () => {
    const { architecture } = await openModel(tinyPath("llama"));
    const found = await tryDevice({ device: "cpu", threads: 1, block: { architecture, rank: 4 } });
    expect(found).toEqual({ problem: null, software: null, milliseconds: expect.any(Number) });
    expect(found.milliseconds).toBeGreaterThan(0);
  });

  test("is given the request as its last argument", async () => {
    const stub = join(tempFolder(), "stub.cjs");
    await writeFile(stub, "process.send({ problem: process.argv.at(-1) });\n");
    const { problem } = await tryDevice({ device: "webgpu" }, [process.execPath, stub]);
    expect(JSON.parse(problem ?? "")).toEqual({ device: "webgpu" });
  });
});
