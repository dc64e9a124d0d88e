import { expect, test } from "vitest";
import { runsEngine } from "../../src/protocol/nodeVersion.ts";

test.each([
  ["v20.20.2", false],
  ["v22.9.1", false],
  ["v22.15.0", true],
  ["v22.22.1\n", true],
  ["a warning\nv24.1.0", true],
  ["v100.0.0", true],
  ["3.12.1", null],
  ["", null],
])("what prints %j runs the engine: %s", (printed, runs) => {
  expect(runsEngine(printed)).toBe(runs);
});
