import { availableParallelism } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, describe, expect, it } from "vitest";
import type { PrimitiveName } from "../../../../../../src/engine/backend/onnx/graph/attributes.ts";
import { primitives } from "../../../../../../src/engine/backend/onnx/graph/primitives.ts";
import { skipWhen } from "../../../../../skip.ts";
import type { Seen } from "./graphs.ts";
import { byKind, placementOf, placementTable } from "./placement.ts";
import { vulkanEnvironment } from "./vulkan.ts";

const environment = vulkanEnvironment();
const required = process.env.DISCERN_REQUIRE_WEBGPU === "1";
const missing =
  "WebGPU is not tested: no Vulkan driver was found. On Debian: apt-get install libvulkan1 chromium " +
  "(whose SwiftShader needs no GPU).";

/** Families whose graphs are looked at. Gemma 2 has soft caps and windows besides all that the others have. */
const models = ["llama", "qwen2", "gemma2", "granite", "smollm3"];
/** How far a loss may be from the CPU's, as a share of it. */
const tolerance = 1e-5;

/** Runs a script of this folder in a process that has the Vulkan driver, and reads the JSON it prints. */
async function child<Result>(script: string, ...args: string[]): Promise<Result> {
  const { stdout } = await execa(process.execPath, [join(import.meta.dirname, script), ...args], {
    env: environment ?? {},
  });
  return JSON.parse(stdout.split("\n").at(-1) ?? "");
}

/**
 * What `graphs.ts` sees of models on a device, a process for each model and as many at a time as there are cores: SwiftShader
 * compiles on one.
 */
async function graphsOn(
  device: string,
  models: readonly string[],
): Promise<Record<string, Record<string, Seen>>> {
  const found: Record<string, Record<string, Seen>> = {};
  const waiting = [...models];
  const work = async () => {
    for (let model = waiting.shift(); model !== undefined; model = waiting.shift())
      Object.assign(found, await child("graphs.ts", device, model));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return found;
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

  it("computes with weights as they are stored, wholly on the device and as the CPU does", {
    timeout: 1_200_000,
  }, async () => {
    // The other forms are among the primitives. SwiftShader does not compute with float16.
    const names = ["Q4_K"].map((type) => `stored ${type}`);
    const gpu = await graphsOn("webgpu", names);
    const cpu = await graphsOn("cpu", names);
    const operators = new Set<string>();
    for (const name of names) {
      const graphsOf = byKind(gpu[name]!);
      for (const [kind, { losses = [] }] of Object.entries(gpu[name]!)) {
        const graphs = graphsOf[kind]!;
        const { graph, elsewhere, copies } = placementOf(`${name}, ${kind}`, graphs);
        expect({ elsewhere, copies }, graph).toEqual({ elsewhere: 0, copies: 0 });
        for (const each of graphs)
          for (const nodes of Object.values(each)) for (const node of Object.keys(nodes)) operators.add(node);
        const wanted = cpu[name]![kind]!.losses ?? [];
        const error = Math.max(0, ...losses.map((loss, i) => Math.abs(loss / wanted[i]! - 1)));
        expect(losses).toHaveLength(wanted.length);
        expect(error, `${graph}: relative to the CPU`).toBeLessThan(10 * tolerance);
      }
      expect(gpu[name]!["LoRA step"]!.losses).toHaveLength(5);
    }
    expect([...operators]).toEqual(expect.arrayContaining(["GatherBlockQuantized", "MatMulNBits"]));
  });

  describe("every kind of graph", { timeout: 1_800_000 }, () => {
    let gpu: Record<string, Record<string, Seen>>;
    let cpu: Record<string, Record<string, Seen>>;
    beforeAll(async () => {
      gpu = await graphsOn("webgpu", models);
      cpu = await graphsOn("cpu", models);
    }, 1_800_000);

    it("runs wholly on the device, and copies nothing to the host between its nodes", () => {
      const rows = models.flatMap((model) =>
        Object.entries(byKind(gpu[model]!)).map(([kind, graphs]) => placementOf(`${model}, ${kind}`, graphs)),
      );
      console.log(placementTable(rows));
      expect(rows).toHaveLength(models.length * 16);
      for (const { graph, onDevice, elsewhere, copies } of rows) {
        expect({ elsewhere, copies }, graph).toEqual({ elsewhere: 0, copies: 0 });
        expect(onDevice, graph).toBeGreaterThan(0);
      }
    });

    it("trains to the CPU's losses over five steps, with what is trained on the device", () => {
      for (const model of models) {
        const trained = Object.entries(gpu[model]!).filter(([, { losses }]) => losses);
        expect(trained).toHaveLength(5);
        for (const [kind, { losses = [], resident }] of trained) {
          const { losses: wanted = [], resident: onHost } = cpu[model]![kind]!;
          expect([resident, onHost], `${model}, ${kind}`).toEqual([true, false]);
          const error = Math.max(...losses.map((loss, i) => Math.abs(loss / wanted[i]! - 1)));
          console.log(
            `${model}, ${kind}: ${losses.map((loss) => loss.toFixed(6)).join(" ")}, error ${error.toExponential(1)}`,
          );
          expect(losses).toHaveLength(5);
          expect(new Set(losses).size, `${model}, ${kind}: the loss moves`).toBe(5);
          expect(error, `${model}, ${kind}: relative to the CPU`).toBeLessThan(tolerance);
        }
      }
    });
  });
});
