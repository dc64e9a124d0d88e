import { expect, test } from "vitest";
import { type Measurement, measurementSchema } from "../../../src/extension/device/places.ts";
import { deviceRow, placeVariables } from "../../../src/extension/device/words.ts";

const candidate = (backend: string, device: string, milliseconds: number | null) => ({
  ...{ backend, device, dtype: "float32", milliseconds },
  problem: milliseconds === null ? "it does not start" : null,
});
const measured: Measurement[] = [
  measurementSchema.parse({
    ...{ model: "SmolLM2-135M", backend: "onnx", device: "cpu", reason: "the only one that starts" },
    candidates: [candidate("onnx", "cpu", 20.12), candidate("onnx", "webgpu", null)],
  }),
  measurementSchema.parse({
    ...{ model: "an 8 B model", backend: "torch", device: "cuda", reason: "it is the fastest" },
    candidates: [candidate("onnx", "cpu", 900), candidate("torch", "cuda", 4), candidate("torch", "cuda", 3)],
  }),
];
const auto = { backend: "auto", device: "auto" } as const;

test("the row of the device says what is measured, or what was set", () => {
  const { description, tooltip } = deviceRow(auto, measured);
  expect(description).toBe("auto: cpu by onnx, 20.1 ms per block (SmolLM2-135M)");
  expect(tooltip).toBe(
    "What auto was measured to stand for\n\nSmolLM2-135M: cpu by onnx\nthe only one that starts\n\n" +
      "an 8 B model: cuda by torch\nit is the fastest\n\nA recipe that names backend or device is not affected.",
  );
  expect(deviceRow(auto, []).description).toBe("auto: the fastest for each model");
  expect(deviceRow({ backend: "auto", device: "webgpu" }, measured).description).toBe(
    "webgpu by onnx, as set",
  );
  expect(deviceRow({ backend: "torch", device: "cpu" }, []).description).toBe("cpu by torch, as set");
  expect(deviceRow({ backend: "torch", device: "auto" }, []).description).toBe(
    "the fastest of torch, as set",
  );
});

test("a place that is set reaches the engine as variables", () => {
  expect(placeVariables(auto)).toEqual({});
  expect(placeVariables({ backend: "torch", device: "cuda" })).toEqual({
    DISCERN_BACKEND: "torch",
    DISCERN_DEVICE: "cuda",
  });
});

test("the time in the row is that of the variant that is taken", () => {
  const choice = measurementSchema.parse({
    ...{ model: "m", backend: "torch", device: "cpu", dtype: "bfloat16", compile: true, reason: "fastest" },
    candidates: [
      { ...candidate("torch", "cpu", 9), dtype: "bfloat16", compiled: false },
      { ...candidate("torch", "cpu", 5), dtype: "bfloat16", compiled: true },
    ],
  });
  expect(deviceRow(auto, [choice]).description).toBe(
    "auto: cpu by torch (bfloat16, compiled), 5 ms per block (m)",
  );
});
