import { expect, test } from "vitest";
import { describeHealth, healthSchema } from "../../../src/extension/engine/health.ts";

test("says what the doctor found, a long problem in several lines beside its device", () => {
  const health = healthSchema.parse({
    versions: { discern: "0.1.0" },
    platform: "linux-x64",
    cores: 2,
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
    auto: {
      model: "SmolLM2-135M",
      device: "cpu",
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
  2 processor cores
  1.5 GB of 8.0 GB memory free

Devices for training
  ✓ cpu     starts; one decoder block, forward and backward: 20.1 ms
  ✗ webgpu  No driver.
            Install one of these: driver driver driver driver driver driver driver driver
            driver driver or none.
  ✓ webgpu  starts, with SwiftShader, which computes on the CPU

The device auto, for a model of the size of SmolLM2-135M
  cpu
  webgpu was not considered: driver driver driver driver driver driver driver
  driver driver driver driver driver

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
