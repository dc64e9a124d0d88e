import { expect, test } from "vitest";
import { describeHealth, healthSchema } from "../../../src/extension/engine/health.ts";

test("says what the doctor found, a long problem in several lines beside its device", () => {
  const health = healthSchema.parse({
    versions: { discern: "0.1.0" },
    platform: "linux-x64",
    cores: 2,
    memory: { total: 8e9, free: 1.5e9 },
    devices: [
      { name: "cpu", starts: true, problem: null },
      {
        name: "webgpu",
        starts: false,
        problem: `No driver.\nInstall one of these: ${"driver ".repeat(10)}or none.`,
      },
    ],
    models: { home: "/home/models", found: [] },
  });
  expect(describeHealth(health)).toBe(`This machine
  linux-x64
  2 processor cores
  1.5 GB of 8.0 GB memory free

Devices for training
  ✓ cpu     starts
  ✗ webgpu  No driver.
            Install one of these: driver driver driver driver driver driver driver driver
            driver driver or none.

Models in /home/models
  None yet. "Discern: Pull a Model…" downloads one.

Versions
  discern 0.1.0
`);
});
