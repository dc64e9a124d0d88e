import { expect, test } from "vitest";
import { describeHealth, healthSchema } from "../../../src/extension/engine/health.ts";

test("says what the doctor found, a long problem in several lines beside its device", () => {
  const health = healthSchema.parse({
    versions: { discern: "0.1.0" },
    platform: "linux-x64",
    cores: 2,
    processor: { model: "A processor", features: ["AVX2", "AVX-512 BF16"] },
    memory: { total: 8e9, free: 1.5e9 },
    devices: [
      { name: "cpu", starts: true, problem: null, software: null, blockMilliseconds: 20.123 },
      {
        name: "webgpu",
        starts: false,
        problem: `No driver.\nInstall one of these: ${"driver ".repeat(10)}or none.`,
        software: null,
        blockMilliseconds: null,
      },
      { name: "webgpu", starts: true, problem: null, software: "SwiftShader", blockMilliseconds: null },
    ],
    pythons: [
      {
        origin: "VIRTUAL_ENV",
        executable: "/env/bin/python",
        facts: {
          ...{ python: "3.12.4", executable: "/env/bin/python", prefix: "/env" },
          packages: { torch: "2.11.0", transformers: "5.17.0", peft: null },
          broken: {},
          accelerators: [
            { kind: "cuda", name: "NVIDIA H100", memory: { total: 80e9, free: 79e9 }, bf16: true },
          ],
          ...{
            acceleratorProblem: null,
            toolkit: "CUDA 13.0",
            distributed: ["gloo", "nccl"],
            compiler: true,
          },
          cpu: { bf16: true, amx: true },
        },
        problems: [],
      },
      {
        origin: "PATH",
        executable: "/usr/bin/python3",
        facts: null,
        problems: [{ what: "It does not start.", fix: "install it" }],
      },
    ],
    noGpu: null,
    standing: { backend: "torch", device: "cuda" },
    choices: [
      {
        model: "an 8 B model",
        backend: "torch",
        device: "cuda",
        reason: "it is the fastest",
        dtype: "bfloat16",
      },
    ],
    auto: {
      model: "SmolLM2-135M",
      device: "cpu",
      candidates: [
        { backend: "onnx", device: "cpu", dtype: "float32", milliseconds: 20.123, problem: null },
        { backend: "onnx", device: "webgpu", dtype: "float32", milliseconds: null, problem: "No driver." },
        {
          ...{ backend: "torch", device: "cpu", dtype: "bfloat16", compiled: true },
          ...{ milliseconds: 31.5, problem: null },
        },
      ],
      reason: `webgpu was not considered:${" driver".repeat(12)}`,
    },
    models: {
      home: "/home/models",
      found: [],
      cache: "/cache/hub",
      cached: [
        { name: "owner/name", problem: null },
        { name: "owner/half", problem: "the download is incomplete: model.safetensors is missing" },
      ],
    },
  });
  expect(describeHealth(health)).toBe(`This machine
  linux-x64
  A processor
  AVX2, AVX-512 BF16
  2 processor cores
  1.5 GB of 8.0 GB memory free

Devices for training
  ✓ cpu     starts; one decoder block, forward and backward: 20.1 ms
  ✗ webgpu  No driver.
            Install one of these: driver driver driver driver driver driver driver driver
            driver driver or none.
  ✓ webgpu  starts, with SwiftShader, which computes on the CPU

Pythons for the PyTorch backend; the first that can compute is taken
  ✓ /env/bin/python (VIRTUAL_ENV): Python 3.12.4, torch 2.11.0, transformers 5.17.0,
      CUDA 13.0
      NVIDIA H100 (80.0 GB, bf16); CPU with bf16 and AMX
  ✗ /usr/bin/python3 (PATH)
      It does not start. Fix: install it

What auto stands for; a recipe that names backend or device is not affected
  Set by the settings discern.backend and discern.device: cuda by torch. Measured:
  SmolLM2-135M: cpu by onnx
    ✓ cpu by onnx (float32): 20.1 ms per block
      cpu by torch (bfloat16, compiled): 31.5 ms per block
    webgpu was not considered: driver driver driver driver driver driver driver
    driver driver driver driver driver
  an 8 B model: cuda by torch (bfloat16)
    it is the fastest

Models in /home/models
  None.

Models in the Hugging Face cache (/cache/hub)
  owner/name
  owner/half
    the download is incomplete: model.safetensors is missing

Versions
  discern 0.1.0
`);
});
