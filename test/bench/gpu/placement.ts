import { join } from "node:path";
import { execa } from "execa";
import type { Seen } from "../../engine/backend/onnx/runtime/webgpu/graphs.ts";
import { byKind, placementOf } from "../../engine/backend/onnx/runtime/webgpu/placement.ts";
import type { Context } from "./context.ts";

const script = join(import.meta.dirname, "../../engine/backend/onnx/runtime/webgpu/graphs.ts");
/** Families with a decoder as most have it, and the one with most besides. */
const families = ["qwen2", "gemma2"];

/** Every kind of graph, traced: which of its nodes ran on the CPU or were copies between it and the GPU. None may. */
export async function checkPlacement({ results, env, signal }: Context): Promise<void> {
  for (const family of families) {
    const { stdout } = await execa(process.execPath, [script, "webgpu", family], {
      env,
      cancelSignal: signal,
    });
    const found = JSON.parse(stdout.split("\n").at(-1) ?? "") as Record<string, Record<string, Seen>>;
    const rows = Object.entries(byKind(found[family]!)).map(([kind, graphs]) => placementOf(kind, graphs));
    const off = rows.filter(({ elsewhere, copies }) => elsewhere + copies > 0);
    const nodes = rows.reduce((sum, { onDevice }) => sum + onDevice, 0);
    await results.check({
      name: `WebGPU: nodes of ${rows.length} kinds of graphs of ${family} that ran on the CPU or copied`,
      found:
        off.length === 0
          ? `0 of ${nodes}`
          : off.map(({ graph, elsewhere, copies }) => `${graph}: ${elsewhere} and ${copies}`).join("; "),
      wanted: "0",
      holds: off.length === 0 && nodes > 0,
    });
  }
}
