import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // onnxruntime already uses every core inside one process; parallel files would only fight for them.
    fileParallelism: false,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.{ts,tsx}"],
          exclude: ["test/workbench/**", "node_modules/**"],
          globalSetup: "test/reportPage.ts",
          testTimeout: 60_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "workbench",
          include: ["test/workbench/*.test.ts"],
          globalSetup: "test/workbench/globalSetup.ts",
          // A real editor starts, and in some tests a real model is trained in it.
          testTimeout: 300_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
