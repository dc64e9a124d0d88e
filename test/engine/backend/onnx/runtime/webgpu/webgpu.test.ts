import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import type { PrimitiveName } from "../../../../../../src/engine/backend/onnx/graph/attributes.ts";
import { primitives } from "../../../../../../src/engine/backend/onnx/graph/primitives.ts";
import { skipWhen } from "../../../../../skip.ts";
import type { Placement } from "./trace.ts";
import { vulkanEnvironment } from "./vulkan.ts";

const environment = vulkanEnvironment();
const required = process.env.DISCERN_REQUIRE_WEBGPU === "1";
const missing =
  "WebGPU is not tested: no Vulkan driver was found. On Debian: apt-get install libvulkan1 chromium " +
  "(whose SwiftShader needs no GPU).";

/** Runs a script of this folder in a process that has the Vulkan driver, and reads the JSON it prints. */
async function child<Result>(script: string, ...args: string[]): Promise<Result> {
  const { stdout } = await execa(process.execPath, [join(import.meta.dirname, script), ...args], {
    env: environment ?? {},
  });
  return JSON.parse(stdout.split("\n").at(-1) ?? "");
}

describe.skipIf(skipWhen(!environment && !required, missing))("WebGPU", () => {
  it("has a Vulkan driver to run on", () => {
    expect(environment, missing).not.toBeNull();
  });

  it("computes every primitive and its gradient", { timeout: 300_000 }, async () => {
    const { seed, errors } = await child<{ seed: number; errors: Record<PrimitiveName, number> }>(
      "primitives.ts",
    );
    expect(Object.keys(errors).sort()).toEqual(Object.keys(primitives).sort());
    const wrong = Object.entries(errors).filter(([, error]) => !(error < 1e-4));
    expect(wrong, `DISCERN_TEST_SEED=${seed}`).toEqual([]);
  });

  it("trains to the CPU's losses over five steps, with what is trained on the device", {
    timeout: 300_000,
  }, async () => {
    interface Trained {
      losses: number[];
      resident: boolean;
    }
    const on = (device: string) => child<Record<"lora" | "full", Trained>>("training.ts", device);
    const [cpu, gpu] = [await on("cpu"), await on("webgpu")];
    for (const method of ["lora", "full"] as const) {
      expect(cpu[method].resident).toBe(false);
      expect(gpu[method].resident).toBe(true);
      expect(cpu[method].losses).toHaveLength(5);
      expect(cpu[method].losses[4]).toBeLessThan(cpu[method].losses[0]);
      gpu[method].losses.forEach((loss, step) => {
        expect(Math.abs(loss - cpu[method].losses[step]), `${method}, step ${step}`).toBeLessThan(1e-3);
      });
    }
  });

  it("computes every node of every kind of graph, and copies nothing to the host between them", {
    timeout: 600_000,
  }, async () => {
    // Gemma 2 has every kind of node that the other families have, and soft caps and windows besides.
    const models = ["gemma2"];
    const found = await child<Record<string, Record<string, Placement>>>("placement.ts", "webgpu", ...models);
    expect(Object.keys(found)).toEqual(models);
    for (const [model, kinds] of Object.entries(found)) {
      expect(Object.keys(kinds)).toHaveLength(7);
      for (const [kind, placed] of Object.entries(kinds)) {
        const { WebGpuExecutionProvider: onDevice = {}, ...elsewhere } = placed;
        expect(elsewhere, `${model}, ${kind}`).toEqual({});
        expect(Object.keys(onDevice).filter((operator) => operator.startsWith("Memcpy"))).toEqual([]);
        expect(onDevice.MatMul, `${model}, ${kind}`).toBeGreaterThan(0);
      }
    }
  });
});
