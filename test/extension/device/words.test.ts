import { expect, test } from "vitest";
import {
  deviceRow,
  type Measurement,
  measurementSchema,
  placeItems,
  placeVariables,
} from "../../../src/extension/device/words.ts";

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

test("every place is offered with the time of each model there, and the one that is set is marked", () => {
  const rows = (set: Parameters<typeof placeItems>[0]) =>
    placeItems(set, measured).map(({ label, description, detail }) => [
      label,
      description.includes("(current)"),
      detail,
    ]);
  expect(rows(auto)).toEqual([
    ["auto", true, "SmolLM2-135M: cpu by onnx · an 8 B model: cuda by torch"],
    ["cpu by onnx", false, "SmolLM2-135M: 20.1 ms per block · an 8 B model: 900 ms per block"],
    ["webgpu by onnx", false, "Not timed; Check This Machine says why"],
    ["cuda by torch", false, "an 8 B model: 3 ms per block"],
    ["cpu by torch", false, "Not timed; Check This Machine says why"],
  ]);
  const current = (set: Parameters<typeof placeItems>[0]) =>
    rows(set).flatMap(([label, isCurrent]) => (isCurrent ? [label] : []));
  expect(current({ backend: "auto", device: "cpu" })).toEqual(["cpu by onnx"]);
  expect(current({ backend: "torch", device: "cpu" })).toEqual(["cpu by torch"]);
  expect(current({ backend: "auto", device: "cuda" })).toEqual(["cuda by torch"]);
  expect(current({ backend: "torch", device: "auto" })).toEqual([]);
  expect(placeItems(auto, []).map(({ detail }) => detail)).toEqual(Array(5).fill("Not measured yet"));
});

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
