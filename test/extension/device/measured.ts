import type { DeviceChoice } from "../../../src/protocol/device.ts";

/** A recipe that leaves the place open. */
export const auto = { backend: "auto", device: "auto" } as const;
/** What was measured of three places, one of which cannot be used. */
export const measured: DeviceChoice = {
  ...{ backend: "torch", device: "cuda", dtype: "bfloat16", compile: false, reason: "it is the fastest" },
  candidates: [
    { backend: "onnx", device: "cpu", dtype: "float32", milliseconds: 40, problem: null },
    { backend: "onnx", device: "webgpu", dtype: "float32", milliseconds: null, problem: "too large" },
    {
      backend: "torch",
      device: "cuda",
      dtype: "bfloat16",
      compiled: false,
      milliseconds: 2.5,
      problem: null,
    },
  ],
};
