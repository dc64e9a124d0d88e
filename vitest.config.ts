import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/sequence.ts";

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.{ts,tsx}"],
          exclude: ["test/workbench/**", "node_modules/**"],
          globalSetup: "test/reportPage.ts",
          // The models of most tests are too small for a second thread of onnxruntime, so that a file keeps one core busy. More
          // files at a time would not fit into the memory of a small machine: some train or answer with the real model.
          maxWorkers: 2,
          // Far beyond what a test takes alone: it may share its core with another file, and with what else the machine does.
          testTimeout: 240_000,
          hookTimeout: 240_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "workbench",
          include: ["test/workbench/*.test.ts"],
          globalSetup: "test/workbench/globalSetup.ts",
          // An editor with its browser, its extension host and the runs that it starts already uses two cores.
          fileParallelism: false,
          // A real editor starts, and in some tests a real model is trained in it.
          testTimeout: 300_000,
          hookTimeout: 120_000,
          // As long as `Workbench` waits for what it is told to see.
          expect: { poll: { timeout: 60_000, interval: 50 } },
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
