import { expect, test } from "vitest";
import { measurementSchema, placeItems } from "../../../src/extension/device/places.ts";
import { auto, measured } from "./measured.ts";

test("the picker offers every place with what was measured of it, and marks the one that is named", () => {
  const items = placeItems({ backend: "auto", device: "cpu" }, [measured]);
  expect(items.map(({ label, description }) => [label, description])).toEqual([
    ["auto", "cuda by torch (bfloat16)"],
    ["$(check) cpu by onnx", "one decoder block: 40 ms"],
    ["webgpu by onnx", "not considered: too large"],
    ["cuda by torch", "one decoder block: 2.5 ms (bfloat16)"],
    ["cpu by torch", ""],
  ]);
  expect(items[0]!.detail).toBe("it is the fastest");
  expect(placeItems(auto, []).map(({ label }) => label)[0]).toBe("$(check) auto");
});

test("models that are named stand side by side", () => {
  const other = {
    ...{ model: "an 8 B model", backend: "onnx", device: "cpu", reason: "the rest is too small" },
    candidates: [{ backend: "onnx", device: "cpu", dtype: "float32", milliseconds: 900, problem: null }],
  };
  const named = [{ ...measured, model: "small" }, other].map((one) => measurementSchema.parse(one));
  const rows = placeItems(auto, named).map(({ description, detail }) => [description, detail]);
  expect(rows.slice(0, 3)).toEqual([
    ["small: cuda by torch (bfloat16)", "an 8 B model: cpu by onnx"],
    ["small: one decoder block: 40 ms", "an 8 B model: one decoder block: 900 ms"],
    ["small: not considered: too large", undefined],
  ]);
});
