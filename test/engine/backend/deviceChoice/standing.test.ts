import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { placeOf } from "../../../../src/engine/abilities/place.ts";
import { chooseDevice } from "../../../../src/engine/backend/deviceChoice/choose.ts";
import { standingPlace } from "../../../../src/engine/backend/deviceChoice/standing.ts";
import { openModel } from "../../../../src/engine/model/source.ts";
import { torchSchema } from "../../../../src/protocol/backend.ts";
import { tempFolder } from "../../../tempFolder.ts";
import { tinyPath } from "../../model/tiny.ts";

afterEach(() => vi.unstubAllEnvs());

/** What `auto` stands for, for a tiny model; every trial finds that no device starts. */
async function choice(options: Partial<Parameters<typeof chooseDevice>[1]> = {}) {
  const stub = join(tempFolder(), "stub.cjs");
  await writeFile(stub, 'process.send({ problem: "it does not start" });\n');
  const { architecture } = await openModel(tinyPath("llama"));
  return chooseDevice({ architecture, rank: 16 }, { trial: [process.execPath, stub], ...options });
}

test("a default that was set is what auto stands for, and nothing is measured", async () => {
  vi.stubEnv("DISCERN_DEVICE", "webgpu");
  expect(await choice()).toEqual({
    backend: "onnx",
    device: "webgpu",
    reason: expect.stringMatching(/^it is the default that was set by DISCERN_BACKEND and DISCERN_DEVICE/),
  });
  expect((await choice({ standing: "ignored" })).device).toBe("cpu");
});

test("a recipe that names its backend or its device is not affected", async () => {
  vi.stubEnv("DISCERN_DEVICE", "webgpu");
  expect((await choice({ backend: "onnx" })).device).toBe("cpu");
  const question = { model: tinyPath("llama"), root: "/", torch: torchSchema.parse({}) };
  const named = await placeOf({ ...question, backend: "auto", device: "cpu" });
  expect(named).toEqual({ backend: "onnx", device: "cpu", reason: "the recipe names it" });
  const left = await placeOf({ ...question, backend: "auto", device: "auto" });
  expect(left.device).toBe("webgpu");
});

test("a backend alone leaves its device to what is measured", async () => {
  vi.stubEnv("DISCERN_BACKEND", "onnx");
  const { device, candidates } = await choice();
  expect(device).toBe("cpu");
  expect(candidates!.every(({ backend }) => backend === "onnx")).toBe(true);
});

test("names that there are not, and a device that a backend has not, are refused", () => {
  expect(standingPlace({})).toBeNull();
  expect(standingPlace({ DISCERN_BACKEND: "auto", DISCERN_DEVICE: "" })).toBeNull();
  expect(() => standingPlace({ DISCERN_DEVICE: "gpu" })).toThrow(
    'DISCERN_DEVICE is "gpu". Give one of auto, cpu, webgpu, cuda.',
  );
  expect(() => standingPlace({ DISCERN_BACKEND: "jax" })).toThrow(/DISCERN_BACKEND is "jax"/);
  expect(() => standingPlace({ DISCERN_BACKEND: "onnx", DISCERN_DEVICE: "cuda" })).toThrow(
    /settings discern\.backend and discern\.device\): The onnx backend does not compute on cuda/,
  );
});
